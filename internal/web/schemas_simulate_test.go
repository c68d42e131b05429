package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/web"
	"skand/schema"
)

func TestSimulateRaw(t *testing.T) {
	t.Parallel()
	b := described(t)
	draft := b.drafts(priced("1"))
	raw := `{"evidence":"raw"}`
	require.Equal(t, "404 unknown_version", coded(t, b.ask("POST", draft+":simulate", "operator", raw)), "nothing was decoded yet")
	require.Equal(t, 201, b.write("POST", draft+":publish", "editor", `"1"`, `{}`).status)
	for range 12 {
		b.post(networkPath, "", b.signed(func(p *apple.Postback) { one := 1; p.AppID, p.Fine = 525463029, &one }))
	}
	require.Equal(t, 200, b.ask("POST", "/v1/jobs/decode", "operator", "").status)
	b.now.Advance(time.Hour)
	dearer := b.drafts(priced("4"))
	a := b.ask("POST", dearer+":simulate", "operator", raw)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, `"1"`, a.header.Get("ETag"))
	require.Equal(t, "1", fmt.Sprint(a.at(t, "version")))
	require.NotEmpty(t, a.at(t, "simulation", "changes"))
	windows := a.at(t, "simulation", "published").([]any)
	require.Len(t, windows, 1)
	require.Equal(t, "12", fmt.Sprint(windows[0].(map[string]any)["installs"]))
	require.Contains(t, strings.Join(b.trail("?action=schema.simulate"), ""), "operator/operator schema.simulate draft ")

	for path, what := range map[string]string{
		schemasPath + "/versions/1:simulate": raw,
		schemasPath + ":simulate":            `{"evidence":"raw","document":` + priced("4") + `}`,
	} {
		a = b.ask("POST", path, "operator", what)
		require.Equal(t, 200, a.status, a.body)
		require.Empty(t, a.header.Get("ETag"))
	}
	require.Len(t, b.trail("?action=schema.simulate"), 3)
	bad := b.drafts(`{"windows":[]}`)
	for path, want := range map[string]string{
		bad + `:simulate {}`: "422 invalid",
		dearer + `:simulate {"evidence":"raw","from":"2026-11-09T00:00:00Z"}`:   "422 invalid",
		dearer + `:simulate {"evidence":"all"}`:                                 "400 bad_request",
		dearer + `:simulate {"evidence":"published"}`:                           "422 no_evidence",
		dearer + `:simulate {"days":3}`:                                         "400 bad_request",
		draftsPath + `/none:simulate {}`:                                        "404 unknown_draft",
		schemasPath + `/versions/7:simulate {}`:                                 "404 unknown_version",
		schemasPath + `/versions/x:simulate {}`:                                 "400 bad_parameter",
		schemasPath + `:simulate {}`:                                            "400 bad_document",
		schemasPath + `:simulate {"document":[]}`:                               "400 bad_document",
		schemasPath + `:simulate {"document":{},"days":3}`:                      "400 bad_request",
		schemasPath + `:simulate {"document":{"windows":[]}}`:                   "422 invalid",
		schemasPath + `:simulate {"document":{"app_id":1,"windows":[]}}`:        "422 invalid",
		`/v1/apps/1/schemas:simulate {"document":{}}`:                           "404 unknown_app",
		`/v1/apps/1/schemas:suggest {}`:                                         "404 unknown_app",
		schemasPath + `:suggest {"evidence":"raw"}`:                             "422 no_evidence",
		schemasPath + `:simulate ` + strings.Repeat(" ", 1<<20) + `{}`:          "413 too_large",
		schemasPath + `:simulate?evidence=raw {"document":` + priced("4") + `}`: "400 unknown_parameter",
	} {
		path, body, _ := strings.Cut(path, " ")
		require.Equal(t, want, coded(t, b.ask("POST", path, "operator", body)), path+" %.60s", body)
	}
	for _, path := range []string{dearer + ":simulate", schemasPath + "/versions/1:simulate", schemasPath + ":suggest"} {
		a = b.ask("POST", path, "editor", raw)
		require.Equal(t, "403 forbidden", coded(t, a), path)
		require.Equal(t, "evidence", a.at(t, "field"))
	}
	require.Len(t, b.trail("?action=schema.simulate"), 4, "what was refused was not looked at; who is told of an unknown app has looked")
}

// histograms are published ones.
type histograms struct{ asked []string }

func (h *histograms) PublishedHistograms(_ context.Context, appID int64, version int, from, to time.Time) ([]schema.Histogram, error) {
	h.asked = append(h.asked, fmt.Sprint(appID, " ", version, " ", from.Format(time.DateOnly), " ", to.Format(time.DateOnly)))
	n := int64(40)
	return []schema.Histogram{{Rows: []schema.HistogramRow{{Kind: schema.KindFine, From: 1, To: 1, Installs: &n}}}}, nil
}

func TestSimulatePublished(t *testing.T) {
	t.Parallel()
	h := &histograms{}
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Histograms = h })
	require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029}]}`).status)
	require.Equal(t, 201, b.publishes(priced("1"), `{}`).status)
	a := b.ask("POST", schemasPath+"/versions/1:simulate", "editor", `{"evidence":"published"}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, []string{"525463029 1 2026-10-05 2026-11-02"}, h.asked)
	require.Equal(t, "40", fmt.Sprint(a.at(t, "simulation", "published").([]any)[0].(map[string]any)["installs"]))
}
