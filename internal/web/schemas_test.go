package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	schemasPath = "/v1/apps/525463029/schemas"
	draftsPath  = schemasPath + "/drafts"
)

// priced is a schema in which value 1 is a purchase of this price.
func priced(price string) string {
	return `{"currency":"USD","windows":[{"index":0,"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"purchase",` +
		`"revenue_min":"` + price + `","revenue_max":"` + price + `","revenue_est":"` + price + `"}]}]},{"index":1},{"index":2}]}`
}

// described is a bundle with the app whose schemas are edited.
func described(t *testing.T) *testBundle {
	t.Helper()
	b := setup(t)
	a := b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029}]}`)
	require.Equal(t, 200, a.status, a.body)
	return b
}

func (b *testBundle) write(method, path, role, etag, body string) answer {
	b.t.Helper()
	var headers []string
	if etag != "" {
		headers = []string{"If-Match", etag}
	}
	return b.send(b.admin, method, path, role, strings.NewReader(body), headers...)
}

// drafts makes a draft and returns its path.
func (b *testBundle) drafts(body string) string {
	b.t.Helper()
	a := b.ask("POST", draftsPath, "editor", body)
	require.Equal(b.t, 201, a.status, a.body)
	return a.header.Get("Location")
}

// publishes makes a draft and publishes it.
func (b *testBundle) publishes(body, say string) answer {
	b.t.Helper()
	return b.write("POST", b.drafts(body)+":publish", "editor", `"1"`, say)
}

func coded(t *testing.T, a answer) string {
	t.Helper()
	return fmt.Sprint(a.status, " ", a.at(t, "code"))
}

func TestDraftLife(t *testing.T) {
	t.Parallel()
	b := described(t)
	a := b.ask("POST", draftsPath+"?note=first+try", "editor", ` {"windows": [{"index": 9}], "idea": true} `)
	require.Equal(t, 201, a.status, a.body)
	require.Equal(t, `"1"`, a.header.Get("ETag"))
	path := a.header.Get("Location")
	require.Equal(t, draftsPath+"/"+fmt.Sprint(a.at(t, "id")), path)
	require.Equal(t, "first try editor 0", fmt.Sprint(a.at(t, "note"), " ", a.at(t, "created_by"), " ", a.at(t, "based_on")))
	require.Equal(t, false, a.at(t, "report", "ok"))
	require.Contains(t, a.body, `"unknown_member"`)
	require.Contains(t, a.body, `"pointer":"/idea"`)

	got := b.ask("GET", path, "viewer", "")
	require.Equal(t, `"1"`, got.header.Get("ETag"))
	require.JSONEq(t, a.body, got.body)
	b.now.Advance(time.Minute)
	a = b.write("PUT", path, "editor", `"1"`, priced("2"))
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, `"2"`, a.header.Get("ETag"))
	require.Equal(t, "first try", a.at(t, "note"))
	a = b.write("POST", path+":validate", "editor", "", "")
	require.Equal(t, true, a.at(t, "ok"), a.body)
	require.Equal(t, `"2"`, a.header.Get("ETag"))
	require.NotEmpty(t, a.at(t, "warnings"))

	list := b.ask("GET", draftsPath, "viewer", "")
	require.Len(t, list.at(t, "data"), 1)
	require.NotContains(t, list.body, "document")
	require.Equal(t, 204, b.write("DELETE", path, "editor", `"2"`, "").status)
	require.Equal(t, "404 unknown_draft", coded(t, b.ask("GET", path, "viewer", "")))
	require.JSONEq(t, `{"data":[],"next_cursor":null}`, b.ask("GET", draftsPath, "viewer", "").body)
}

// A conflict tells who saved what and when, so that the editor can show both.
func TestDraftConflicts(t *testing.T) {
	t.Parallel()
	b := described(t)
	path := b.drafts(priced("1"))
	b.now.Advance(time.Minute)
	require.Equal(t, 200, b.write("PUT", path, "operator", `"1"`, priced("2")).status)
	for _, method := range []string{"PUT", "DELETE"} {
		a := b.write(method, path, "editor", "", priced("3"))
		require.Equal(t, "428 if_match_required", coded(t, a))
		for _, tag := range []string{`"1"`, `W/"2"`, "2", `"02"`, `"two"`, `""`, `"1", "3"`, `"99999999999999999999"`} {
			a = b.write(method, path, "editor", tag, priced("3"))
			require.Equal(t, "412 stale", coded(t, a), tag)
			require.Equal(t, `"2"`, a.header.Get("ETag"))
			require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
			require.Equal(t, "2", fmt.Sprint(a.at(t, "current", "revision")))
			require.Equal(t, "operator", a.at(t, "current", "updated_by"))
			require.Equal(t, "2026-11-02T09:01:00Z", a.at(t, "current", "updated_at"))
			require.Contains(t, a.body, `"revenue_est":"2"`, "the stored document")
		}
	}
	require.Equal(t, "412 stale", coded(t, b.write("POST", path+":publish", "editor", `"1"`, `{}`)))
	require.Equal(t, 200, b.write("PUT", path, "editor", `"7", "2"`, priced("3")).status)
	require.Equal(t, 204, b.write("DELETE", path, "editor", "*", "").status)
}

func TestDraftBodies(t *testing.T) {
	t.Parallel()
	b := described(t)
	path := b.drafts("{}")
	for body, want := range map[string]string{
		"": "400 bad_document", "[]": "400 bad_document", `"x"`: "400 bad_document", "{": "400 bad_document", "{}{}": "400 bad_document",
		"{\"a\":\"\xff\"}": "400 bad_document", "{\"a\":\"\x00\"}": "400 bad_document",
		strings.Repeat(`{"a":`, 11000) + "1" + strings.Repeat("}", 11000): "400 bad_document",
		`{"a":"` + strings.Repeat("x", 1<<20) + `"}`:                      "413 too_large",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", draftsPath, "editor", body)), "%.40q", body)
		require.Equal(t, want, coded(t, b.write("PUT", path, "editor", `"1"`, body)), "%.40q", body)
	}
	a := b.ask("POST", draftsPath, "editor", `{"a":"`+strings.Repeat("x", 300<<10)+`"}`)
	require.Equal(t, 201, a.status, "too long for a schema is for the report to say")
	require.Contains(t, a.body, "json_syntax")
	for query, want := range map[string]string{
		"?note=%00": "422 invalid", "?note=%ff": "422 invalid", "?note=" + strings.Repeat("x", 1001): "422 invalid",
		"?based_on=1": "404 unknown_version", "?based_on=-1": "400 bad_parameter", "?based_on=x": "400 bad_parameter",
		"?why=x": "400 unknown_parameter",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", draftsPath+query, "editor", "{}")), query)
	}
	for path, want := range map[string]string{
		"/v1/apps/1/schemas/drafts": "404 unknown_app", "/v1/apps/0/schemas/drafts": "400 bad_parameter", "/v1/apps/x/schemas/drafts": "400 bad_parameter",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", path, "editor", "{}")))
	}
	for _, id := range []string{"x", "%00", "%ff", "..%2f1"} {
		require.Equal(t, "404 unknown_draft", coded(t, b.ask("GET", draftsPath+"/"+id, "viewer", "")), id)
	}
	for _, verb := range []string{":dance", "", ":", ":publish:", ":publish/x"} {
		require.Equal(t, "404 not_found", coded(t, b.write("POST", path+verb, "editor", `"1"`, "{}")), verb)
	}
}

func TestVersionsAndDiff(t *testing.T) {
	t.Parallel()
	b := described(t)
	require.Equal(t, "404 unknown_version", coded(t, b.ask("GET", schemasPath+"/diff?from=current&to=newest", "viewer", "")))
	require.Equal(t, 201, b.publishes(priced("1"), `{"why":"begin"}`).status)
	b.now.Advance(time.Hour)
	a := b.publishes(priced("2"), `{"effective_from":"2026-11-03T00:00:00Z","why":"dearer"}`)
	require.Equal(t, 201, a.status, a.body)
	draft := b.drafts(priced("3"))
	id := draft[strings.LastIndex(draft, "/")+1:]

	list := b.ask("GET", schemasPath+"?limit=1", "viewer", "")
	require.Len(t, list.at(t, "data"), 1)
	require.Contains(t, list.body, `"version":2`)
	list = b.ask("GET", schemasPath+"?limit=1&cursor="+fmt.Sprint(list.at(t, "next_cursor")), "viewer", "")
	require.Contains(t, list.body, `"version":1`)
	require.Empty(t, list.at(t, "next_cursor"))
	v := b.ask("GET", schemasPath+"/versions/2", "viewer", "")
	require.Equal(t, 200, v.status, v.body)
	require.Equal(t, "dearer editor 2026-11-02T10:00:00Z 2026-11-03T00:00:00Z", fmt.Sprint(
		v.at(t, "why"), " ", v.at(t, "published_by"), " ", v.at(t, "published_at"), " ", v.at(t, "effective_from")))
	require.Len(t, v.at(t, "effects"), 4)
	require.Equal(t, a.header.Get("Location"), schemasPath+"/versions/2")

	words := func(from, to string) string {
		a := b.ask("GET", schemasPath+"/diff?from="+url.QueryEscape(from)+"&to="+url.QueryEscape(to), "viewer", "")
		require.Equal(t, 200, a.status, a.body)
		return fmt.Sprint(a.at(t, "changes"))
	}
	require.Equal(t, "[]", words("1", "current"), "2 has not taken effect")
	require.Equal(t, "[]", words("2", "newest"))
	require.NotEqual(t, "[]", words("current", "newest"))
	require.Contains(t, words("newest", "draft:"+id), "3")
	b.now.Advance(24 * time.Hour)
	require.Equal(t, "[]", words("2", "current"))

	bad := b.drafts(`{"windows":"none"}`)
	for query, want := range map[string]string{
		"": "400 bad_parameter", "?from=1": "400 bad_parameter", "?from=1&to=0": "400 bad_parameter", "?from=latest&to=1": "400 bad_parameter",
		"?from=1&to=3": "404 unknown_version", "?from=1&to=99999999999": "404 unknown_version", "?from=draft:x&to=1": "404 unknown_draft",
		"?from=1&to=draft:" + bad[strings.LastIndex(bad, "/")+1:]: "422 invalid", "?from=1&to=2&app=1": "400 unknown_parameter",
	} {
		require.Equal(t, want, coded(t, b.ask("GET", schemasPath+"/diff"+query, "viewer", "")), query)
	}
	for path, want := range map[string]string{"/versions/3": "404 unknown_version", "/versions/0": "400 bad_parameter", "/versions/x": "400 bad_parameter"} {
		require.Equal(t, want, coded(t, b.ask("GET", schemasPath+path, "viewer", "")), path)
	}
}
