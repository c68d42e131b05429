package web_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const checkPath = schemasPath + ":check"

func TestCheckDocument(t *testing.T) {
	t.Parallel()
	b := described(t)
	require.Equal(t, 201, b.publishes(priced("1"), `{}`).status)
	layout := `{"kind":"bands","event":{"name":"purchase"},"edges":["1","5"]}`
	unwritten := `{"currency":"USD","layout":` + layout + `,"windows":[{"index":0},{"index":1},{"index":2}]}`

	a := b.ask("POST", checkPath, "editor", `{"document":`+unwritten+`,"expand":true}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, true, a.at(t, "report", "ok"), a.body)
	window := a.at(t, "document", "windows").([]any)[0].(map[string]any)
	require.Len(t, window["fine"], 3, "installed, and two bands")
	require.NotEmpty(t, a.at(t, "changes"), "compared with the newest version")
	require.Len(t, b.ask("GET", draftsPath, "viewer", "").at(t, "data"), 1, "nothing is kept beside the draft that was published")

	// Rows that were written by hand are not written anew unless it is asked for.
	byHand := `{"currency":"USD","layout":` + layout + `,"windows":[{"index":0,"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"purchase"}]}]},{"index":1},{"index":2}]}`
	a = b.ask("POST", checkPath, "editor", `{"document":`+byHand+`}`)
	require.Empty(t, a.at(t, "document"))
	require.Contains(t, a.body, "layout_differs")
	a = b.ask("POST", checkPath, "editor", `{"document":`+byHand+`,"expand":true}`)
	require.NotContains(t, a.body, "layout_differs")
	require.Contains(t, fmt.Sprint(a.at(t, "document")), "revenue_min:1")

	// A layout that can't be written is said, with its place, beside the rest.
	broken := strings.Replace(byHand, `"5"`, `"0.5"`, 1)
	a = b.ask("POST", checkPath, "editor", `{"document":`+broken+`,"expand":true}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, false, a.at(t, "report", "ok"))
	require.Contains(t, a.body, `"pointer":"/layout/edges/1"`)
	require.Empty(t, a.at(t, "document"))

	// What is no schema is judged, and compared with nothing.
	a = b.ask("POST", checkPath, "editor", `{"document":{"windows":"soon"}}`)
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, `"changes":null`)
	require.Contains(t, a.body, `"pointer":"/windows"`)

	// Two documents of which neither is stored.
	both := func(against string) answer {
		return b.ask("POST", checkPath, "editor", `{"document":`+priced("3")+`,"against":`+against+`}`)
	}
	require.Contains(t, both(priced("2")).body, "$3 (was: purchase worth exactly $2")
	require.Equal(t, "[]", fmt.Sprint(both(priced("3")).at(t, "changes")))
	require.NotEqual(t, "[]", fmt.Sprint(both(`"1"`).at(t, "changes")))
	require.Contains(t, both(`{"windows":9}`).body, `"changes":null`)
	for body, want := range map[string]string{
		`{}`: "400 bad_document", `{"document":[]}`: "400 bad_document", `{"document":{},"rows":1}`: "400 bad_request",
		`{"document":{},"against":7}`: "400 bad_parameter", `{"document":{},"against":"last"}`: "400 bad_parameter", `{"document":{},"against":"9"}`: "404 unknown_version",
		`{"document":{"a":"` + strings.Repeat("x", 2<<20) + `"}}`: "413 too_large",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", checkPath, "editor", body)), "%.60s", body)
	}
	require.Equal(t, "404 unknown_app", coded(t, b.ask("POST", "/v1/apps/1/schemas:check", "editor", `{"document":{}}`)))
}

func TestCheckWithoutVersions(t *testing.T) {
	t.Parallel()
	b := described(t)
	a := b.ask("POST", checkPath, "editor", `{"document":`+priced("1")+`}`)
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, `"changes":null`)
}

func TestPreview(t *testing.T) {
	t.Parallel()
	b := described(t)
	draft := b.drafts(priced("1"))
	a := b.write("POST", draft+":preview", "editor", `"1"`, `{}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "1 0", fmt.Sprint(a.at(t, "version"), " ", a.at(t, "against")))
	require.Empty(t, a.at(t, "effects"), "the first decodes everything")
	require.Equal(t, 201, b.write("POST", draft+":publish", "editor", `"1"`, `{}`).status)
	b.now.Advance(3600e9)

	later := b.drafts(priced("2"))
	asked := `{"effective_from":"2026-11-05T00:00:00Z"}`
	a = b.write("POST", later+":preview", "editor", `"1"`, asked)
	require.Equal(t, 200, a.status, a.body)
	require.Len(t, a.at(t, "changes"), 1)
	seen := a.at(t, "effects")
	require.Len(t, seen, 4)
	require.Len(t, b.ask("GET", schemasPath, "viewer", "").at(t, "data"), 1, "nothing was published")
	done := b.write("POST", later+":publish", "editor", `"1"`, asked)
	require.Equal(t, 201, done.status)
	require.Equal(t, seen, done.at(t, "effects"), "what was said is what is")

	// Its refusals are those of publishing.
	for _, c := range [][3]string{
		{later + ":preview", `"1"`, `{}`}, {later + ":preview", `"9"`, `{}`}, {later + ":preview", "", `{}`},
		{b.drafts(priced("9")) + ":preview", `"1"`, `{"effective_from":"2026-11-01T00:00:00Z"}`}, {b.drafts(`{"windows":[]}`) + ":preview", `"1"`, `{}`},
	} {
		want := b.write("POST", strings.Replace(c[0], ":preview", ":publish", 1), "editor", c[1], c[2])
		require.Equal(t, coded(t, want), coded(t, b.write("POST", c[0], "editor", c[1], c[2])), "%v", c)
		require.NotEqual(t, 201, want.status)
	}
	back := b.ask("POST", schemasPath+"/versions/1:preview", "editor", `{"effective_from":"2026-11-06T00:00:00Z"}`)
	require.Equal(t, 200, back.status, back.body)
	require.Len(t, back.at(t, "changes"), 1)
	require.Equal(t, "409 same", coded(t, b.ask("POST", schemasPath+"/versions/2:preview", "editor", `{}`)))
	require.Equal(t, "404 unknown_version", coded(t, b.ask("POST", schemasPath+"/versions/7:preview", "editor", `{}`)))
}

func TestImportAndExport(t *testing.T) {
	t.Parallel()
	b := described(t)
	require.Equal(t, 201, b.publishes(priced("2"), `{}`).status)
	exported := func(format, of, as string) answer {
		return b.ask("GET", schemasPath+"/export?format="+format+"&of="+of+as, "viewer", "")
	}
	for _, name := range []string{"native", "adjust-v3", "adjust-v4", "airbridge", "branch", "csv", "google-ads", "meta"} {
		file := exported(name, "1", "")
		require.Equal(t, 200, file.status, name)
		require.Contains(t, file.header.Get("Content-Disposition"), "schema-525463029-1."+name)
		report := exported(name, "current", "&as=report")
		require.Equal(t, name, report.at(t, "format"))
		// Without a name the file tells its format.
		back := b.ask("POST", schemasPath+":import", "editor", file.body)
		require.Equal(t, 200, back.status, back.body)
		require.Equal(t, name, back.at(t, "format"))
		if name == "native" {
			require.Empty(t, report.at(t, "lost"))
			require.Empty(t, back.at(t, "lost"))
			text, err := json.Marshal(back.at(t, "document"))
			require.NoError(t, err)
			require.Contains(t, string(text), `"revenue_est":"2"`)
		} else if name != "csv" {
			require.NotEmpty(t, report.at(t, "lost"), name)
		}
	}
	require.Empty(t, b.ask("GET", draftsPath, "viewer", "").at(t, "data").([]any)[1:], "nothing was kept")
	draft := b.drafts(priced("5"))
	file := exported("csv", "draft:"+draft[strings.LastIndex(draft, "/")+1:], "")
	require.Contains(t, file.body, "0,fine,1,purchase,,,5,5,USD")
	for query, want := range map[string]string{
		"?of=1": "400 bad_parameter", "?of=1&format=appsflyer": "400 bad_parameter", "?format=csv": "400 bad_parameter", "?of=9&format=csv": "404 unknown_version",
		"?of=draft:x&format=csv": "404 unknown_draft", "?of=1&format=csv&as=text": "400 bad_parameter", "?of=1&format=csv&for=me": "400 unknown_parameter",
	} {
		require.Equal(t, want, coded(t, b.ask("GET", schemasPath+"/export"+query, "viewer", "")), query)
	}
	for body, want := range map[string]string{
		"": "400 bad_parameter", "hello": "400 bad_parameter", "{": "400 bad_parameter", `{"x":1}`: "400 bad_parameter", `[{"conversion_window":9}]`: "422 invalid",
		`{"windows":"soon"}`: "422 invalid", strings.Repeat("x", 1<<20+1): "413 too_large",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", schemasPath+":import", "editor", body)), "%.40q", body)
	}
	require.Equal(t, "400 bad_parameter", coded(t, b.ask("POST", schemasPath+":import?format=appsflyer", "editor", "{}")))
}
