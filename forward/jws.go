package forward

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// headerJWS carries the detached signature. No RFC names a header for it; this is
// the name that open banking made common.
const headerJWS = "X-JWS-Signature"

const jwsRemedy = "`skand secret new --jws` prints one"

// jwsKey is a private key of ES256 and what receivers know it by.
type jwsKey struct {
	private *ecdsa.PrivateKey
	public  jwk.Key // with kid (its RFC 7638 thumbprint), use and alg
}

// NewJWSKey makes a P-256 private key, as PKCS #8 in one line of base64.
func NewJWSKey() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// parseJWSKey reads a P-256 private key: PEM (PKCS #8 or SEC 1), or the base64 of its
// DER in one line. Errors never repeat it.
func parseJWSKey(secret string) (*jwsKey, error) {
	var der []byte
	if block, rest := pem.Decode([]byte(secret)); block != nil && strings.TrimSpace(string(rest)) == "" {
		der = block.Bytes
	} else if der, _ = base64.StdEncoding.DecodeString(strings.TrimSpace(secret)); len(der) == 0 {
		return nil, errors.New("the secret is no private key, neither PEM nor base64; " + jwsRemedy)
	}
	var private *ecdsa.PrivateKey
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		private, _ = key.(*ecdsa.PrivateKey)
	} else if private, err = x509.ParseECPrivateKey(der); err != nil {
		return nil, errors.New("the secret is no private key of PKCS #8 or SEC 1; " + jwsRemedy)
	}
	if private == nil || private.Curve != elliptic.P256() {
		return nil, errors.New("the secret is not a key of the curve P-256, which ES256 needs; " + jwsRemedy)
	}
	public, err := jwk.FromRaw(&private.PublicKey)
	if err != nil {
		return nil, errors.New("the secret's public key cannot be written down; " + jwsRemedy)
	}
	for name, value := range map[string]any{jwk.AlgorithmKey: jwa.ES256, jwk.KeyUsageKey: jwk.ForSignature} {
		if err := public.Set(name, value); err != nil {
			return nil, fmt.Errorf("public key: %s: %w", name, err)
		}
	}
	if err := jwk.AssignKeyID(public, jwk.WithThumbprintHash(crypto.SHA256)); err != nil {
		return nil, fmt.Errorf("public key: kid: %w", err)
	}
	return &jwsKey{private, public}, nil
}

// sign gives the compact form without its payload (RFC 7515, appendix F). The payload
// is signed as base64url, the default: with it put back between the two dots this is
// an ordinary JWS that any library verifies. An unencoded payload (RFC 7797) saves a
// receiver one call, and many libraries refuse it. What a body does not say is in the
// protected header: whose delivery (jti) and when (iat), against replays.
func (k *jwsKey) sign(id string, at time.Time, body []byte) (string, error) {
	h := jws.NewHeaders()
	for name, value := range map[string]any{jws.KeyIDKey: k.public.KeyID(), "jti": id, "iat": at.Unix()} {
		if err := h.Set(name, value); err != nil {
			return "", fmt.Errorf("jws: %s: %w", name, err)
		}
	}
	signed, err := jws.Sign(nil, jws.WithKey(jwa.ES256, k.private, jws.WithProtectedHeaders(h)), jws.WithDetachedPayload(body))
	if err != nil {
		return "", fmt.Errorf("jws: %w", err)
	}
	return string(signed), nil
}

// PublicJWK is the public half of a JWS key as a JSON Web Key.
func PublicJWK(secret string) (json.RawMessage, error) {
	key, err := parseJWSKey(secret)
	if err != nil {
		return nil, err
	}
	return json.Marshal(key.public)
}

// keySet is the JWK set of keys, each once.
func keySet(keys []*jwsKey) ([]byte, error) {
	set := jwk.NewSet()
	for _, k := range keys {
		if _, known := set.LookupKeyID(k.public.KeyID()); known {
			continue
		}
		if err := set.AddKey(k.public); err != nil {
			return nil, fmt.Errorf("jwk set: %w", err)
		}
	}
	return json.Marshal(set)
}
