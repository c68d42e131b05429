package skan

import (
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// es256 checks a signature over the segments as they were received. This is all that
// is asked of jwx: jws.Verify would take the compact form apart a second time, and
// takes JSON serialization too.
var es256 = must(jws.NewVerifier(jwa.ES256))

func must(v jws.Verifier, err error) jws.Verifier {
	if err != nil {
		panic(err) // the library has lost ES256
	}
	return v
}
