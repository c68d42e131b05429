package auth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

var _ oidc.KeySet = (*keySet)(nil)

// algorithms are those that an ID token may be signed with, each with the kind of key
// that it takes. None has a secret in common: with HS256 the public key, which is
// everybody's, would be one.
var algorithms = map[jwa.SignatureAlgorithm]jwa.KeyType{
	jwa.RS256: jwa.RSA, jwa.RS384: jwa.RSA, jwa.RS512: jwa.RSA, jwa.PS256: jwa.RSA, jwa.PS384: jwa.RSA, jwa.PS512: jwa.RSA,
	jwa.ES256: jwa.EC, jwa.ES384: jwa.EC, jwa.ES512: jwa.EC, jwa.EdDSA: jwa.OKP,
}

func algorithmNames() []string {
	names := make([]string, 0, len(algorithms))
	for a := range algorithms {
		names = append(names, a.String())
	}
	return names
}

const (
	minRSA = 2048 // bits

	// keysLast bounds how long keys are believed that the provider may have withdrawn;
	// keysRest how often strangers' tokens can make us ask.
	keysLast = time.Hour
	keysRest = time.Minute
)

// errKeysAway is returned where nobody knows whether a signature is right.
var errKeysAway = errors.New("the keys of the OpenID provider can't be read")

// keySet is the provider's keys, read when they are needed.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu   sync.Mutex
	set  jwk.Set
	read time.Time
}

// VerifySignature implements oidc.KeySet: it returns the payload of a compact JWS that
// one of the provider's keys has signed. Claims are checked by its caller.
func (k *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	msg, err := jws.Parse([]byte(raw), jws.WithCompact())
	if err != nil {
		return nil, fmt.Errorf("read the signature: %w", err)
	}
	if len(msg.Signatures()) != 1 {
		return nil, errors.New("want one signature")
	}
	header := msg.Signatures()[0].ProtectedHeaders()
	alg := header.Algorithm()
	kind, ok := algorithms[alg]
	switch {
	case !ok:
		return nil, fmt.Errorf("algorithm %q is not taken", alg)
	case len(header.Critical()) > 0:
		return nil, errors.New("its header has extensions that must be understood (crit)")
	}
	key, err := k.find(ctx, header.KeyID(), alg, kind)
	if err != nil {
		return nil, err
	}
	payload, err := jws.Verify([]byte(raw), jws.WithKey(alg, key))
	if err != nil {
		return nil, fmt.Errorf("verify the signature: %w", err)
	}
	return payload, nil
}

// find is the key of that id; without an id it must be the only one that fits. A key
// that is not known may be new: then the set is read again.
func (k *keySet) find(ctx context.Context, kid string, alg jwa.SignatureAlgorithm, kind jwa.KeyType) (jwk.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.set == nil || now.Sub(k.read) >= keysLast {
		if err := k.load(ctx, now); err != nil {
			return nil, err
		}
	}
	key, err := pick(k.set, kid, alg, kind)
	if err == nil || now.Sub(k.read) < keysRest {
		return key, err
	}
	if err := k.load(ctx, now); err != nil {
		return nil, err
	}
	return pick(k.set, kid, alg, kind)
}

func pick(set jwk.Set, kid string, alg jwa.SignatureAlgorithm, kind jwa.KeyType) (jwk.Key, error) {
	var found jwk.Key
	for i := range set.Len() {
		key, _ := set.Key(i)
		switch {
		case kid != "" && key.KeyID() != kid, key.KeyType() != kind, key.KeyUsage() != "" && key.KeyUsage() != "sig",
			key.Algorithm().String() != "" && key.Algorithm().String() != alg.String():
			continue
		case found != nil:
			return nil, errors.New("the token does not say by which of several keys it is signed")
		}
		found = key
	}
	if found == nil {
		return nil, errors.New("it is signed by no key of the provider")
	}
	var raw any
	if err := found.Raw(&raw); err != nil {
		return nil, fmt.Errorf("read the provider's key: %w", err)
	}
	if public, ok := raw.(*rsa.PublicKey); ok && public.N.BitLen() < minRSA {
		return nil, fmt.Errorf("the provider's key has %d bits, want at least %d", public.N.BitLen(), minRSA)
	}
	return found, nil
}

// load reads the set. A key that we don't understand is left out: providers have keys
// for other things too.
func (k *keySet) load(ctx context.Context, now time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errKeysAway, err)
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errKeysAway, err)
	}
	defer func() { _ = resp.Body.Close() }() // read below
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s: %w", errKeysAway, resp.Status, err)
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("%w: %w", errKeysAway, err)
	}
	set := jwk.NewSet()
	for _, raw := range list.Keys {
		key, err := jwk.ParseKey(raw)
		if err != nil {
			continue
		}
		if err := set.AddKey(key); err != nil {
			continue // there twice
		}
	}
	k.set, k.read = set, now
	return nil
}
