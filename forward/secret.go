package forward

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// What a secret of a destination is for. One destination may need both.
const (
	PurposeSigning = "signing" // what secret_env names: signs, or stands in a header or in the query
	PurposeOAuth   = "oauth"   // what oauth.secret_env names: fetches tokens
)

// DefaultOverlap is how long a secret stays valid after a newer one was set, so that
// the receiver has time to take that one up.
const DefaultOverlap = 24 * time.Hour

// MaxOverlap bounds it: what is replaced is to end.
const MaxOverlap = 30 * 24 * time.Hour

// ParseOverlap reads how long older secrets stay in force; "" is the default.
func ParseOverlap(text string) (time.Duration, error) {
	switch text {
	case "":
		return DefaultOverlap, nil
	case "0":
		return 0, nil
	}
	d, err := parseDuration(text)
	if err != nil {
		return 0, err
	}
	if d < 0 || d > MaxOverlap {
		return 0, fmt.Errorf("%s is out of range; write 0 (they end now) to %s", formatDuration(d), formatDuration(MaxOverlap))
	}
	return d, nil
}

const (
	minSecret = 8       // a shorter one could not be cut out of answers without cutting words
	maxSecret = 8 << 10 // what headers hold
)

// Secret is one secret of a destination. It prints without its value.
type Secret struct {
	Purpose   string // signing, oauth
	Env       string // the variable that it was read from; "" = it was set by itself
	Value     string
	ExpiresAt time.Time // zero: it is the current one
}

// String keeps the value out of logs and messages.
func (s Secret) String() string { return "secret (" + s.Purpose + ")" }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// SecretSource keeps the secrets of destinations.
type SecretSource interface {
	// Secrets returns a destination's secrets that have not expired, of both purposes,
	// the newest first. None is no error.
	Secrets(ctx context.Context, destinationID string) ([]Secret, error)
}

// SecretEnvs names the environment variables that a destination's secrets are read
// from, by purpose.
func (d Destination) SecretEnvs() map[string]string {
	envs := map[string]string{}
	if d.SecretEnv != "" {
		envs[PurposeSigning] = d.SecretEnv
	}
	if d.OAuth != nil && d.OAuth.SecretEnv != "" {
		envs[PurposeOAuth] = d.OAuth.SecretEnv
	}
	return envs
}

// Purposes lists what the destination needs a secret for, whether one is named or not.
func (d Destination) Purposes() (purposes []string) {
	if d.Signing != "" && d.Signing != SigningNone || d.SecretEnv != "" || d.fillsSecret() {
		purposes = append(purposes, PurposeSigning)
	}
	if d.OAuth != nil {
		purposes = append(purposes, PurposeOAuth)
	}
	return purposes
}

// NewSecret makes a secret of the form that the destination signs with. Of jws it is
// a private key; PublicJWK gives what the receiver is told.
func (d Destination) NewSecret() (string, error) {
	switch d.Signing {
	case SigningStandardWebhooks:
		return NewWebhookSecret(), nil
	case SigningJWS:
		return NewJWSKey()
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// CheckSecret says what is wrong with a value for one purpose of the destination, and
// what to do. It never repeats the value.
func (d Destination) CheckSecret(purpose, value string) error {
	switch {
	case purpose != PurposeSigning && purpose != PurposeOAuth:
		return fmt.Errorf("purpose %q is none; write %s or %s", purpose, PurposeSigning, PurposeOAuth)
	case value == "":
		return errors.New("the secret is empty")
	case len(value) < minSecret || len(value) > maxSecret:
		return fmt.Errorf("the secret has %d bytes; it must have %d to %d", len(value), minSecret, maxSecret)
	case purpose == PurposeOAuth:
		return checkOwnSecret(value)
	case d.Signing == SigningStandardWebhooks:
		_, err := webhookKey(value)
		return err
	case d.Signing == SigningJWS:
		_, err := parseJWSKey(value)
		return err
	}
	return checkOwnSecret(value)
}

// checkOwnSecret checks what is sent as it is. A key that signs must not get there
// when a destination's signing is edited: its receiver would learn it.
func checkOwnSecret(value string) error {
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f {
			return fmt.Errorf("byte %d of the secret is a blank, a line end or no ASCII, which no header can carry; cut it off, or send the secret escaped", i+1)
		}
	}
	if strings.HasPrefix(value, webhookPrefix) {
		return fmt.Errorf("the secret begins with %s, so it is for signing: %s; here it would be sent itself", webhookPrefix, SigningStandardWebhooks)
	}
	if _, err := parseJWSKey(value); err == nil {
		return fmt.Errorf("the secret is a private key, which is for signing: %s; here it would be sent itself", SigningJWS)
	}
	return nil
}
