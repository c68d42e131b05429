package forward

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// fixed is a SecretSource of a map; err takes its place.
type fixed struct {
	mu    sync.Mutex
	all   map[string][]Secret
	err   error
	reads int
}

func (f *fixed) Secrets(_ context.Context, id string) ([]Secret, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	return f.all[id], f.err
}

func (f *fixed) set(id string, secrets ...Secret) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = map[string][]Secret{id: secrets}
}

var signedAt = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// signing is a Signer of one destination "d" that has these secrets.
func signing(now clock.Clock, secrets ...Secret) (*Signer, *fixed) {
	f := &fixed{}
	f.set("d", secrets...)
	return NewSigner(f, &http.Client{}, now), f
}

func signingSecret(value string) Secret { return Secret{Purpose: PurposeSigning, Value: value} }

func destinationOf(change func(*Destination)) Destination {
	d := Destination{ID: "d", NetworkID: "n", AppID: 1, Kinds: []string{KindEvent}, Method: MethodPost, URL: "https://ads.example/x", Body: BodyJSON}
	change(&d)
	return d.WithDefaults()
}

func TestSignerAddsNothingUnasked(t *testing.T) {
	t.Parallel()
	s, f := signing(clock.NewManual(signedAt))
	r := Rendered{Method: MethodGet, URL: "https://ads.example/x?a=1"}
	hide, err := s.Apply(t.Context(), destinationOf(func(*Destination) {}), "id", signedAt, &r)
	require.NoError(t, err)
	require.Empty(t, hide)
	require.Equal(t, Rendered{Method: MethodGet, URL: "https://ads.example/x?a=1"}, r)
	require.Zero(t, f.reads, "the store is not asked")
}

func TestSignerFillsBearerHeadersAndQuery(t *testing.T) {
	t.Parallel()
	const secret = `T0k+n/&=%?#"`
	for name, test := range map[string]struct {
		change func(*Destination)
		url    string
		want   Rendered
	}{
		"bearer": {func(d *Destination) { d.Signing = SigningBearer }, "https://h/x",
			Rendered{URL: "https://h/x", Header: http.Header{"Authorization": {"Bearer " + secret}}}},
		"header": {func(d *Destination) { d.Headers = map[string]string{"x-api-key": "Key {secret}", "X-Other": "plain"} }, "https://h/x",
			Rendered{URL: "https://h/x", Header: http.Header{"X-Api-Key": {"Key " + secret}}}},
		"query": {func(d *Destination) { d.QueryAuth = map[string]string{"to&ken": "{secret}", "a": "v 1 {secret}"} }, "https://h/x",
			Rendered{URL: "https://h/x?a=v+1+" + url.QueryEscape(secret) + "&to%26ken=" + url.QueryEscape(secret), Header: http.Header{}}},
		"query beside another": {func(d *Destination) { d.QueryAuth = map[string]string{"k": "{secret}"} }, "https://h/x?b=2",
			Rendered{URL: "https://h/x?b=2&k=" + url.QueryEscape(secret), Header: http.Header{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := signing(clock.NewManual(signedAt), signingSecret(secret), signingSecret("the-older-one"))
			r := Rendered{URL: test.url}
			hide, err := s.Apply(t.Context(), destinationOf(test.change), "id", signedAt, &r)
			require.NoError(t, err)
			require.Equal(t, test.want, r, "the newest alone is sent")
			require.Contains(t, hide, secret)
			require.Contains(t, hide, base64.StdEncoding.EncodeToString([]byte(secret)))
			require.Contains(t, hide, "the-older-one", "a receiver may still repeat it")
		})
	}
}

func TestSignerTakesSecretsFromTheEnvironmentLast(t *testing.T) {
	t.Parallel()
	d := destinationOf(func(d *Destination) { d.Signing, d.SecretEnv = SigningBearer, "EXAMPLE" })
	now := clock.NewManual(signedAt)
	bearer := func(s *Signer) (string, error) {
		r := Rendered{}
		_, err := s.Apply(t.Context(), d, "id", now.Now(), &r)
		return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), err
	}
	s, f := signing(now)
	_, err := bearer(s)
	require.ErrorIs(t, err, ErrKeyMissing)
	require.ErrorContains(t, err, "secret_env EXAMPLE is neither stored nor in the environment of skand serve")
	s.Env = func(name string) string { return map[string]string{"EXAMPLE": "of-this-process"}[name] }
	got, err := bearer(s)
	require.NoError(t, err)
	require.Equal(t, "of-this-process", got)

	f.set("d", Secret{Purpose: PurposeSigning, Env: "ANOTHER", Value: "of-another-variable"}, Secret{Purpose: PurposeOAuth, Value: "of-another-purpose"})
	s.Forget()
	got, err = bearer(s)
	require.NoError(t, err)
	require.Equal(t, "of-this-process", got, "what was read from another variable is another secret")
	f.set("d", Secret{Purpose: PurposeSigning, Env: "EXAMPLE", Value: "what-is-stored"})
	got, err = bearer(s)
	require.NoError(t, err)
	require.Equal(t, "of-this-process", got, "it was read a moment ago")
	now.Advance(secretsKept)
	got, err = bearer(s)
	require.NoError(t, err)
	require.Equal(t, "what-is-stored", got)
}

// Whatever our own side lacks is ErrKeyMissing, and says nothing of the secret.
func TestSignerFaultsAreOurs(t *testing.T) {
	t.Parallel()
	headers := func(d *Destination) { d.Headers = map[string]string{"X-Key": "{secret}"} }
	for name, test := range map[string]struct {
		change func(*Destination)
		secret string
		err    error
		want   string
	}{
		"none":          {func(d *Destination) { d.Signing = SigningBearer }, "", nil, "skand secret set"},
		"store":         {func(d *Destination) { d.Signing = SigningBearer }, "", errors.New("disk I/O error"), "disk I/O error"},
		"line end":      {headers, "s3cr3t-v\r\nX: 1", nil, "byte 9 of the secret"},
		"zero":          {headers, "s3cr3t-v\x00", nil, "byte 9 of the secret"},
		"no ASCII":      {headers, "s3cr3t-vé", nil, "byte 9 of the secret"},
		"signing key":   {headers, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", nil, "would be sent itself"},
		"no whsec":      {func(d *Destination) { d.Signing = SigningStandardWebhooks }, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", nil, "does not begin with whsec_"},
		"short whsec":   {func(d *Destination) { d.Signing = SigningStandardWebhooks }, "whsec_MfKQ9r8GKYqr", nil, "must have 24 to 64"},
		"no key of jws": {func(d *Destination) { d.Signing = SigningJWS }, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", nil, "skand secret new --jws"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, f := signing(clock.NewManual(signedAt))
			if test.secret != "" {
				f.set("d", signingSecret(test.secret))
			}
			f.err = test.err
			_, err := s.Apply(t.Context(), destinationOf(test.change), "id", signedAt, &Rendered{})
			require.ErrorIs(t, err, ErrKeyMissing)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "s3cr3t")
			require.NotContains(t, err.Error(), "MfKQ9")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestSecretPrintsWithoutItsValue(t *testing.T) {
	t.Parallel()
	secret := Secret{Purpose: PurposeSigning, Env: "X", Value: "s3cr3t-value"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret)
	for _, text := range []string{fmt.Sprint(secret), fmt.Sprintf("%+v %#v %s %q", secret, secret, secret, secret), log.String(), fmt.Sprint([]Secret{secret})} {
		require.NotContains(t, text, "s3cr3t")
	}
}

// Whatever the secret, a filled header stays one header, and a filled query gives
// exactly the parameters.
func FuzzFill(f *testing.F) {
	f.Add("plain-secret", "Key {secret}", "token")
	f.Add("a\r\nX-Evil: 1", "{secret}", "a&b=c")
	f.Add("&x=1#frag%zz", "{secret}{secret}", "é")
	f.Fuzz(func(t *testing.T, secret, template, name string) {
		if !strings.Contains(template, secretMark) || name == "" {
			t.Skip("nothing to fill: no {secret} in the template, or no name")
		}
		d := Destination{Headers: map[string]string{"X-Key": template}, QueryAuth: map[string]string{name: template}}
		r := Rendered{URL: "https://ads.example/p?a=1", Header: http.Header{}}
		value := strings.ReplaceAll(template, secretMark, secret)
		if err := d.fillHeaders(&r, secret); err == nil {
			require.Equal(t, []string{value}, r.Header["X-Key"])
			require.NotContains(t, value, "\n")
			require.NotContains(t, value, "\r")
			require.NotContains(t, value, "\x00")
		} else {
			require.Empty(t, r.Header)
			require.False(t, fitsHeader(value))
		}
		d.fillQuery(&r, secret)
		u, err := url.Parse(r.URL)
		require.NoError(t, err)
		require.Equal(t, "ads.example/p", u.Host+u.Path)
		require.Empty(t, u.Fragment)
		got, err := url.ParseQuery(u.RawQuery)
		require.NoError(t, err)
		want := url.Values{"a": {"1"}}
		want.Add(name, value)
		require.Equal(t, want, got)
	})
}
