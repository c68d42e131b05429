package web_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/auth"
	"skand/internal/web"
)

// everybody is an administrator; for tests of what lies behind the door.
type everybody struct{ web.Authenticator }

func (everybody) Authenticate(_ context.Context, _ string) (auth.Principal, error) {
	return auth.Principal{ID: "id", Name: "everybody", Role: auth.Admin}, nil
}

// Following the cursors gives every row once, in the order of one long page.
func TestPaging(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 7 {
		b.post(networkPath, "", b.signed(func(p *apple.Postback) { p.AppID = int64(1 + i%2) }))
		b.now.Advance(time.Duration(i%3) * time.Second) // some at the same moment
		a := b.ask("POST", "/v1/apply", "admin", fmt.Sprintf(`{"networks":[{"network_id":"n%d"}],"apps":[{"app_id":%d}]}`, i, i+1))
		require.Equal(t, 200, a.status, a.body)
	}
	ids := func(path string) (list []string, next string) {
		a := b.ask("GET", path, "operator", "")
		require.Equal(t, 200, a.status, a.body)
		for _, row := range a.at(t, "data").([]any) {
			list = append(list, fmt.Sprint(row.(map[string]any)["id"]))
		}
		return list, fmt.Sprint(a.at(t, "next_cursor"))
	}
	for _, path := range []string{"/v1/postbacks?", "/v1/networks?", "/v1/apps?", "/v1/postbacks?app=2&state=accepted&"} {
		whole, next := ids(path)
		require.Empty(t, next, path)
		var pages []string
		cursor := ""
		for range 10 {
			page, next := ids(path + "limit=2&cursor=" + url.QueryEscape(cursor))
			pages = append(pages, page...)
			if cursor = next; cursor == "" {
				break
			}
			require.Len(t, page, 2)
		}
		require.Equal(t, whole, pages, path)
		require.Len(t, whole, map[bool]int{false: 7, true: 3}[strings.Contains(path, "app=2")], path)
	}
}

func TestListParametersAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, want := range map[string]string{
		"/v1/releases?limit=0":           "bad_parameter limit",
		"/v1/releases?limit=1001":        "bad_parameter limit",
		"/v1/releases?limit=many":        "bad_parameter limit",
		"/v1/releases?app=0":             "bad_parameter app",
		"/v1/releases?cursor=nonsense":   "bad_cursor cursor",
		"/v1/postbacks?cursor=nonsense":  "bad_cursor cursor",
		"/v1/deliveries?cursor=nonsense": "bad_cursor cursor",
		"/v1/postbacks?state=dropped":    "bad_parameter state",
		"/v1/deliveries?state=lost":      "bad_parameter state",
		"/v1/deliveries?publisher=n":     "unknown_parameter publisher",
		"/v1/networks?app=1":             "unknown_parameter app",
		"/v1/apps?limit=1&limit=2":       "bad_parameter limit",
		"/v1/apps/0/schemas":             "bad_parameter app",
		"/v1/apps/x/schemas":             "bad_parameter app",
		"/v1/apps/1/schemas?app=1":       "unknown_parameter app",
		"/v1/apps/1/schemas?cursor=x":    "bad_cursor cursor",
		"/v1/jobs?x":                     "unknown_parameter x",
		"/v1/status?x=1":                 "unknown_parameter x",
	} {
		a := b.ask("GET", path, "operator", "")
		require.Equal(t, 400, a.status, "%s: %s", path, a.body)
		require.Equal(t, want, fmt.Sprint(a.at(t, "code"), " ", a.at(t, "field")), path)
	}
}

func TestEmptyListsAreLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{
		"/v1/releases", "/v1/apps", "/v1/networks", "/v1/destinations", "/v1/deliveries", "/v1/postbacks", "/v1/apps/1/schemas", "/v1/apps/1/schemas/drafts",
	} {
		require.JSONEq(t, `{"data":[],"next_cursor":null}`, b.ask("GET", path, "operator", "").body, path)
	}
	require.JSONEq(t, `{"data":[],"next_cursor":null,"releases":[]}`, b.ask("GET", "/v1/cohorts", "operator", "").body)
}

func TestListsShowWhatWasAppliedAndSealed(t *testing.T) {
	t.Parallel()
	b := published(t)
	apps := b.ask("GET", "/v1/apps", "viewer", "")
	require.Contains(t, apps.body, `"id":"525463029"`)
	schemas := b.ask("GET", "/v1/apps/525463029/schemas", "viewer", "")
	require.Contains(t, schemas.body, `"version":1`)
	releases := b.ask("GET", "/v1/releases?app=525463029", "viewer", "")
	require.Len(t, releases.at(t, "data"), 1)
	require.Contains(t, releases.body, `"lab":true`)
	raw := b.ask("GET", "/v1/postbacks?limit=1", "operator", "")
	require.Contains(t, raw.body, "attribution-signature")
	require.Contains(t, b.log.String(), "raw postbacks read", "looking at raw rows leaves a trace")
	status := b.ask("GET", "/v1/status", "operator", "")
	require.Equal(t, 200, status.status)
}

func TestMetricsCountByClosedLabels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.post(networkPath, "", b.signed(func(*apple.Postback) {}))
	b.post(developerPath, "", strings.Replace(b.signed(func(*apple.Postback) {}), `"version":"4.0"`, `"version":"77.7"`, 1))
	a := b.ask("GET", "/metrics", "operator", "")
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, `skand_postbacks_total{framework="skadnetwork",provenance="network",verdict="valid",version="4.0"} 1`)
	require.Contains(t, a.body, `version="other"`)
	require.NotContains(t, a.body, "77.7", "a stranger can't make time series")
	require.Contains(t, a.body, "skand_ingest_seconds_count 2")
}

func TestJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask("POST", "/v1/jobs/decode", "operator", "")
	require.JSONEq(t, `{"job":"decode","status":"ok","rows":0,"errors":[]}`, a.body)
	a = b.ask("POST", "/v1/jobs/dust", "operator", "")
	require.Equal(t, "404 unknown_job", fmt.Sprint(a.status, " ", a.at(t, "code")))
	require.Equal(t, 400, b.ask("POST", "/v1/jobs/decode?dry_run=true", "operator", "").status)
	list := b.ask("GET", "/v1/jobs", "operator", "").at(t, "data").([]any)
	require.Len(t, list, 2)
	decode, seal := list[0].(map[string]any), list[1].(map[string]any)
	require.Equal(t, "decode @every 5s", fmt.Sprint(decode["job"], " ", decode["schedule"]))
	require.Equal(t, monday.Format(time.RFC3339), decode["last_succeeded"])
	require.Nil(t, seal["last_started"], "what is not known is null")
	require.Nil(t, seal["next"])
}
