package forward

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"skand/internal/clock"
)

// secretsKept is how long a Signer works with what it has read: a secret that another
// process sets is used from then on, and the store is not asked for each request.
const secretsKept = 2 * time.Second

// Signer proves who sends: it signs, fills in secrets and fetches tokens. It is safe
// for concurrent use.
type Signer struct {
	// Env reads an environment variable of this process, for secrets that are stored
	// nowhere; nil: there are none.
	Env func(name string) string

	source SecretSource
	clock  clock.Clock
	tokens *tokens

	mu   sync.Mutex
	kept map[string]kept // by destination
}

type kept struct {
	secrets []Secret
	until   time.Time
}

// NewSigner returns a Signer. client must guard the addresses that it dials, for it
// goes to the token endpoints. real must tell the receivers' time, also where a lab's
// clock stands elsewhere: they refuse signatures of another time, and tokens run out
// by their clock.
func NewSigner(source SecretSource, client *http.Client, real clock.Clock) *Signer {
	return &Signer{source: source, clock: real, tokens: newTokens(client, real), kept: map[string]kept{}}
}

// Forget makes the Signer read all secrets again.
func (s *Signer) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.kept)
}

// Apply implements Credentials. at says which secrets are in force; what is sent of a
// time is the real one. The error is ErrKeyMissing, a *TokenError, or ctx's.
func (s *Signer) Apply(ctx context.Context, d Destination, deliveryID string, at time.Time, r *Rendered) (hide []string, err error) {
	if d.OAuth == nil && !d.needsSecret() {
		return nil, nil
	}
	secrets, err := s.secrets(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if d.needsSecret() {
		ring := s.inForce(secrets, PurposeSigning, d.SecretEnv, at)
		hide = hidden(ring)
		if err := s.sign(d, ring, deliveryID, r); err != nil {
			return hide, err
		}
	}
	if d.OAuth == nil {
		return hide, nil
	}
	ring := s.inForce(secrets, PurposeOAuth, d.OAuth.SecretEnv, at)
	hide = append(hide, hidden(ring)...)
	if len(ring) == 0 {
		return hide, missingKey("oauth.secret_env", d.OAuth.SecretEnv)
	}
	token, err := s.tokens.get(ctx, d, ring[0])
	if err != nil {
		return hide, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return append(hide, hidden([]string{token})...), nil
}

// needsSecret reports whether a request needs what secret_env names.
func (d Destination) needsSecret() bool {
	return d.Signing != "" && d.Signing != SigningNone || d.fillsSecret()
}

// sign adds what is made of the destination's secrets; ring is not changed.
func (s *Signer) sign(d Destination, ring []string, id string, r *Rendered) error {
	if len(ring) == 0 {
		return missingKey("secret_env", d.SecretEnv)
	}
	if err := d.CheckSecret(PurposeSigning, ring[0]); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyMissing, err)
	}
	if err := d.fillHeaders(r, ring[0]); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyMissing, err)
	}
	d.fillQuery(r, ring[0])
	switch d.Signing {
	case SigningBearer:
		r.Header.Set("Authorization", "Bearer "+ring[0])
	case SigningStandardWebhooks:
		var keys [][]byte
		for _, secret := range ring {
			if key, err := webhookKey(secret); err == nil { // an older one may be of another form
				keys = append(keys, key)
			}
		}
		return applyWebhook(r, keys, id, s.clock.Now())
	case SigningJWS:
		key, err := parseJWSKey(ring[0])
		if err != nil {
			return fmt.Errorf("%w: %w", ErrKeyMissing, err)
		}
		signed, err := key.sign(id, s.clock.Now(), r.Body)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrKeyMissing, err)
		}
		r.Header.Set(headerJWS, signed)
	}
	return nil
}

// missingKey says what nobody has set.
func missingKey(field, env string) error {
	if env == "" {
		return fmt.Errorf("%w: none is stored and %s names none; set it with `skand secret set`", ErrKeyMissing, field)
	}
	return fmt.Errorf("%w: %s %s is neither stored nor in the environment of skand serve; apply where it is set, or `skand secret set`",
		ErrKeyMissing, field, env)
}

// secrets reads a destination's secrets, at most once in a while.
func (s *Signer) secrets(ctx context.Context, id string) ([]Secret, error) {
	now := s.clock.Now()
	s.mu.Lock()
	k, ok := s.kept[id]
	s.mu.Unlock()
	if ok && now.Before(k.until) {
		return k.secrets, nil
	}
	list, err := s.source.Secrets(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyMissing, err)
	}
	s.mu.Lock()
	s.kept[id] = kept{list, now.Add(secretsKept)}
	s.mu.Unlock()
	return list, nil
}

// inForce are the values for a purpose, the newest first: the current one, then those
// that are to end. One that was read from a variable is current while the definition
// names that variable; where none is, the environment of this process has it.
func (s *Signer) inForce(list []Secret, purpose, env string, at time.Time) (values []string) {
	var ending []string
	for _, one := range list {
		switch {
		case one.Purpose != purpose:
		case !one.ExpiresAt.IsZero() && at.Before(one.ExpiresAt):
			ending = append(ending, one.Value)
		case one.ExpiresAt.IsZero() && (one.Env == "" || one.Env == env):
			values = append(values, one.Value)
		}
	}
	if len(values) == 0 && env != "" && s.Env != nil {
		if value := s.Env(env); value != "" {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return nil
	}
	return append(values, ending...)
}

// hidden are values in the forms in which a receiver may repeat them. What a URL makes
// of them is Program.Redact's.
func hidden(values []string) (forms []string) {
	for _, v := range values {
		forms = append(forms, v, base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
		if key, err := webhookKey(v); err == nil {
			forms = append(forms, v[len(webhookPrefix):], base64.RawURLEncoding.EncodeToString(key))
		}
	}
	return slices.Compact(forms)
}

// PublicKeys is the JWK set of the destinations that sign with jws: the keys in force,
// and those that are to end, so that a receiver knows each before it meets it. What
// cannot be read is left out.
func (s *Signer) PublicKeys(ctx context.Context, all []Registered, at time.Time) ([]byte, error) {
	var keys []*jwsKey
	for _, r := range all {
		d := r.Destination
		if d.Signing != SigningJWS {
			continue
		}
		list, err := s.secrets(ctx, d.ID)
		if err != nil {
			return nil, err
		}
		for _, value := range s.inForce(list, PurposeSigning, d.SecretEnv, at) {
			if key, err := parseJWSKey(value); err == nil {
				keys = append(keys, key)
			}
		}
	}
	return keySet(keys)
}
