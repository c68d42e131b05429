package forward

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

const clientSecret = "s3cr3t-of-the-client"

// issuer is a token endpoint. answer, if set, is given instead of a token.
type issuer struct {
	*httptest.Server
	issued atomic.Int64
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
	wait   chan struct{} // a token is given when something can be received; nil: at once
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if i.wait != nil {
			<-i.wait
		}
		if answer := i.answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		id, secret, ok := r.BasicAuth()
		if !ok || id != "client" || secret != clientSecret || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("scope") != "a b" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"error":"invalid_client","error_description":"got `+secret+`"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":600}`, i.issued.Add(1))
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) answers(status int, body string) {
	var h http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
	i.answer.Store(&h)
}

type oauthBundle struct {
	t   *testing.T
	now *clock.Movable
	d   Destination
	s   *Signer
	f   *fixed
}

func oauthOf(t *testing.T, tokenURL string, client *http.Client) *oauthBundle {
	t.Helper()
	b := &oauthBundle{t: t, now: clock.NewManual(signedAt), f: &fixed{}}
	b.d = destinationOf(func(d *Destination) {
		d.OAuth = &OAuth{TokenURL: tokenURL, ClientID: "client", SecretEnv: "CLIENT", Scopes: []string{"a", "b"}}
	})
	b.f.set("d", Secret{Purpose: PurposeOAuth, Env: "CLIENT", Value: clientSecret})
	b.s = NewSigner(b.f, client, b.now)
	return b
}

func (b *oauthBundle) apply() (Rendered, []string, error) {
	r := Rendered{}
	hide, err := b.s.Apply(b.t.Context(), b.d, "id", b.now.Now(), &r)
	return r, hide, err
}

func (b *oauthBundle) bearer() string {
	b.t.Helper()
	r, _, err := b.apply()
	require.NoError(b.t, err)
	return r.Header.Get("Authorization")
}

func TestOAuthTokenIsKeptUntilShortlyBeforeItsEnd(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	b := oauthOf(t, i.URL, i.Client())
	r, hide, err := b.apply()
	require.NoError(t, err)
	require.Equal(t, "Bearer token-1", r.Header.Get("Authorization"))
	require.Subset(t, hide, []string{clientSecret, "token-1", base64.StdEncoding.EncodeToString([]byte("token-1"))})
	b.now.Advance(9*time.Minute - time.Millisecond)
	require.Equal(t, "Bearer token-1", b.bearer())
	b.now.Advance(time.Millisecond)
	require.Equal(t, "Bearer token-2", b.bearer(), "a minute before its end")
	require.EqualValues(t, 2, i.asked.Load())

	b.f.set("d", Secret{Purpose: PurposeOAuth, Value: "another-secret"})
	b.s.Forget()
	_, _, err = b.apply()
	require.ErrorContains(t, err, "401 Unauthorized, invalid_client", "another secret's token is none")
}

func TestOAuthLifetimes(t *testing.T) {
	t.Parallel()
	for body, life := range map[string]time.Duration{
		`{"access_token":"t","token_type":"bearer","expires_in":40}`:    30 * time.Second,
		`{"access_token":"t","token_type":"bearer","expires_in":"600"}`: 9 * time.Minute,
		`{"access_token":"t","token_type":"bearer"}`:                    59 * time.Minute,
		`{"access_token":"t"}`:                                          59 * time.Minute,
		`{"access_token":"t","expires_in":-5}`:                          59 * time.Minute,
		`{"access_token":"t","expires_in":2147483647}`:                  30*24*time.Hour - time.Minute,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.answers(200, body)
			b := oauthOf(t, i.URL, i.Client())
			b.bearer()
			b.now.Advance(life - time.Millisecond)
			b.bearer()
			require.EqualValues(t, 1, i.asked.Load())
			b.now.Advance(time.Millisecond)
			b.bearer()
			require.EqualValues(t, 2, i.asked.Load())
		})
	}
}

func TestOAuthFetchesOneAtATime(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.wait = make(chan struct{})
	b := oauthOf(t, i.URL, i.Client())
	gaveUp, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := b.s.Apply(gaveUp, b.d, "id", signedAt, &Rendered{})
		first <- err
	}()
	require.Eventually(t, func() bool { return i.asked.Load() == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-first, context.Canceled, "who gives up does not wait")
	var wg sync.WaitGroup
	var got sync.Map
	for n := range 8 {
		wg.Go(func() {
			r := Rendered{}
			_, err := b.s.Apply(t.Context(), b.d, "id", signedAt, &r)
			got.Store(n, fmt.Sprint(r.Header.Get("Authorization"), err))
		})
	}
	close(i.wait)
	wg.Wait()
	for n := range 8 {
		value, _ := got.Load(n)
		require.Equal(t, "Bearer token-1<nil>", value)
	}
	require.EqualValues(t, 1, i.asked.Load(), "and takes nothing from the others")
}

// A 401 drops the token once; a new token that is refused, too, is a fault to repair.
func TestOAuthRenewsARefusedTokenOnce(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	b := oauthOf(t, i.URL, i.Client())
	old, _, err := b.apply()
	require.NoError(t, err)
	beside, _, err := b.apply()
	require.NoError(t, err)
	require.True(t, b.s.Renew(b.d, old))
	require.True(t, b.s.Renew(b.d, beside), "the token of a request that was under way beside it")
	next, _, err := b.apply()
	require.NoError(t, err)
	require.Equal(t, "Bearer token-2", next.Header.Get("Authorization"))
	require.True(t, b.s.Renew(b.d, old), "late news of the old one harm nobody")
	require.Equal(t, "Bearer token-2", b.bearer())
	require.False(t, b.s.Renew(b.d, next))
	require.Equal(t, "Bearer token-2", b.bearer(), "it is not fetched in a circle")
	b.now.Advance(renewedFor)
	require.True(t, b.s.Renew(b.d, next), "later it may have been withdrawn")
	require.Equal(t, "Bearer token-3", b.bearer())
	require.False(t, b.s.Renew(webhookDestination(), next), "no token of ours")
	require.False(t, b.s.Renew(b.d, Rendered{}))
}

func TestOAuthFaultsAreClassed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		class  Class
		want   string
	}{
		"wrong secret":     {401, `{"error":"invalid_client","error_description":"no ` + clientSecret + `"}`, ClassHeld, "the token endpoint answered 401 Unauthorized, invalid_client"},
		"bad request":      {400, `{"error":"` + clientSecret + `"}`, ClassHeld, "the token endpoint answered 400 Bad Request"},
		"not found":        {404, `<html>` + clientSecret, ClassHeld, "the token endpoint answered 404 Not Found"},
		"gone":             {410, ``, ClassHeld, "the token endpoint answered 410 Gone"},
		"redirect":         {302, ``, ClassHeld, "the token endpoint answered 302 Found; redirects are never followed"},
		"too many":         {429, `{}`, ClassRetry, "the token endpoint answered 429 Too Many Requests"},
		"down":             {503, clientSecret, ClassRetry, "the token endpoint answered 503 Service Unavailable"},
		"broken":           {500, `{"error":"server_error"}`, ClassRetry, "the token endpoint answered 500 Internal Server Error, server_error"},
		"busy, with a 400": {400, `{"error":"temporarily_unavailable"}`, ClassRetry, "the token endpoint answered 400 Bad Request, temporarily_unavailable"},
		"error with a 200": {200, `{"error":"invalid_scope"}`, ClassHeld, "the token endpoint answered 200 OK, invalid_scope"},
		"no token":         {200, `{"hello":"` + clientSecret + `"}`, ClassHeld, "the token endpoint answered what is no token; is token_url right?"},
		"no JSON":          {200, `<html>` + clientSecret, ClassHeld, "the token endpoint answered what is no token; is token_url right?"},
		"another kind":     {200, `{"access_token":"t","token_type":"mac"}`, ClassHeld, "the token endpoint gave a token that is no bearer token"},
		"a line end in it": {200, `{"access_token":"t\r\nX: 1"}`, ClassHeld, "the token endpoint gave a token that no header can carry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.answers(test.status, test.body)
			b := oauthOf(t, i.URL+"/?key=s3cr3t-of-the-url", i.Client())
			r, hide, err := b.apply()
			require.Contains(t, hide, clientSecret)
			require.Empty(t, r.Header)
			class, reason := Classify(0, fmt.Errorf("sign: %w", err))
			require.Equal(t, test.class, class)
			require.Equal(t, test.want, reason)
			require.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

type refusing struct{ err error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

type blockedError struct{}

func (blockedError) Error() string { return "address 10.0.0.1 is refused (private)" }
func (blockedError) Blocked() bool { return true }

func TestOAuthFaultsOfTheNetwork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err   error
		class Class
		want  string
	}{
		"no connection": {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, ClassRetry, "token endpoint: network: dial: connection refused"},
		"too slow":      {context.DeadlineExceeded, ClassRetry, "token endpoint: no answer within the destination's timeout"},
		"private":       {blockedError{}, ClassHeld, "token endpoint: address 10.0.0.1 is refused (private)"},
	} {
		b := oauthOf(t, "https://login.example/?key=s3cr3t-of-the-url", &http.Client{Transport: refusing{test.err}})
		_, _, err := b.apply()
		class, reason := Classify(0, err)
		require.Equal(t, test.class, class, name)
		require.Equal(t, test.want, reason)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
}

func TestOAuthWithoutASecretWaits(t *testing.T) {
	t.Parallel()
	b := oauthOf(t, "https://login.example/", &http.Client{Transport: refusing{errors.New("nobody is to ask")}})
	b.f.set("d")
	_, _, err := b.apply()
	require.ErrorIs(t, err, ErrKeyMissing)
	require.ErrorContains(t, err, "oauth.secret_env CLIENT")
}
