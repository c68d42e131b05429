package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/fixtures/apple"
	"skand/forward"
	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/jobs"
	"skand/internal/store"
	"skand/internal/store/storetest"
	"skand/internal/web"
	"skand/skan"
)

// monday is when every test begins.
var monday = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// cheap hashes passwords in no time: what a hash costs is tested with package auth.
var cheap = auth.Argon2{Memory: 64, Time: 1, Threads: 1}

// testBundle is both listeners on a real SQLite store, with the simulated Apple's
// keys trusted beside Apple's.
type testBundle struct {
	t             *testing.T
	store         *store.Store
	now           *clock.Movable
	apple         *apple.Apple
	public, admin *httptest.Server
	adminParts    *web.Admin
	down          atomic.Bool // the receiver's store does not answer
	log           *lines
	tokens        map[string]string // by role, and "relay", "s2s"
}

// flaky fails while the bundle is down.
type flaky struct {
	*conversion.Receiver
	down *atomic.Bool
}

func (f flaky) Receive(ctx context.Context, a conversion.Arrival) (conversion.Outcome, skan.Result, error) {
	if f.down.Load() {
		return conversion.Outcome{}, skan.Result{}, errors.New("INSERT INTO postback: /var/lib/skand/skand.db: disk I/O error")
	}
	return f.Receiver.Receive(ctx, a)
}

func (f flaky) ReceiveAll(ctx context.Context, a []conversion.Arrival) ([]conversion.Outcome, []skan.Result, error) {
	if f.down.Load() {
		return nil, nil, errors.New("INSERT INTO postback: /var/lib/skand/skand.db: disk I/O error")
	}
	return f.Receiver.ReceiveAll(ctx, a)
}

// lines is a log that several goroutines write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func setup(t *testing.T, change ...func(*web.Public, *web.Admin)) *testBundle {
	t.Helper()
	return setupOn(t, storetest.New(t), change...)
}

// setupOn is setup with the main store at a place of its own.
func setupOn(t *testing.T, main string, change ...func(*web.Public, *web.Admin)) *testBundle {
	t.Helper()
	b := &testBundle{t: t, now: clock.NewManual(monday), log: &lines{}, tokens: map[string]string{}}
	var err error
	b.store, err = store.Open(t.Context(), store.Options{Main: main, Lab: store.Lab, Clock: b.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.store.Close()) })
	b.apple, err = apple.FromSeed(1)
	require.NoError(t, err)

	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	verifier := b.verifier()
	reg := prometheus.NewRegistry()
	known := &auth.Authenticator{Store: b.store, Clock: b.now}
	receiver := &conversion.Receiver{Verifier: func() conversion.Verifier { return verifier }, Store: b.store, Now: b.now.Now}
	public := &web.Public{
		Receiver: flaky{receiver, &b.down}, Auth: known, Ready: b.store.Ready, Metrics: web.NewMetrics(reg),
		Items:  web.Items{Intake: &conversion.Intake{Store: b.store}, Now: b.now.Now},
		Limits: config.Defaults().Limits, Log: log, Receive: true,
	}
	b.adminParts = &web.Admin{
		Reader: b.store, Keeper: b.store, Schemas: b.store, Audit: b.store, Subjects: b.store, Installs: b.store, Reviews: b.store, Reconcile: b.store, Standing: b.store, Templates: b.store, Secrets: b.store, Tokens: b.store, Advice: web.NewAdvice(b.store, b.now.Now), Jobs: b.jobs(log), Auth: known, Now: b.now.Now, Log: log,
		Inspector: b.store, Verifier: func() *skan.Verifier { return verifier },
		Deliveries: b.store, Health: b.store, Thresholds: forward.DefaultThresholds(),
		Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), Applied: func(context.Context) error { return nil },
		Redecoder: &aggregate.Redecoder{Store: b.store, Published: b.store, Clock: b.now, Log: log},
		Explainer: b.store,
	}
	b.adminParts.Sessions, b.adminParts.Accounts = &auth.Sessions{
		Store: b.store, Clock: b.now, Hasher: auth.NewHasher(cheap), Lifetime: auth.Lifetime{Idle: 12 * time.Hour, Absolute: 7 * 24 * time.Hour},
	}, b.store
	for _, f := range change {
		f(public, b.adminParts)
	}
	b.public, b.admin = serve(t, public.Handler()), serve(t, b.adminParts.Handler())
	for _, role := range []auth.Role{auth.Viewer, auth.Editor, auth.Operator, auth.Admin} {
		b.token(string(role), auth.Token{Role: role})
	}
	b.token("relay", auth.Token{Scopes: []auth.Scope{auth.ScopeRelay}})
	b.token("s2s", auth.Token{Scopes: []auth.Scope{auth.ScopeS2S}})
	return b
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(s.Close)
	return s
}

func (b *testBundle) verifier() *skan.Verifier {
	public, err := b.apple.Public()
	require.NoError(b.t, err)
	var trusted []skan.TrustedKey
	for _, k := range public {
		trusted = append(trusted, skan.TrustedKey{Name: k.Name, KID: k.KID, SPKI: k.SPKI, Environment: skan.Environment(k.Environment)})
	}
	keys, err := skan.AppleKeys().With(trusted...)
	require.NoError(b.t, err)
	return skan.NewVerifier(keys)
}

func (b *testBundle) jobs(log *slog.Logger) *jobs.Runner {
	r := jobs.NewRunner(jobs.Options{Clock: b.now, Leases: b.store, Log: b.store, Logger: log})
	require.NoError(b.t, r.Register(jobs.Job{Name: "decode", Spec: "@every 5s", Run: func(ctx context.Context) (jobs.Result, error) {
		n, err := conversion.DecodeAll(ctx, b.store, b.now.Now)
		return jobs.Result{Rows: int64(n)}, err
	}}))
	require.NoError(b.t, r.Register(jobs.Job{Name: "seal", Run: func(ctx context.Context) (jobs.Result, error) {
		report, err := (&aggregate.Sealer{Store: b.store, Published: b.store, Clock: b.now, Log: log}).Run(ctx)
		return jobs.Result{Rows: int64(report.Published)}, err
	}}))
	return r
}

func (b *testBundle) token(name string, t auth.Token) {
	t.Name, t.CreatedAt, t.CreatedBy = name, b.now.Now(), "test"
	plain, t, err := auth.New(t)
	require.NoError(b.t, err)
	require.NoError(b.t, b.store.CreateToken(b.t.Context(), t))
	b.tokens[name] = plain
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// at gives a member of a JSON answer by its path; "" where there is none.
func (a answer) at(t *testing.T, path ...string) any {
	t.Helper()
	var v any
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&v), a.body)
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[name]
	}
	if v == nil {
		return ""
	}
	return v
}

// send makes one request; token is a name in tokens, or a token itself.
func (b *testBundle) send(s *httptest.Server, method, path, token string, body io.Reader, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, s.URL+path, body)
	require.NoError(b.t, err)
	if token != "" {
		if plain, ok := b.tokens[token]; ok {
			token = plain
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(r)
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	require.Equal(b.t, "nosniff", resp.Header.Get("X-Content-Type-Options"), "%s %s", method, path)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (b *testBundle) post(path, token, body string) answer {
	b.t.Helper()
	return b.send(b.public, http.MethodPost, path, token, strings.NewReader(body))
}

func (b *testBundle) ask(method, path, role, body string) answer {
	b.t.Helper()
	return b.send(b.admin, method, path, role, strings.NewReader(body))
}
