package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/auth"
	"skand/internal/web"
)

const appAlpha, appBeta = 111222333, 444555666

// appWorld is two apps with something of everything, and one who may see beta alone.
type appWorld struct {
	*testBundle
	of  map[string]map[string]string // what a path calls the objects of alpha and beta
	who map[string]caller            // admins of beta: by a token and by a session
}

func newAppWorld(t *testing.T) *appWorld {
	t.Helper()
	b := setup(t)
	w := &appWorld{testBundle: b, of: map[string]map[string]string{}}
	applied := b.ask("POST", "/v1/apply", "admin", `{"networks":[{"network_id":"n.net","name":"Shared"}],"apps":[
		{"app_id":111222333,"name":"alpha-secret"},{"app_id":444555666,"name":"beta-own"}],"destinations":[
		{"id":"dest-alpha","app_id":111222333,"network_id":"n.net","scope":"all","kinds":["install"],"url":"https://alpha-secret.example/?c={click_id}"},
		{"id":"dest-beta","app_id":444555666,"network_id":"n.net","scope":"all","kinds":["install"],"url":"https://beta-own.example/?c={click_id}"}]}`)
	require.Equal(t, 200, applied.status, applied.body)
	for name, app := range map[string]int64{"alpha": appAlpha, "beta": appBeta} {
		id := fmt.Sprint(app)
		require.Equal(t, 200, b.post("/v1/installs", "s2s", fmt.Sprintf(
			`{"id":"install-%s","app_id":%d,"time":"2026-11-02T08:00:00Z","att_status":"authorized"}`, name, app)).status)
		for range 25 {
			require.Contains(t, b.post(networkPath, "", b.signed(func(p *apple.Postback) { p.AppID, p.Network = app, "n.net" })).body, "accepted")
		}
		draft := b.ask("POST", "/v1/apps/"+id+"/schemas/drafts", "editor", `{"idea":"`+name+`"}`)
		require.Equal(t, 201, draft.status, draft.body)
		require.Equal(t, 200, b.ask("PUT", "/v1/reconciliations/n.net/2026-11-02", "operator", fmt.Sprintf(
			`{"app_id":%d,"rows":[{"event":"install","count":3}],"source":"mail of %s"}`, app, name)).status)
		delivery := b.ask("GET", "/v1/deliveries?app="+id, "operator", "").at(t, "data").([]any)[0].(map[string]any)["id"].(string)
		w.of[name] = map[string]string{"app": id, "draft": draft.at(t, "id").(string), "delivery": delivery, "dest": "dest-" + name}
	}
	b.now.Advance(8 * 24 * time.Hour)
	for _, job := range []string{"decode", "seal"} {
		require.Equal(t, "ok", b.ask("POST", "/v1/jobs/"+job, "operator", "").at(t, "status"))
	}
	for _, name := range []string{"alpha", "beta"} {
		o := w.of[name]
		o["release"] = b.ask("GET", "/v1/releases?app="+o["app"], "viewer", "").at(t, "data").([]any)[0].(map[string]any)["release_id"].(string)
		o["row"] = url.PathEscape(b.ask("GET", "/v1/cohorts?app="+o["app"], "viewer", "").at(t, "data").([]any)[0].(map[string]any)["row_id"].(string))
		require.Equal(t, 200, b.ask("POST", "/v1/destinations/dest-"+name+":disable", "operator", `{"reason":"`+name+`"}`).status)
	}
	b.token("of beta", auth.Token{Role: auth.Admin, Apps: []int64{appBeta}})
	b.user("beta@example.com", auth.Admin, appBeta)
	cookie := b.signsIn("beta@example.com")
	w.who = map[string]caller{
		"token":   func(method, path, body string) answer { return b.ask(method, path, "of beta", body) },
		"session": func(method, path, body string) answer { return b.with(cookie, method, path, body, "If-Match", "*") },
	}
	return w
}

// ask is a request of a route about the things of one app: in its path, in the query
// and in the body.
func (w *appWorld) about(pattern, name string) (method, path, body string) {
	o := w.of[name]
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.NewReplacer("{$}", "", "{app}", o["app"], "{job}", "decode", "{draft}", o["draft"], "{version}", "1", "{release}", o["release"],
		"{network}", "n.net", "{day}", "2026-11-02", "{id}", o["dest"], "{delivery}", o["delivery"], "{destination}", o["dest"], "{row}", o["row"],
		"{run}", "x", "{user}", "u", "{session}", "s").Replace(path)
	switch {
	case pattern == "GET /v1/installs":
		path += "?id=install-" + name + "&app_id=" + o["app"]
	case pattern == "GET /v1/postbacks/{id}":
		path = "/v1/postbacks/x?app=" + o["app"]
	case pattern == "GET /v1/discrepancies":
		path += "?from=2026-11-01&to=2026-11-05&app=" + o["app"]
	case pattern == "PUT /v1/reconciliations/{network}":
		path += "?app=" + o["app"]
	case method == http.MethodGet && !strings.Contains(pattern, "{app}") && !strings.Contains(pattern, "{id}") && !strings.Contains(pattern, "{destination}"):
		path += "?app=" + o["app"]
	}
	body = fmt.Sprintf(`{"app_id":%s,"install_id":"install-%s","from":"2026-11-01T00:00:00Z","to":"2026-11-03T00:00:00Z","reason":"r",
		"rows":[{"event":"install","count":3}],"document":{},"schema_version":1}`, o["app"], name)
	switch {
	case strings.HasSuffix(pattern, "deliveries:replay"):
		body = fmt.Sprintf(`{"filter":{"app_id":%s,"state":"pending"}}`, o["app"])
	case pattern == "DELETE /v1/subjects":
		body = fmt.Sprintf(`{"app_id":%s,"install_id":"install-%s"}`, o["app"], name)
	case strings.Contains(pattern, "installs:re"), pattern == "PUT /v1/reconciliations/{network}/{day}":
		body = fmt.Sprintf(`{"app_id":%s,"install_id":"install-%s"}`, o["app"], name)
	case strings.HasSuffix(pattern, ":publish"), strings.HasSuffix(pattern, ":rollback"):
		body = `{"why":"x"}`
	case strings.HasSuffix(pattern, "/secret"):
		body = `{"secret":"long-enough-for-one"}`
	case strings.HasPrefix(pattern, "POST /v1/destinations"):
		body = `{}`
	}
	return method, path, body
}

// traces of alpha in an answer.
func (w *appWorld) traces(a answer) (found []string) {
	for _, mark := range []string{"111222333", "111 222 333", "111,222,333", "alpha", w.of["alpha"]["draft"], w.of["alpha"]["delivery"], w.of["alpha"]["release"]} {
		if strings.Contains(a.body, mark) || strings.Contains(fmt.Sprint(a.header), mark) {
			found = append(found, mark)
		}
	}
	return found
}

// state is what an admin of everything sees of alpha.
func (w *appWorld) state() (all string) {
	for _, path := range []string{
		"/v1/apps/111222333", "/v1/apps/111222333/schemas", "/v1/apps/111222333/schemas/drafts", "/v1/destinations/dest-alpha", "/v1/deliveries?app=111222333",
		"/v1/reconciliations?app=111222333", "/v1/destinations/dest-alpha/secret", "/v1/postbacks?app=111222333&limit=1", "/v1/releases?app=111222333",
		"/v1/installs?app_id=111222333&id=install-alpha",
	} {
		a := w.ask("GET", path, "admin", "")
		require.Equal(w.t, 200, a.status, path)
		all += a.body
	}
	return all
}

// Whoever may see beta alone sees nothing of alpha: on no route, by no parameter, and
// changes nothing of it.
func TestAnotherAppIsNotThere(t *testing.T) {
	t.Parallel()
	w := newAppWorld(t)
	before := w.state()
	for _, pattern := range w.routes() {
		if pattern == "POST /v1/lab/clock" {
			continue // there is none here
		}
		method, path, body := w.about(pattern, "alpha")
		for kind, ask := range w.who {
			a := ask(method, path, body)
			require.Empty(t, w.traces(a), "%s by the %s of beta: %d %.300s", pattern, kind, a.status, a.body)
			require.NotContains(t, []int{500, 503}, a.status, pattern)
			bare, _, _ := strings.Cut(path, "?")
			a = ask(method, bare, "{}")
			require.Empty(t, w.traces(a), "%s without parameters by the %s of beta: %d %.300s", pattern, kind, a.status, a.body)
		}
	}
	// Said in other ways: twice, with other members of one name, by ids.
	for _, try := range []struct{ method, path, body string }{
		{"GET", "/v1/cohorts?app=444555666&app=111222333", ""}, {"GET", "/v1/releases?app=444555666&app=111222333", ""},
		{"GET", "/v1/postbacks?app=+111222333", ""}, {"GET", "/v1/cohorts?app=0111222333", ""}, {"GET", "/v1/apps/0111222333", ""},
		{"DELETE", "/v1/subjects", `{"app_id":444555666,"app_id":111222333,"install_id":"install-alpha"}`},
		{"DELETE", "/v1/subjects", `{"app_id":444555666,"APP_ID":111222333,"install_id":"install-alpha"}`},
		{"DELETE", "/v1/subjects", `{"install_id":"install-alpha"}`},
		{"POST", "/v1/installs:reject", `{"app_id":444555666,"App_Id":111222333,"install_id":"install-alpha","reason":"r"}`},
		{"POST", "/v1/deliveries:replay", `{"ids":["` + w.of["alpha"]["delivery"] + `"],"delivered":true}`},
		{"POST", "/v1/deliveries:replay", `{"id":"` + w.of["alpha"]["delivery"] + `"}`},
		{"POST", "/v1/deliveries:replay", `{"filter":{"destination":"dest-alpha","state":"refused"}}`},
		{"POST", "/v1/deliveries:replay", `{"filter":{"app_id":444555666,"App_id":111222333,"state":"refused"}}`},
		{"POST", "/v1/destinations/dest-beta:render", `{"delivery":"` + w.of["alpha"]["delivery"] + `"}`},
		{"GET", "/v1/deliveries?app=444555666&delivery_id=" + w.of["alpha"]["delivery"], ""},
		{"GET", "/v1/deliveries?app=444555666&destination=dest-alpha", ""},
		{"GET", "/v1/apps/444555666/schemas/drafts/" + w.of["alpha"]["draft"], ""},
		{"GET", "/v1/apps/444555666/schemas/diff?from=draft:" + w.of["alpha"]["draft"] + "&to=draft:" + w.of["beta"]["draft"], ""},
		{"PUT", "/v1/reconciliations/n.net/2026-11-02", `{"app_id":111222333,"rows":[]}`},
		{"PUT", "/v1/reconciliations/n.net/2026-11-02", `{"app_id":444555666,"app_id":111222333,"rows":[]}`},
	} {
		for kind, ask := range w.who {
			a := ask(try.method, try.path, try.body)
			if a.status == http.StatusOK {
				require.Empty(t, w.traces(a), "%s %s by the %s: %s", try.method, try.path, kind, a.body)
				require.Contains(t, a.body, `"data":[]`, "%s %s", try.method, try.path)
				continue
			}
			require.Contains(t, []int{400, 403, 404, 422}, a.status, "%s %s: %s", try.method, try.path, a.body)
		}
	}
	require.Equal(t, before, w.state(), "nothing of alpha has changed")
}

// An object of another app answers as one that there isn't.
func TestHiddenIsAsMissing(t *testing.T) {
	t.Parallel()
	w := newAppWorld(t)
	for _, pair := range [][2]string{
		{"/v1/destinations/dest-alpha", "/v1/destinations/dest-none"},
		{"/v1/destinations/dest-alpha/health", "/v1/destinations/dest-none/health"},
		{"/v1/deliveries/" + w.of["alpha"]["delivery"], "/v1/deliveries/none"},
		{"/v1/apps/111222333", "/v1/apps/999"},
		{"/v1/releases?app=111222333", "/v1/releases?app=999"},
		{"/v1/cohorts?app=111222333", "/v1/cohorts?app=999"},
	} {
		there, missing := w.who["token"]("GET", pair[0], ""), w.who["token"]("GET", pair[1], "")
		require.Equal(t, missing.status, there.status, pair[0])
		require.Equal(t, missing.body, there.body, pair[0])
	}
}

// What is one's own is all there.
func TestOwnAppIsThere(t *testing.T) {
	t.Parallel()
	w := newAppWorld(t)
	for _, pattern := range w.routes() {
		method, path, _ := w.about(pattern, "beta")
		if method != http.MethodGet || web.IsPage(pattern) {
			continue
		}
		for kind, ask := range w.who {
			a := ask(method, path, "")
			switch {
			case strings.Contains(pattern, "/users"), strings.Contains(pattern, "/me"), pattern == "GET /v1/status", pattern == "GET /v1/export", pattern == "GET /metrics":
			default:
				require.NotEqual(t, http.StatusForbidden, a.status, "%s by the %s: %s", pattern, kind, a.body)
			}
		}
	}
	for path, mark := range map[string]string{
		"/v1/apps": "beta-own", "/v1/destinations": "dest-beta", "/v1/destinations:health": "dest-beta",
		"/v1/releases": "444555666", "/v1/cohorts": "444555666", "/v1/postbacks": "444555666", "/v1/audit": "444555666", "/v1/deliveries": "dest-beta",
		"/v1/reconciliations": "mail of beta", "/v1/networks": "Shared", "/v1/destinations/dest-beta": "beta-own.example",
	} {
		for kind, ask := range w.who {
			a := ask("GET", path, "")
			require.Equal(t, 200, a.status, "%s by the %s: %s", path, kind, a.body)
			require.Contains(t, a.body, mark, "%s by the %s", path, kind)
		}
	}
	// With several apps one has to be named where there is no list of all of them.
	w.token("of two", auth.Token{Role: auth.Admin, Apps: []int64{appBeta, 7}})
	require.Equal(t, "400 app_needed", coded(t, w.ask("GET", "/v1/cohorts", "of two", "")))
	require.Equal(t, 200, w.ask("GET", "/v1/cohorts?app=444555666", "of two", "").status)
	require.Equal(t, 200, w.ask("GET", "/v1/apps", "of two", "").status)
}

// A token for one app reports of that app alone.
func TestItemsOfATokensApps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.token("beta reports", auth.Token{Scopes: []auth.Scope{auth.ScopeS2S}, Apps: []int64{appBeta}})
	item := func(app int, id string) string {
		return fmt.Sprintf(`{"id":%q,"app_id":%d,"time":"2026-11-02T08:00:00Z"}`, id, app)
	}
	a := b.post("/v1/installs", "beta reports", "["+item(appAlpha, "a")+","+item(appBeta, "b")+`,7,`+item(appAlpha, "c")+"]")
	require.Equal(t, 200, a.status, a.body)
	results := a.at(t, "results").([]any)
	said := ""
	for _, r := range results {
		m := r.(map[string]any)
		said += fmt.Sprint(m["index"], " ", m["id"], " ", m["status"], " ", m["code"], "; ")
	}
	require.Equal(t, "0 a rejected forbidden_app; 1 b accepted <nil>; 2  rejected wrong_type; 3 c rejected forbidden_app; ", said)
	require.Equal(t, 400, b.post("/v1/installs", "beta reports", item(appAlpha, "d")).status)
	require.Equal(t, 400, b.post("/v1/installs", "beta reports", `{"id":"e","app_id":444555666,"app_id":111222333,"time":"2026-11-02T08:00:00Z"}`).status)
	require.Equal(t, 404, b.ask("GET", "/v1/installs?app_id=111222333&id=a", "operator", "").status)
	require.Equal(t, 200, b.ask("GET", "/v1/installs?app_id=444555666&id=b", "operator", "").status)
}
