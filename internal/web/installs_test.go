package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const consent = `{"app_id":10738027756,"install_id":"i1","time":"2026-11-02T08:50:00Z","att_status":"denied"}`

// TestConsentsOverHTTP: a change of consent is taken like any item, and seen in the install.
func TestConsentsOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, 403, b.post("/v1/consents", "relay", consent).status)
	for path, body := range map[string]string{"clicks": click, "installs": install, "events": event} {
		require.Equal(t, 200, b.post("/v1/"+path, "s2s", body).status)
	}
	look := "/v1/installs?app_id=10738027756&id=i1"
	a := b.ask("GET", look, "operator", "")
	require.Equal(t, 200, a.status)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, []any{"idfa"}, a.at(t, "identifiers"))
	require.Equal(t, "click_id", a.at(t, "decision", "reason"))
	require.NotContains(t, a.body, "SECRET-IDFA")

	first := b.post("/v1/consents", "s2s", consent)
	require.Equal(t, "accepted", first.at(t, "status"))
	require.Len(t, first.at(t, "id"), 24, "made of install and time")
	require.Equal(t, "duplicate", b.post("/v1/consents", "s2s", consent).at(t, "status"))
	named := b.post("/v1/consents", "s2s", `[`+strings.Replace(consent, "{", `{"id":"x1",`, 1)+`,{"id":"x2"}]`)
	require.JSONEq(t, `{"results":[{"index":0,"id":"x1","status":"accepted"},
		{"index":1,"id":"x2","status":"rejected","code":"missing","field":"app_id","message":"app_id: give the App Store id of the app, a positive number"}]}`, named.body)
	a = b.ask("GET", look, "operator", "")
	require.Equal(t, []any{}, a.at(t, "identifiers"))
	require.Equal(t, "denied", a.at(t, "consent", "att_status"))
	require.Len(t, a.at(t, "consent_history"), 3)
	require.Len(t, a.at(t, "events"), 1)
}

func TestConsentsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, want := range map[string]string{
		strings.Replace(consent, `"att_status":"denied"`, `"gdpr_purposes":[1,"7"]`, 1):           "wrong_type gdpr_purposes",
		strings.Replace(consent, `"att_status":"denied"`, `"limited_data_sharing":"yes"`, 1):      "wrong_type limited_data_sharing",
		strings.Replace(consent, `"att_status":"denied"`, `"att_status":"sure"`, 1):               "unknown_value att_status",
		strings.Replace(consent, `,"att_status":"denied"`, ``, 1):                                 "missing att_status",
		strings.Replace(consent, `"install_id":"i1",`, ``, 1):                                     "missing install_id",
		strings.Replace(consent, `2026-11-02`, `2026-12-02`, 1):                                   "in_the_future time",
		strings.Replace(consent, `"att_status":"denied"`, `"att_status":"denied","purpose":1`, 1): "unknown_field purpose",
	} {
		a := b.post("/v1/consents", "s2s", body)
		require.Equal(t, 400, a.status, body)
		require.Equal(t, want, fmt.Sprint(a.at(t, "code"), " ", a.at(t, "field")))
		require.NotContains(t, a.body, "conversion.")
	}
}

// TestEventsWithoutID: they are known by install, name and time, also where the clock
// that told the time is ahead of ours.
func TestEventsWithoutID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ahead := strings.Replace(strings.Replace(event, `"id":"e1",`, "", 1), "08:40", "12:40", 1)
	a := b.post("/v1/events", "s2s", ahead)
	require.Equal(t, "accepted", a.at(t, "status"))
	b.now.Advance(1e9)
	again := b.post("/v1/events", "s2s", ahead)
	require.Equal(t, "duplicate", again.at(t, "status"))
	require.Equal(t, a.at(t, "id"), again.at(t, "id"))
	require.Equal(t, 200, b.post("/v1/installs", "s2s", install).status)
	v := b.ask("GET", "/v1/installs?app_id=10738027756&id=i1", "operator", "")
	require.Contains(t, v.body, `"time":"2026-11-02T09:00:00Z"`, "it happened when it came: the clock was ahead")
	old := strings.Replace(event, "2026-11-02", "2025-09-01", 1)
	require.Equal(t, "too_late", b.post("/v1/events", "s2s", old).at(t, "code"))
}

// TestInstallIsShownToOperators: by its id, and with a trace that does not name it.
func TestInstallIsShownToOperators(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := strings.Replace(install, `"i1"`, `"person-77"`, 1)
	require.Equal(t, 200, b.post("/v1/installs", "s2s", body).status)
	look := "/v1/installs?" + url.Values{"app_id": {"10738027756"}, "id": {"person-77"}}.Encode()
	require.Equal(t, 403, b.ask("GET", look, "editor", "").status)
	require.Equal(t, 401, b.ask("GET", look, "", "").status)
	require.Equal(t, 200, b.ask("GET", look, "operator", "").status)
	for path, want := range map[string]string{
		"/v1/installs?app_id=10738027756&id=nobody": "404", "/v1/installs?app_id=1&id=person-77": "404",
		"/v1/installs?app_id=10738027756": "400", "/v1/installs?app_id=x&id=i": "400", "/v1/installs?app_id=1&id=i&x=1": "400",
	} {
		require.Equal(t, want, fmt.Sprint(b.ask("GET", path, "operator", "").status), path)
	}
	audit := b.ask("GET", "/v1/audit?action=installs.read", "operator", "").body
	require.Equal(t, 3, strings.Count(audit, `"installs.read"`))
	require.NotContains(t, audit, "person-77")
	require.NotContains(t, b.log.String(), "person-77")
}

func TestRecomputeOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, 200, b.post("/v1/clicks", "s2s", strings.Replace(click, "11-02T08", "10-20T08", 1)).status)
	require.Equal(t, 200, b.post("/v1/installs", "s2s", install).status)
	path, ask := "/v1/installs:recompute", `{"app_id":10738027756,"from":"2026-11-02T00:00:00Z","to":"2026-11-03T00:00:00Z","dry_run":true}`
	require.Equal(t, 403, b.ask("POST", path, "editor", ask).status)
	require.JSONEq(t, `{"installs":1,"changed":[],"dry_run":true}`, b.ask("POST", path, "operator", ask).body)
	a := b.ask("POST", "/v1/apply", "admin", `{"networks":[{"network_id":"example.net","click_window":"20d"}]}`)
	require.Equal(t, 200, a.status, a.body)
	a = b.ask("POST", path, "operator", ask)
	require.Len(t, a.at(t, "changed"), 1, a.body)
	why := func() any {
		return b.ask("GET", "/v1/installs?app_id=10738027756&id=i1", "operator", "").at(t, "decision", "reason")
	}
	require.Equal(t, "outside_window", why())
	a = b.ask("POST", path, "operator", strings.Replace(ask, "true", "false", 1))
	require.Equal(t, 200, a.status)
	require.Equal(t, "click_id", why())
	for _, bad := range []string{
		`{}`, `{"app_id":1}`, `{"app_id":1,"from":"2026-11-03T00:00:00Z","to":"2026-11-03T00:00:00Z"}`, `[]`, `{"app":1}`,
	} {
		require.Equal(t, 400, b.ask("POST", path, "operator", bad).status, bad)
	}
}
