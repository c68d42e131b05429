package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/apply"
	"skand/internal/web"
)

const renderBundle = `
apps: [{app_id: 1, currency: USD}]
networks: [{network_id: n}]
destinations:
  - {id: d, app_id: 1, network_id: n, kinds: [install, event], method: POST, url: "https://a.example/?c={click_id}&i={idfa}",
     body: json, headers: {X-Key: "k {secret}"}, query_auth: {token: "{secret}"}, secret_env: NONE}
  - {id: hook, app_id: 1, network_id: n, kinds: [modeled], method: POST, url: "https://a.example/", body: json, signing: standard-webhooks, secret_env: NONE}`

func setupRender(t *testing.T, change ...func(*web.Public, *web.Admin)) *testBundle {
	t.Helper()
	b := setup(t, change...)
	b.apply(renderBundle)
	return b
}

func (b *testBundle) apply(text string) {
	b.t.Helper()
	bundle, err := apply.Parse([]byte(text))
	require.NoError(b.t, err)
	_, err = b.store.Apply(b.t.Context(), bundle, "test", false)
	require.NoError(b.t, err)
}

type rendering struct {
	TemplateVersion int      `json:"template_version"`
	Draft           bool     `json:"draft"`
	Warnings        []string `json:"warnings"`
	Requests        []struct {
		Source, Kind, Consent, Method, URL, Body, Error string
		DeliveryID                                      string `json:"delivery_id"`
		Headers                                         map[string]string
	} `json:"requests"`
}

func (b *testBundle) renders(id, ask string) (r rendering) {
	b.t.Helper()
	a := b.ask("POST", "/v1/destinations/"+id+":render", "operator", ask)
	require.Equal(b.t, 200, a.status, a.body)
	require.NoError(b.t, json.Unmarshal([]byte(a.body), &r))
	return r
}

func TestRenderShowsWhatWouldBeSent(t *testing.T) {
	t.Parallel()
	b := setupRender(t)
	r := b.renders("d", "")
	require.Len(t, r.Requests, 4, "no delivery yet: samples of two kinds and two states of consent")
	one := r.Requests[0]
	require.Equal(t, []string{"sample", "install", "authorized", "POST"}, []string{one.Source, one.Kind, one.Consent, one.Method})
	require.Equal(t, "https://a.example/?c=Cj0KEQ-7f2a&i=6D92078A-8246-4BA4-AE5B-76104861E7DC&token=[secret]", one.URL)
	require.Equal(t, "k [secret]", one.Headers["X-Key"])
	require.Equal(t, "application/json", one.Headers["Content-Type"])
	require.Contains(t, one.Body, `"is_test":true`)
	require.Equal(t, "https://a.example/?c=Cj0KEQ-7f2a&token=[secret]", r.Requests[1].URL, "denied: no identifier")
	require.NotContains(t, r.Requests[1].Body, "6D92078A")

	r = b.renders("hook", `{"sample":true}`)
	require.Len(t, r.Requests, 1, "it is nobody's")
	require.Equal(t, "v1,[secret]", r.Requests[0].Headers["Webhook-Signature"])
	require.Equal(t, r.Requests[0].DeliveryID, r.Requests[0].Headers["Webhook-Id"])

	require.Contains(t, b.post("/v1/clicks", "s2s", `{"id":"c1","network_id":"n","app_id":1,"time":"2026-11-02T08:00:00Z"}`).body, "accepted")
	require.Contains(t, b.post("/v1/installs", "s2s", `{"id":"i1","app_id":1,"time":"2026-11-02T08:30:00Z","click_id":"c1","idfa":"A0000000-0000-0000-0000-000000000001","att_status":"authorized"}`).body, "accepted")
	r = b.renders("d", `{"newest":3}`)
	require.Len(t, r.Requests, 1)
	require.Equal(t, "delivery", r.Requests[0].Source)
	require.Equal(t, "https://a.example/?c=c1&i=A0000000-0000-0000-0000-000000000001&token=[secret]", r.Requests[0].URL)
	again := b.renders("d", fmt.Sprintf(`{"delivery":%q}`, r.Requests[0].DeliveryID))
	require.Equal(t, r.Requests, again.Requests)
	require.Len(t, b.trail("?action=destination.render"), 4, "every look is told of")
}

func TestRenderTriesDrafts(t *testing.T) {
	t.Parallel()
	b := setupRender(t)
	draft := `{"id":"%s","app_id":1,"network_id":"n","kinds":["install"],"url":"https://b.example/?x={event_name}&p={sk_payload}"}`
	r := b.renders("d", `{"definition":`+fmt.Sprintf(draft, "d")+`,"consent":"denied"}`)
	require.True(t, r.Draft)
	require.Equal(t, 1, r.TemplateVersion)
	require.Len(t, r.Requests, 1)
	require.Equal(t, "https://b.example/?x=install", r.Requests[0].URL)
	require.Contains(t, r.Warnings[0], "{sk_payload} has no value")
	require.Len(t, b.renders("new", `{"definition":`+fmt.Sprintf(draft, "new")+`}`).Requests, 2, "a draft may be of none that is there")
	stored, err := b.store.Destinations(t.Context())
	require.NoError(t, err)
	require.Len(t, stored, 2, "nothing was saved")

	bad := strings.Replace(fmt.Sprintf(draft, "d"), "event_name", "evnt_name", 1)
	for ask, want := range map[string]string{
		`{"definition":` + bad + `}`:                               "byte 22: unknown macro {evnt_name}; the nearest is {event_name}",
		`{"definition":` + fmt.Sprintf(draft, "e") + `}`:           "must be those of the destination",
		`{"newest":21}`:                                            "between 1 and 20",
		`{"newest":1,"sample":true}`:                               "one of delivery, newest and sample",
		`{"kind":"modeled"}`:                                       "it takes [install event]",
		`{"consent":"maybe"}`:                                      "authorized or denied",
		`{"definition":{"id":"d","url":"https://x","frobs":true}}`: "the nearest is",
		`{"delivery":"5b1f1d2e-0000-5000-8000-000000000000"}`:      "no such delivery",
	} {
		a := b.ask("POST", "/v1/destinations/d:render", "operator", ask)
		require.Contains(t, []int{400, 404, 422}, a.status, ask)
		require.Contains(t, strings.ReplaceAll(a.at(t, "detail").(string), "the destination takes", "it takes"), want, ask)
	}
	require.Equal(t, "404 unknown_destination", coded(t, b.ask("POST", "/v1/destinations/none:render", "operator", "")))
}

func TestTestSendGoesTheWayOfDeliveries(t *testing.T) {
	t.Parallel()
	var got []*http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r)
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, "no: ", r.URL.Query().Get("i")) // nobody but the test reads it
	}))
	t.Cleanup(srv.Close)
	b := setupRender(t)
	b.apply(fmt.Sprintf(`
forward: {allow_private_cidrs: [127.0.0.0/8]}
destinations:
  - {id: here, app_id: 1, network_id: n, kinds: [install], url: "%s/?i={idfa}&t={is_test}"}`, srv.URL))
	b.adminParts.Sender = forward.NewDeliverer(forward.Options{Outbox: b.store, Client: srv.Client(), Clock: b.now})

	a := b.ask("POST", "/v1/destinations/here:test", "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Len(t, got, 1)
	require.Equal(t, "true", got[0].URL.Query().Get("t"))
	require.Equal(t, "refused", a.at(t, "class"))
	require.Equal(t, "418", fmt.Sprint(a.at(t, "status")))
	require.Equal(t, "no: [redacted]", a.at(t, "answer"))
	require.Equal(t, true, a.at(t, "is_test"))
	list := b.ask("GET", "/v1/deliveries", "operator", "")
	require.Contains(t, list.body, `"data":[]`, "counted nowhere")
	require.Len(t, b.trail("?action=destination.test"), 1)

	for range 2 {
		require.Equal(t, 200, b.ask("POST", "/v1/destinations/here:test", "operator", `{"consent":"denied"}`).status)
	}
	require.Empty(t, got[2].URL.Query().Get("i"))
	a = b.ask("POST", "/v1/destinations/here:test", "operator", "")
	require.Equal(t, "429 too_many_tests", coded(t, a))
	require.Equal(t, "10", a.header.Get("Retry-After"))
	b.now.Advance(10 * time.Second)
	require.Equal(t, 200, b.ask("POST", "/v1/destinations/here:test", "operator", "").status)
	require.Len(t, got, 4)
	require.Equal(t, "422 invalid", coded(t, b.ask("POST", "/v1/destinations/here:test", "operator", `{"kind":"event"}`)))
	require.Equal(t, "400 bad_request", coded(t, b.ask("POST", "/v1/destinations/here:test", "operator", `{"definition":{}}`)), "it takes no draft")
	require.Equal(t, "404 unknown_destination", coded(t, b.ask("POST", "/v1/destinations/none:test", "operator", "")))
}

func TestVersionsAndRollback(t *testing.T) {
	t.Parallel()
	b := setupRender(t)
	b.apply(strings.ReplaceAll(renderBundle, "https://a.example/?c", "https://b.example/?c"))
	a := b.ask("GET", "/v1/destinations/d/versions", "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, `"version":2`)
	require.Contains(t, a.body, `"current":true`)
	a = b.ask("POST", "/v1/destinations/d/versions/1:rollback", "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, true, a.at(t, "changed"))
	require.Contains(t, a.body, `"rolled_back_from":1`)
	require.Contains(t, b.ask("GET", "/v1/destinations/d/versions/3", "operator", "").body, "https://a.example/?c")
	require.Len(t, b.trail("?action=destination.rollback"), 1)
	require.Equal(t, false, b.ask("POST", "/v1/destinations/d/versions/3:rollback", "operator", "").at(t, "changed"))
	for _, path := range []string{"/v1/destinations/d/versions/9", "/v1/destinations/d/versions/x", "/v1/destinations/d/versions/0", "/v1/destinations/none/versions", "/v1/destinations/none/versions/1"} {
		require.Equal(t, 404, b.ask("GET", path, "operator", "").status, path)
	}
	require.Equal(t, "404 unknown_version", coded(t, b.ask("POST", "/v1/destinations/d/versions/9:rollback", "operator", "")))
}

func TestTemplatesAreListedAndTranslated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask("GET", "/v1/templates", "viewer", "")
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, `"name":"meta-app-events"`)
	require.Contains(t, a.body, `"unconfirmed":[`)
	a = b.ask("POST", "/v1/templates:translate", "editor", `{"text":"https://n/?a=(clickid)&w=(wifi)"}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "https://n/?a={click_id}&w=(wifi)", a.at(t, "text"))
	require.Equal(t, "parens", a.at(t, "syntax"))
	require.Contains(t, a.body, `"outcome":"no_counterpart"`)
	require.Equal(t, "422 invalid", coded(t, b.ask("POST", "/v1/templates:translate", "editor", `{"text":"x","syntax":"jinja"}`)))
	require.Contains(t, b.ask("POST", "/v1/templates:translate", "editor", `{"text":"plain"}`).body, `"notes":[]`)
}
