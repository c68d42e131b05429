package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/web"
)

// rules is the least role of every route. A route that is not here fails the test.
var rules = map[string]string{
	"GET /v1/me":                       "viewer",
	"PUT /v1/me":                       "viewer",
	"GET /v1/me/sessions":              "viewer",
	"DELETE /v1/me/sessions":           "viewer",
	"DELETE /v1/me/sessions/{session}": "viewer",
	"GET /v1/users":                    "admin",
	"POST /v1/users":                   "admin",
	"GET /v1/users/{user}":             "admin",
	"PUT /v1/users/{user}":             "admin",
	"POST /v1/users/{user}:reset":      "admin",
	"DELETE /v1/users/{user}/sessions": "admin",

	"GET /{$}":              "viewer",
	"POST /endpoint":        "operator",
	"GET /cohorts":          "viewer",
	"GET /cohorts/export":   "viewer",
	"GET /v1/cohorts":       "viewer",
	"GET /v1/modeled":       "viewer",
	"GET /v1/releases":      "viewer",
	"GET /v1/apps":          "viewer",
	"GET /v1/apps/{app}":    "viewer",
	"DELETE /v1/apps/{app}": "admin",
	"GET /v1/networks":      "viewer",
	"GET /v1/audit":         "operator",
	"GET /v1/destinations":  "operator",
	"GET /v1/deliveries":    "operator",
	"GET /v1/alerts":        "operator",
	"GET /v1/postbacks":     "operator",

	"POST /v1/postbacks:inspect": "operator",
	"GET /v1/postbacks/{id}":     "operator",

	"GET /v1/status":        "operator",
	"GET /v1/jobs":          "operator",
	"POST /v1/jobs/{job}":   "operator",
	"POST /v1/apply":        "admin",
	"GET /v1/export":        "admin",
	"POST /v1/tokens":       "admin",
	"POST /v1/lab/clock":    "operator",
	"GET /metrics":          "operator",
	"GET /v1/holds":         "operator",
	"GET /v1/combined":      "viewer",
	"GET /v1/deterministic": "viewer",
	"GET /v1/funnel":        "viewer",
	"GET /v1/installs":      "operator",
	"DELETE /v1/subjects":   "operator",
	"DELETE /v1/tokens":     "admin",

	"GET /v1/modeled:check":         "viewer",
	"GET /v1/modeled/{row}/explain": "viewer",

	"GET /v1/network-health":                    "viewer",
	"GET /v1/deliveries/{delivery}":             "operator",
	"POST /v1/deliveries:replay":                "operator",
	"GET /v1/destinations:health":               "operator",
	"GET /v1/destinations/{destination}/health": "operator",

	"GET /v1/deterministic/events": "viewer",
	"POST /v1/installs:recompute":  "operator",
	"POST /v1/installs:release":    "operator",
	"POST /v1/installs:reject":     "operator",

	"GET /v1/reconciliations":                 "operator",
	"PUT /v1/reconciliations/{network}":       "operator",
	"PUT /v1/reconciliations/{network}/{day}": "operator",
	"GET /v1/reconciliations/{network}/{day}": "operator",
	"GET /v1/discrepancies":                   "operator",

	"GET /v1/destinations/{id}":          "operator",
	"POST /v1/destinations/{id}:resume":  "operator",
	"POST /v1/destinations/{id}:enable":  "operator",
	"POST /v1/destinations/{id}:disable": "operator",

	"GET /v1/templates":                                      "viewer",
	"POST /v1/templates:translate":                           "editor",
	"POST /v1/destinations/{id}:render":                      "operator",
	"POST /v1/destinations/{id}:test":                        "operator",
	"GET /v1/destinations/{id}/versions":                     "operator",
	"GET /v1/destinations/{id}/versions/{version}":           "operator",
	"POST /v1/destinations/{id}/versions/{version}:rollback": "operator",

	"GET /v1/destinations/{id}/secret":         "operator",
	"PUT /v1/destinations/{id}/secret":         "operator",
	"DELETE /v1/destinations/{id}/secret":      "operator",
	"POST /v1/destinations/{id}/secret:rotate": "operator",

	"POST /v1/releases/{release}:redecode":                    "operator",
	"GET /v1/apps/{app}/schemas":                              "viewer",
	"GET /v1/apps/{app}/schemas/versions/{version}":           "viewer",
	"GET /v1/apps/{app}/advice":                               "editor",
	"POST /v1/apps/{app}/schemas/versions/{version}:rollback": "editor",
	"GET /v1/apps/{app}/schemas/diff":                         "viewer",
	"GET /v1/apps/{app}/schemas/drafts":                       "viewer",
	"POST /v1/apps/{app}/schemas/drafts":                      "editor",
	"GET /v1/apps/{app}/schemas/drafts/{draft}":               "viewer",
	"PUT /v1/apps/{app}/schemas/drafts/{draft}":               "editor",
	"DELETE /v1/apps/{app}/schemas/drafts/{draft}":            "editor",
	"POST /v1/apps/{app}/schemas/drafts/{draft}:validate":     "editor",
	"POST /v1/apps/{app}/schemas/drafts/{draft}:simulate":     "editor",
	"POST /v1/apps/{app}/schemas/versions/{version}:simulate": "editor",
	"POST /v1/apps/{app}/schemas:simulate":                    "editor",
	"POST /v1/apps/{app}/schemas:suggest":                     "editor",
	"POST /v1/apps/{app}/schemas/drafts/{draft}:publish":      "editor",
	"POST /v1/apps/{app}/schemas/drafts/{draft}:preview":      "editor",
	"POST /v1/apps/{app}/schemas/versions/{version}:preview":  "editor",
	"POST /v1/apps/{app}/schemas:check":                       "editor",
	"POST /v1/apps/{app}/schemas:import":                      "editor",
	"GET /v1/apps/{app}/schemas/export":                       "viewer",
	"GET /v1/apps/{app}/schemas/runs":                         "editor",
	"GET /v1/apps/{app}/schemas/runs/{run}":                   "editor",
	"DELETE /v1/apps/{app}/schemas/runs/{run}":                "editor",

	"GET /schemas":                                    "viewer",
	"GET /schemas/{app}":                              "viewer",
	"GET /schemas/{app}/versions/{version}":           "viewer",
	"POST /schemas/{app}/versions/{version}/rollback": "editor",
	"POST /schemas/{app}/drafts":                      "editor",
	"POST /schemas/{app}/import":                      "editor",
	"GET /schemas/{app}/drafts/{draft}":               "viewer",
	"POST /schemas/{app}/drafts/{draft}":              "editor",
	"POST /schemas/{app}/drafts/{draft}/publish":      "editor",
	"POST /schemas/{app}/drafts/{draft}/delete":       "editor",
}

var roles = []string{"viewer", "editor", "operator", "admin"}

func (b *testBundle) routes() []string { return slices.Sorted(maps.Keys(b.adminParts.Routes())) }

func target(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, strings.NewReplacer("{$}", "", "{app}", "1", "{job}", "decode", "{draft}", "d", "{version}", "1", "{release}", "r", "{network}", "n.net", "{day}", "2026-11-01", "{id}", "d", "{delivery}", "x", "{destination}", "d", "{row}", "r", "{run}", "x", "{user}", "u", "{session}", "s").Replace(path)
}

func TestFrontPageAndUnknownPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask("GET", "/", "", "")
	require.Equal(t, 303, a.status)
	require.Equal(t, "/sign-in", a.header.Get("Location"))
	for _, unknown := range []string{"GET /nothing", "DELETE /v1/apps", "POST /v1/cohorts", "PUT /v1/apps/1"} {
		method, path, _ := strings.Cut(unknown, " ")
		a := b.ask(method, path, "admin", "")
		require.Equal(t, "404 not_found", fmt.Sprint(a.status, " ", a.at(t, "code")), unknown)
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	}
}

// A problem has the members of RFC 9457 and a code of ours.
func TestProblemDetails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask("GET", "/v1/releases?limit=0", "viewer", "")
	require.JSONEq(t, `{"type":"about:blank","title":"Bad Request","status":400,"code":"bad_parameter",
		"detail":"want a number from 1 to 1000","field":"limit"}`, a.body)
}

func TestCrossOriginWritesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, pattern := range b.routes() {
		method, path := target(pattern)
		if method == http.MethodGet {
			continue
		}
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		} {
			a := b.send(b.admin, method, path, "admin", strings.NewReader("{}"), headers...)
			require.Equal(t, "403 cross_origin", fmt.Sprint(a.status, " ", a.at(t, "code")), "%s %v", pattern, headers)
		}
		a := b.send(b.admin, method, path, "admin", strings.NewReader("{}"), "Sec-Fetch-Site", "same-origin")
		require.NotContains(t, a.body, "cross_origin")
	}
}

// With the stores gone every answer says so, and none says how they are made.
func TestErrorsTellNothingOfTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// What is asked for before the token: the token itself is in the store.
	b.adminParts.Auth = everybody{}
	admin := serve(t, b.adminParts.Handler())
	require.NoError(t, b.store.Close())
	for _, pattern := range b.routes() {
		method, path := target(pattern)
		if slices.Contains([]string{"GET /metrics", "POST /v1/lab/clock", "GET /v1/templates", "POST /v1/templates:translate",
			"POST /v1/apps/{app}/schemas:import", "GET /v1/apps/{app}/schemas/runs", "GET /v1/apps/{app}/schemas/runs/{run}", "DELETE /v1/apps/{app}/schemas/runs/{run}"}, pattern) {
			continue // no store behind them here
		}
		if strings.Contains(pattern, "/runs") {
			continue // in memory
		}
		if strings.Contains(pattern, "/v1/me") {
			continue // of people, and nobody is known here: TestSignInTellsNothingOfTheStore
		}
		body := `{"apps":[{"app_id":1}]}`
		switch {
		case pattern == "DELETE /v1/tokens":
			body = `{"name":"n"}`
		case path == "/v1/tokens":
			body = `{"name":"n","role":"viewer"}`
		case strings.HasSuffix(path, "/deliveries:replay"):
			body = `{"filter":{"state":"refused"}}`
		case pattern == "GET /v1/postbacks/{id}":
			path += "?app=1&received_at=2026-11-01T00:00:00Z"
		case path == "/v1/installs":
			path += "?app_id=1&id=i"
		case strings.HasSuffix(path, "/installs:recompute"):
			body = `{"app_id":1,"from":"2026-11-01T00:00:00Z","to":"2026-11-02T00:00:00Z"}`
		case strings.HasSuffix(path, "/installs:release"):
			body = `{"app_id":1,"install_id":"i"}`
		case strings.HasSuffix(path, "/installs:reject"):
			body = `{"app_id":1,"install_id":"i","reason":"farm"}`
		case strings.HasSuffix(path, ":render"), strings.HasSuffix(path, ":test"):
			body = `{}`
		case strings.HasSuffix(path, ":resume"), strings.HasSuffix(path, ":enable"), strings.HasSuffix(path, ":disable"):
			body = `{}`
		case strings.HasSuffix(path, "/secret"):
			body = `{"secret":"long-enough"}`
		case strings.HasSuffix(path, "/secret:rotate"):
			body = `{}`
		case pattern == "PUT /v1/reconciliations/{network}":
			path, body = path+"?app=1", "day,event,count\n2026-11-01,install,1"
		case pattern == "PUT /v1/reconciliations/{network}/{day}":
			body = `{"app_id":1,"rows":[]}`
		case pattern == "GET /v1/reconciliations/{network}/{day}":
			path += "?app=1"
		case path == "/v1/discrepancies":
			path += "?app=1&from=2026-11-01&to=2026-11-02"
		case path == "/v1/subjects":
			body = `{"install_id":"i"}`
		case strings.HasSuffix(path, ":publish"), strings.HasSuffix(path, ":rollback"):
			body = `{"why":"go"}`
		case strings.HasSuffix(path, ":redecode"):
			body = `{"schema_version":1}`
		case strings.HasSuffix(path, "/schemas:simulate"):
			body = `{"document":{}}`
		case strings.HasSuffix(path, ":simulate"), strings.HasSuffix(path, ":suggest"):
			body = `{}`
		case strings.HasSuffix(path, "/diff"):
			path += "?from=1&to=current"
		}
		if strings.HasSuffix(path, "/schemas/export") && !strings.Contains(path, "?") {
			path += "?of=current&format=native"
		}
		if strings.HasSuffix(path, ":reset") || pattern == "PUT /v1/users/{user}" {
			body = `{}`
		}
		if strings.HasSuffix(path, ":check") {
			body = `{"document":{}}`
		}
		if strings.HasSuffix(path, ":preview") {
			body = `{}`
		}
		if pattern == "POST /v1/users" {
			body = `{"email":"n@example.com","role":"viewer","password":"plum-anvil-harbour"}`
		}
		a := b.send(admin, method, path, "x", strings.NewReader(body), "If-Match", `"1"`)
		for _, secret := range []string{"sql", "SELECT", "database", "/tmp"} {
			require.NotContains(t, a.body, secret, pattern)
		}
		if web.IsPage(pattern) {
			require.True(t, method != http.MethodGet || a.status == 503, "%s: %d", pattern, a.status)
			continue
		}
		require.Equal(t, "503 unavailable", fmt.Sprint(a.status, " ", a.at(t, "code")), "%s: %s", pattern, a.body)
		for _, secret := range []string{"sql", "SELECT", "closed", "/tmp", ".db"} {
			require.NotContains(t, a.body, secret, pattern)
		}
	}
	require.Contains(t, b.log.String(), "database is closed", "the log says why")
	require.Equal(t, 503, b.ask("GET", "/v1/apps", "viewer", "").status, "nobody knows whose token it is")
}

// No token and nothing personal gets into the log, at its finest level.
func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.post("/v1/installs", "s2s", install)
	b.post("/v1/events", "s2s", event+"}")
	b.post("/postbacks/relay/n", "relay", b.signed(func(*apple.Postback) {}))
	for _, pattern := range b.routes() {
		method, path := target(pattern)
		b.ask(method, path, "admin", `{"name":"made","role":"viewer"}`)
		b.ask(method, path, "skand_guessed", `{}`)
	}
	made := b.ask("POST", "/v1/tokens", "admin", `{"name":"made","role":"viewer"}`)
	b.down.Store(true)
	b.post(networkPath, "", b.signed(func(*apple.Postback) {}))
	require.NoError(t, b.store.Close())
	b.ask("GET", "/v1/apps", "admin", "")
	log := b.log.String()
	require.NotEmpty(t, log)
	for _, secret := range append(slices.Collect(maps.Values(b.tokens)), "skand_guessed", "SECRET-IDFA", "attribution-signature",
		fmt.Sprint(made.at(t, "token"))) {
		require.NotContains(t, log, secret)
	}
}
