package skan

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNeedsP192(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, version := range []string{"1.0", "2.0", "2.1", "2.2", "3.0", "4.0"} {
		body := l.signSKAN(t, skan(version), false).json(t)
		require.Equal(t, usesP192(version), NeedsP192(body), version)
	}
	for body, want := range map[string]bool{
		`{"attribution-signature":"x"}`:                                      true, // no version is 1.0
		`{"attribution-signature":"x","version":"2.0"}`:                      true,
		`{"attribution-signature":"x","version":"\u0032.0"}`:                 true, // as the verifier reads it
		`{"attribution-signature":"x","version":"1.0","v":{"jws-string":1}}`: true,
		`{"attribution-signature":"x","version":"9.0"}`:                      false,
		`{"attribution-signature":"x","version":2.0}`:                        false,
		`{"attribution-signature":"x","jws-string":"y"}`:                     false,
		`{"version":"1.0"}`:                                                  false, // nothing to check
		`{"jws-string":"y"}`:                                                 false,
		`[]`:                                                                 false,
		``:                                                                   false,
	} {
		require.Equal(t, want, NeedsP192([]byte(body)), body)
	}
}

func BenchmarkNeedsP192(b *testing.B) {
	body := sample(b, "skan40_web_fine_apple.json")
	b.ReportAllocs()
	for b.Loop() {
		if NeedsP192(body) {
			b.Fatal("4.0 is P-256")
		}
	}
}
