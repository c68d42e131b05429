package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
	"skand/internal/store"
)

// Secrets of the test, as an operator would have them in the environment.
const (
	fillSecret   = "fill-9f3c+e/77&=secret"
	bearerSecret = "bearer-51d0c6b2a4e8f7"
	clientsOwn   = "client-c0ffee5ecret00"
	accessToken  = "access-token-7d1e4b90c2"
)

// echo is a receiver that repeats all it is sent, and gives tokens.
type echo struct {
	*httptest.Server
	mu     sync.Mutex
	bodies map[string][]byte // the last one, by path
	heads  map[string]http.Header
	uris   map[string]string
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	e := &echo{bodies: map[string][]byte{}, heads: map[string]http.Header{}, uris: map[string]string{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what broke off was not heard
		if r.URL.Path == "/token" {
			if id, secret, ok := r.BasicAuth(); !ok || id != "client" || secret != clientsOwn {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":3600}`, accessToken)
			return
		}
		e.mu.Lock()
		e.bodies[r.URL.Path], e.heads[r.URL.Path], e.uris[r.URL.Path] = body, r.Header.Clone(), r.RequestURI
		e.mu.Unlock()
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = fmt.Fprintf(w, "you sent %s %v %s", r.RequestURI, r.Header, base64.StdEncoding.EncodeToString([]byte(r.Header.Get("X-Key"))))
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *echo) heard(path string) (body []byte, head http.Header, uri string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.bodies[path], e.heads[path], e.uris[path]
}

const secretsYAML = `
apps: [{app_id: 525463029}]
forward: {allow_private_cidrs: [127.0.0.0/8]}
destinations:
- {id: hook, app_id: 525463029, scope: all, kinds: [install], method: POST, url: "URL/hook", body: json, signing: standard-webhooks, secret_env: T_HOOK}
- {id: jws, app_id: 525463029, scope: all, kinds: [install], method: POST, url: "URL/jws", body: json, signing: jws, secret_env: T_JWS}
- {id: fill, app_id: 525463029, scope: all, kinds: [install], url: "URL/fill?a=1", headers: {X-Key: "{secret}"}, query_auth: key, secret_env: T_FILL}
- {id: refused, app_id: 525463029, scope: all, kinds: [install], url: "URL/refused", query_auth: {key: "k {secret}"}, secret_env: T_FILL}
- {id: dead, app_id: 525463029, scope: all, kinds: [install], url: "http://127.0.0.1:1/dead", query_auth: key, secret_env: T_FILL}
- {id: bearer, app_id: 525463029, scope: all, kinds: [install], url: "URL/bearer", signing: bearer, secret_env: T_BEARER}
- {id: oauth, app_id: 525463029, scope: all, kinds: [install], url: "URL/oauth", oauth: {token_url: "URL/token", client_id: client, secret_env: T_CLIENT}}
- {id: waits, app_id: 525463029, scope: all, kinds: [install], url: "URL/waits", signing: bearer, secret_env: T_NOBODY}
`

// Everything that proves who sends, through the program: secrets come from the
// environment of apply, receivers accept what they are sent, and nothing that is kept
// or logged holds a secret, though receivers repeat all of them.
func TestSecretsReachReceiversAndNothingElse(t *testing.T) {
	t.Parallel()
	e, folder := newEcho(t), t.TempDir()
	p := serveProgram(t, "--db", "sqlite:"+folder, "--log-level", "debug")
	admin := &target{server: p.Admin, token: testAdminToken}
	hook, jws := forward.NewWebhookSecret(), newJWSKey(t)
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(secretsYAML, "URL", e.URL)), 0o600))
	apply := func(more ...string) (string, error) {
		cmd := skandCommand(append([]string{"apply", "-f", file, "--server", p.Admin, "--token", testAdminToken}, more...)...)
		cmd.Env = append(cmd.Env, "T_HOOK="+hook, "T_JWS="+jws, "T_FILL="+fillSecret, "T_BEARER="+bearerSecret, "T_CLIENT="+clientsOwn)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	dry, err := apply("--dry-run")
	require.Error(t, err, "exit 3")
	done, err := apply()
	require.NoError(t, err, done)
	require.Equal(t, dry, done)
	require.Equal(t, 7, strings.Count(done, "create  signing secret")+strings.Count(done, "create  oauth secret"), done)
	require.Contains(t, done, "warn    destination waits secret_env T_NOBODY is set neither here nor stored")
	again, err := apply("--dry-run")
	require.NoError(t, err, again)

	var token struct{ Token string }
	require.NoError(t, admin.post(t.Context(), "/v1/tokens", map[string]any{"name": "b", "role": "none", "scopes": []string{"s2s"}}, &token))
	s2s := &target{server: p.Public, token: token.Token}
	var answer map[string]any
	require.NoError(t, s2s.post(t.Context(), "/v1/installs", map[string]any{
		"id": "i", "app_id": 525463029, "time": clock.Real{}.Now().Format(time.RFC3339), "att_status": "authorized",
	}, &answer))

	kept := func() (byDestination map[string]store.Delivery, raw string) {
		text, err := admin.get(t.Context(), "/v1/deliveries?limit=100")
		require.NoError(t, err)
		var page struct{ Data []store.Delivery }
		require.NoError(t, json.Unmarshal(text, &page))
		byDestination = map[string]store.Delivery{}
		for _, d := range page.Data {
			byDestination[d.DestinationID] = d
		}
		return byDestination, string(text)
	}
	require.Eventually(t, func() bool {
		now, _ := kept()
		tried := 0
		for _, d := range now {
			if len(d.Log) > 0 {
				tried++
			}
		}
		return len(now) == 8 && tried == 7
	}, 30*time.Second, 50*time.Millisecond)
	now, raw := kept()
	for id, state := range map[string]forward.State{
		"hook": "delivered", "jws": "delivered", "fill": "delivered", "bearer": "delivered", "oauth": "delivered",
		"refused": "refused", "dead": "pending", "waits": "pending",
	} {
		require.Equal(t, state, now[id].State, "%s: %+v", id, now[id])
	}
	require.Empty(t, now["waits"].Log, "not charged")
	require.Contains(t, now["fill"].Log[0].Answer, "[redacted]")
	require.Contains(t, now["oauth"].Log[0].Answer, "[redacted]")

	body, head, _ := e.heard("/hook")
	theirs, err := standardwebhooks.NewWebhook(hook)
	require.NoError(t, err)
	require.NoError(t, theirs.Verify(body, head))
	require.Equal(t, now["hook"].ID, head.Get("webhook-id"))
	_, head, uri := e.heard("/fill")
	require.Equal(t, fillSecret, head.Get("X-Key"))
	require.Equal(t, "/fill?a=1&key=fill-9f3c%2Be%2F77%26%3Dsecret", uri)
	_, head, _ = e.heard("/bearer")
	require.Equal(t, "Bearer "+bearerSecret, head.Get("Authorization"))
	_, head, _ = e.heard("/oauth")
	require.Equal(t, "Bearer "+accessToken, head.Get("Authorization"))
	_, head, _ = e.heard("/jws")
	set, err := s2s.get(t.Context(), "/v1/jwks")
	require.NoError(t, err)
	protected, _, _ := strings.Cut(head.Get("X-JWS-Signature"), ".")
	said, err := base64.RawURLEncoding.DecodeString(protected)
	require.NoError(t, err)
	var by struct{ Kid string }
	require.NoError(t, json.Unmarshal(said, &by))
	require.Contains(t, string(set), `"kid":"`+by.Kid+`"`)

	key, err := base64.StdEncoding.DecodeString(hook[6:])
	require.NoError(t, err)
	secrets := []string{hook[6:], string(key), jws, fillSecret, "fill-9f3c%2Be%2F77%26%3Dsecret", bearerSecret, clientsOwn, accessToken}
	audit, err := admin.get(t.Context(), "/v1/audit")
	require.NoError(t, err)
	definitions, err := admin.get(t.Context(), "/v1/destinations")
	require.NoError(t, err)
	for _, text := range []string{dry, done, raw, string(audit), string(definitions), string(set)} {
		require.Empty(t, inClear([]byte(text), secrets...))
	}
	hits, size := scan(t, []string{folder}, p.log.String(), secrets...)
	require.Greater(t, size, int64(100_000))
	require.Empty(t, hits)
	require.Contains(t, p.log.String(), "deliveries wait, for the destination's secret is missing")
}

func newJWSKey(t *testing.T) string {
	t.Helper()
	secret, err := forward.NewJWSKey()
	require.NoError(t, err)
	return secret
}

// runWith is runSkand with something on standard input.
func runWith(t *testing.T, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = realMain(t.Context(), args, strings.NewReader(input), &out, &errs)
	return code, out.String(), errs.String()
}

func TestSecretCommands(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	p := serveProgram(t, "--lab", "--db", db)
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(secretsYAML, "URL", "http://127.0.0.1:1")), 0o600))
	code, out, errs := runSkand(t, "apply", "-f", file, "--db", db)
	require.Zero(t, code, out+errs)
	require.Equal(t, 8, strings.Count(out, "warn "), "none of the variables is set: %s", out)

	code, out, errs = runSkand(t, "secret", "new")
	require.Zero(t, code, errs)
	require.True(t, strings.HasPrefix(out, "whsec_"))
	code, key, errs := runSkand(t, "secret", "new", "--jws")
	require.Zero(t, code, errs)
	_, err := forward.PublicJWK(strings.TrimSpace(key))
	require.NoError(t, err)

	for _, to := range [][]string{{"--db", db}, {"--server", p.Admin, "--token", testAdminToken}} {
		on := func(args ...string) []string { return append(append([]string{"secret"}, args...), to...) }
		code, rotated, errs := runSkand(t, on("rotate", "hook", "--overlap", "7d")...)
		require.Zero(t, code, errs)
		require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=\n$`, rotated)
		code, out, errs := runWith(t, strings.TrimSpace(forward.NewWebhookSecret())+"\r\n", on("set", "hook")...)
		require.Zero(t, code, errs)
		require.Regexp(t, `^set: signing [\w-]{12}, since \S+ by .+, current\n$`, out)
		code, out, errs = runSkand(t, on("list", "hook")...)
		require.Zero(t, code, errs)
		require.Regexp(t, `(?s)^signing [^\n]+, current\nsigning [^\n]+, ends \S+\n`, out)
		require.NotContains(t, out, rotated[6:20])
		code, out, errs = runSkand(t, on("end", "hook")...)
		require.Zero(t, code, errs)
		require.Regexp(t, `^[12] older secrets ended\n$`, out)

		code, out, errs = runSkand(t, on("rotate", "jws")...)
		require.Zero(t, code, errs)
		require.Contains(t, out, `"kty":"EC"`)
		require.NotContains(t, out, `"d":`)
		code, out, errs = runWith(t, "client-secret-of-a-network", on("set", "oauth", "--purpose", "oauth", "--overlap", "0")...)
		require.Zero(t, code, errs)
		require.Contains(t, out, "set: oauth ")

		for _, wrong := range []struct {
			input, want string
			code        int
			args        []string
		}{
			{"s3cr3t-of-another-form", "does not begin with whsec_", 1, []string{"set", "hook"}},
			{"", "nothing on standard input", 2, []string{"set", "hook"}},
			{"x", "--overlap", 2, []string{"set", "hook", "--overlap", "soon"}},
			{"x", "takes one DESTINATION", 2, []string{"set"}},
			{"x", "takes one DESTINATION", 2, []string{"set", "hook", "s3cr3t-in-the-arguments"}},
			{"x", "there is no destination", 1, []string{"list", "nobody"}},
			{"x", "out of range", 2, []string{"rotate", "hook", "--overlap", "31d"}},
		} {
			code, out, errs := runWith(t, wrong.input, on(wrong.args...)...)
			require.Equal(t, wrong.code, code, "%v %s", wrong.args, errs)
			require.Contains(t, errs, wrong.want)
			require.NotContains(t, out+errs, "s3cr3t")
		}
	}
	require.NotContains(t, p.log.String(), "s3cr3t")
}
