package forward

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

func jwsDestination() Destination {
	return destinationOf(func(d *Destination) { d.Signing = SigningJWS })
}

func newJWS(t *testing.T) string {
	t.Helper()
	secret, err := NewJWSKey()
	require.NoError(t, err)
	return secret
}

// A stock library verifies it against the public set, and so does one that knows
// nothing of detached payloads.
func TestJWSVerifiesWithTheKeySet(t *testing.T) {
	t.Parallel()
	newer, older := newJWS(t), newJWS(t)
	s, _ := signing(clock.NewManual(signedAt), signingSecret(newer), signingSecret(older))
	raw, err := s.PublicKeys(t.Context(), []Registered{{Destination: jwsDestination()}, {Destination: webhookDestination()}}, signedAt)
	require.NoError(t, err)
	set, err := jwk.Parse(raw)
	require.NoError(t, err)
	require.Equal(t, 2, set.Len(), "the one that is to end is known, too")
	require.NotContains(t, string(raw), `"d"`, "no private member")

	body := []byte(`{"type":"conversion.event","n":1}`)
	r := Rendered{Body: body}
	hide, err := s.Apply(t.Context(), jwsDestination(), "8a6e0804-2bd0-4672-b79d-d97027f9071a", signedAt, &r)
	require.NoError(t, err)
	require.Contains(t, hide, newer)
	signed := r.Header.Get("X-JWS-Signature")
	_, err = jws.Verify([]byte(signed), jws.WithKeySet(set), jws.WithDetachedPayload(body))
	require.NoError(t, err)
	_, err = jws.Verify([]byte(signed), jws.WithKeySet(set), jws.WithDetachedPayload([]byte(`{"type":"conversion.event","n":2}`)))
	require.Error(t, err)
	attached := strings.Replace(signed, "..", "."+base64.RawURLEncoding.EncodeToString(body)+".", 1)
	payload, err := jws.Verify([]byte(attached), jws.WithKeySet(set))
	require.NoError(t, err)
	require.Equal(t, body, payload)
	_, err = jws.Verify([]byte(attached), jws.WithKey(jwa.HS256, []byte("guess")))
	require.Error(t, err)
}

// Checked by hand, without the library that signed: RFC 7515 and RFC 7638.
func TestJWSByHand(t *testing.T) {
	t.Parallel()
	secret := newJWS(t)
	s, _ := signing(clock.NewManual(signedAt), signingSecret(secret))
	r := Rendered{Body: []byte("a=1&b=2")}
	_, err := s.Apply(t.Context(), jwsDestination(), "the-delivery", signedAt, &r)
	require.NoError(t, err)
	parts := strings.Split(r.Header.Get("X-JWS-Signature"), ".")
	require.Len(t, parts, 3)
	require.Empty(t, parts[1])
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	var jwkOf struct{ Kty, Crv, X, Y, Kid, Use, Alg string }
	public, err := PublicJWK(secret)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(public, &jwkOf))
	thumb := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, jwkOf.X, jwkOf.Y))
	kid := base64.RawURLEncoding.EncodeToString(thumb[:])
	require.Equal(t, []string{"EC", "P-256", kid, "sig", "ES256"}, []string{jwkOf.Kty, jwkOf.Crv, jwkOf.Kid, jwkOf.Use, jwkOf.Alg})
	require.JSONEq(t, fmt.Sprintf(`{"alg":"ES256","kid":"%s","jti":"the-delivery","iat":%d}`, kid, signedAt.Unix()), string(raw))

	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(t, err)
	require.Len(t, signature, 64)
	der, err := base64.StdEncoding.DecodeString(secret)
	require.NoError(t, err)
	private, err := x509.ParsePKCS8PrivateKey(der)
	require.NoError(t, err)
	digest := sha256.Sum256([]byte(parts[0] + "." + base64.RawURLEncoding.EncodeToString(r.Body)))
	half := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	require.True(t, ecdsa.Verify(&private.(*ecdsa.PrivateKey).PublicKey, digest[:], half(signature[:32]), half(signature[32:])))
}

func TestJWSKeys(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	var kids []string
	for _, good := range []string{
		inPEM("EC PRIVATE KEY", sec1), inPEM("PRIVATE KEY", pkcs8), base64.StdEncoding.EncodeToString(pkcs8), base64.StdEncoding.EncodeToString(sec1),
	} {
		k, err := parseJWSKey(good)
		require.NoError(t, err)
		kids = append(kids, k.public.KeyID())
		require.NoError(t, jwsDestination().CheckSecret(PurposeSigning, good))
		require.ErrorContains(t, destinationOf(func(d *Destination) { d.Signing = SigningBearer }).CheckSecret(PurposeSigning, good), "secret")
	}
	require.Equal(t, []string{kids[0], kids[0], kids[0], kids[0]}, kids)

	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	other, err := x509.MarshalPKCS8PrivateKey(p384)
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	require.NoError(t, err)
	publicDER, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	for bad, want := range map[string]string{
		"": "neither PEM nor base64", "not base64!": "neither PEM nor base64", "bm8ga2V5": "no private key of PKCS #8",
		inPEM("PRIVATE KEY", other): "P-256", inPEM("PRIVATE KEY", rsaDER): "P-256", inPEM("PUBLIC KEY", publicDER): "no private key of PKCS #8",
		inPEM("PRIVATE KEY", pkcs8) + inPEM("PRIVATE KEY", pkcs8): "neither PEM nor base64",
	} {
		_, err := parseJWSKey(bad)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "skand secret new --jws")
	}
}

func FuzzParseJWSKey(f *testing.F) {
	f.Add("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----")
	f.Add("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := parseJWSKey(text)
		if err == nil {
			_, err = k.sign("id", signedAt, []byte(text))
			require.NoError(t, err)
		}
	})
}
