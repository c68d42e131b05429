package web_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const reconcileApp = "10738027756"

// setupReconcile is an app whose network has told of one install and one purchase.
func setupReconcile(t *testing.T) *testBundle {
	t.Helper()
	b := setup(t)
	a := b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":10738027756,"currency":"USD","k":20,"b":5}],"networks":[{"network_id":"example.net"}]}`)
	require.Equal(t, 200, a.status, a.body)
	for path, body := range map[string]string{"clicks": click, "installs": install, "events": event} {
		require.Equal(t, 200, b.post("/v1/"+path, "s2s", body).status)
	}
	return b
}

func (b *testBundle) putCSV(path, text string) answer {
	b.t.Helper()
	return b.send(b.admin, "PUT", path, "operator", strings.NewReader(text), "Content-Type", "text/csv")
}

func TestReconciliationsOverHTTP(t *testing.T) {
	t.Parallel()
	b := setupReconcile(t)
	path := "/v1/reconciliations/Example.net/2026-11-02"
	body := `{"app_id":10738027756,"time_zone":"America/Los_Angeles","currency":"USD","rows":[{"event":"install","count":3}],"source":"mail of monday"}`
	require.Equal(t, 403, b.ask("PUT", path, "editor", body).status)
	a := b.ask("PUT", path+"?dry_run=true", "operator", body)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, true, a.at(t, "dry_run"))
	require.Equal(t, 404, b.ask("GET", path+"?app="+reconcileApp, "operator", "").status)
	a = b.ask("PUT", path, "operator", body)
	require.JSONEq(t, `{"network_id":"example.net","dry_run":false,"warnings":[],"days":[{"day":"2026-11-02","action":"create","revision":1,"row_count":1,"counted":3}]}`, a.body)
	a = b.putCSV(path+"?app="+reconcileApp, "Event Name,Installs,Media\ninstall,4,x\n")
	require.Contains(t, a.body, `columns that nothing is read from: \"Media\"`)
	require.Contains(t, a.body, `"revision":2`)

	a = b.ask("GET", path+"?app="+reconcileApp, "operator", "")
	require.Equal(t, "2", fmt.Sprint(a.at(t, "revision")))
	require.Len(t, a.at(t, "history"), 2)
	require.Equal(t, "operator", a.at(t, "uploaded_by"))
	a = b.ask("GET", path+"?app="+reconcileApp+"&revision=1", "operator", "")
	require.Equal(t, "mail of monday", a.at(t, "source"))
	require.Contains(t, a.body, `"rows":[{"event":"install","count":3}]`)
	a = b.putCSV("/v1/reconciliations/example.net?app="+reconcileApp, "day,event,count\n2026-11-01,install,1\n2026-11-02,install,2\n")
	require.Contains(t, a.body, `"day":"2026-11-02","action":"update","revision":3`)
	list := b.ask("GET", "/v1/reconciliations?app="+reconcileApp+"&network=example.net&from=2026-11-01&to=2026-11-03", "operator", "")
	require.Len(t, list.at(t, "data"), 2)
	require.NotContains(t, list.body, `"rows"`)
	audit := b.ask("GET", "/v1/audit?action=reconciliation.put", "operator", "").body
	require.Equal(t, 4, strings.Count(audit, `"reconciliation.put"`))
}

// TestUploadsAreRefusedLineByLine, and nothing of them is kept.
func TestUploadsAreRefusedLineByLine(t *testing.T) {
	t.Parallel()
	b := setupReconcile(t)
	a := b.putCSV("/v1/reconciliations/example.net?app="+reconcileApp, "day,event,count\n2026-11-01,install,1\n2026-11-01,install,x\nyesterday,,1\n")
	require.Equal(t, "422 invalid", fmt.Sprint(a.status, " ", a.at(t, "code")))
	require.Len(t, a.at(t, "problems"), 3)
	require.Contains(t, a.body, `{"line":3,"field":"count","code":"bad_value"`)
	require.Contains(t, b.ask("GET", "/v1/reconciliations?app="+reconcileApp, "operator", "").body, `"data":[]`)
	good := `{"app_id":10738027756,"rows":[]}`
	for ask, want := range map[string]string{
		"PUT /v1/reconciliations/example.net/2.11. " + good:                           "422 day",
		"PUT /v1/reconciliations/exmple.net/2026-11-02 " + good:                       "422 network",
		"PUT /v1/reconciliations/a%20b/2026-11-02 " + good:                            "422 network",
		"PUT /v1/reconciliations/example.net/2026-12-24 " + good:                      "422 day",
		"PUT /v1/reconciliations/example.net/2026-11-02 {}":                           "422 app_id",
		`PUT /v1/reconciliations/example.net/2026-11-02 {"app_id":1,"rows":[]}`:       "404 app_id",
		"PUT /v1/reconciliations/example.net/2026-11-02?app=1 " + good:                "400 app",
		"PUT /v1/reconciliations/example.net/2026-11-02?dry_run=yes " + good:          "400 dry_run",
		"PUT /v1/reconciliations/example.net day,event,count":                         "400 app",
		"GET /v1/reconciliations/example.net/2026-11-02 ":                             "400 app",
		"GET /v1/reconciliations/example.net/2026-11-02?app=1&revision=0 ":            "400 revision",
		"GET /v1/reconciliations?from=x ":                                             "400 from",
		"GET /v1/discrepancies?from=2026-11-01&to=2026-11-02 ":                        "400 app",
		"GET /v1/discrepancies?app=1&from=2026-11-02&to=2026-11-02 ":                  "400 to",
		"GET /v1/discrepancies?app=1&from=2026-11-02&to=2027-11-02 ":                  "400 to",
		"GET /v1/discrepancies?app=1&from=2026-11-01&to=2026-11-02&group=cause,day ":  "400 group",
		"GET /v1/discrepancies?app=1&from=2026-11-01&to=2026-11-02&format=xml ":       "400 format",
		"GET /v1/discrepancies?app=1&from=2026-11-01&to=2026-11-02&nets=example.net ": "400 nets",
	} {
		method, rest, _ := strings.Cut(ask, " ")
		path, body, _ := strings.Cut(rest, " ")
		a := b.ask(method, path, "operator", body)
		require.Equal(t, want, fmt.Sprint(a.status, " ", a.at(t, "field")), "%s: %s", ask, a.body)
	}
}

// TestDiscrepanciesOverHTTP: the same table as JSON and as CSV, in every grouping.
func TestDiscrepanciesOverHTTP(t *testing.T) {
	t.Parallel()
	b := setupReconcile(t)
	ask := "/v1/discrepancies?app=" + reconcileApp + "&from=2026-11-01&to=2026-11-04"
	require.JSONEq(t, `{"data":[],"networks":[]}`, b.ask("GET", ask, "operator", "").body)
	a := b.putCSV("/v1/reconciliations/example.net?app="+reconcileApp,
		"day,event,count,revenue,currency\n2026-11-02,install,2,,\n2026-11-02,=cmd(),3,1.50,USD\n")
	require.Equal(t, 200, a.status, a.body)
	a = b.ask("GET", ask, "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	for _, part := range []string{
		`{"network_id":"example.net","day":"2026-11-02","event":"=cmd()","ours":0,"eligible":0,"delivered":0,"theirs":3,"difference":-3,"share":null,"causes":{"duplicate":0,"late":0,"refused":0,"time_zone":0,"unmapped":-3,"window":0},"unexplained":0,"currency":"USD","revenue":{"ours":"0","theirs":"1.5","difference":"-1.5",`,
		`"missing_days":["2026-11-01","2026-11-03"]`, `"accuracy":null`,
	} {
		require.Contains(t, a.body, part)
	}
	for _, group := range []string{"", "day", "event", "campaign", "cause", "day,event"} {
		path := ask + "&network=example.net&format=csv"
		if group != "" {
			path += "&group=" + group
		}
		a := b.ask("GET", path, "operator", "")
		require.Equal(t, "text/csv; charset=utf-8", a.header.Get("Content-Type"))
		lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		require.NoError(t, err)
		require.Greater(t, len(lines), 1, group)
		require.NotContains(t, a.body, ",=cmd", "a spreadsheet would run it")
	}
	require.Contains(t, b.ask("GET", ask+"&group=cause", "operator", "").body, `{"network_id":"example.net","cause":"unmapped","count":`)
	require.Contains(t, b.ask("GET", ask+"&network=other.net", "operator", "").body, `"networks":[]`)
}
