package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/web"
	"skand/internal/web/pages"
)

const appPage = "/schemas/525463029"

func (b *testBundle) submit(path, role string, fields ...string) answer {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	return b.send(b.admin, http.MethodPost, path, role, strings.NewReader(v.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

// editorData is what the page gives its script.
func editorData(t *testing.T, a answer) map[string]any {
	t.Helper()
	require.Equal(t, 200, a.status, a.body)
	found := regexp.MustCompile(`(?s)<script type="application/json" id="editor-data">(.*?)</script>`).FindStringSubmatch(a.body)
	require.NotNil(t, found)
	var data map[string]any
	require.NoError(t, json.Unmarshal([]byte(found[1]), &data))
	return data
}

func TestSchemaPagesWithoutAnything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask("GET", "/schemas", "viewer", "")
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, "No app is described here yet")
	require.Equal(t, 404, b.ask("GET", "/schemas/1", "viewer", "").status)
	require.Equal(t, 404, b.ask("GET", "/schemas/x", "viewer", "").status)
	require.Equal(t, 400, b.ask("GET", "/schemas?apps=1", "viewer", "").status)
	require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029,"name":"Puzzle <b>Garden</b>"}]}`).status)
	a = b.ask("GET", "/schemas", "viewer", "")
	require.Contains(t, a.body, "Puzzle &lt;b&gt;Garden&lt;/b&gt;")
	require.Contains(t, a.body, "nothing published")
	a = b.ask("GET", appPage, "viewer", "")
	require.Contains(t, a.body, "Nothing is published for this app yet")
	require.NotContains(t, a.body, "New draft", "a viewer looks")
	require.Contains(t, b.ask("GET", appPage, "editor", "").body, "New draft")
	require.Equal(t, appPage, b.ask("GET", "/schemas?app=525463029", "viewer", "").header.Get("Location"))
}

// The whole life of a schema by forms alone, as without a script.
func TestSchemaPagesByForms(t *testing.T) {
	t.Parallel()
	b := described(t)
	for _, from := range []string{"bands", "bits", "funnel", "counts", "retention", "fields", "empty"} {
		a := b.submit(appPage+"/drafts", "editor", "from", from, "note", "try "+from)
		require.Equal(t, 303, a.status, a.body)
		data := editorData(t, b.ask("GET", a.header.Get("Location"), "editor", ""))
		require.Equal(t, true, data["report"].(map[string]any)["ok"], "%s: %v", from, data["report"])
		require.Equal(t, true, data["may"])
	}
	a := b.submit(appPage+"/drafts", "editor", "from", "empty", "note", "by hand")
	path := a.header.Get("Location")
	a = b.submit(path, "editor", "revision", "1", "document", priced("7"))
	require.Equal(t, 303, a.status, a.body)
	page := b.ask("GET", path, "viewer", "")
	require.Contains(t, page.body, "purchase worth exactly $7")
	require.Contains(t, page.body, "You may look")
	require.Equal(t, false, editorData(t, page)["may"])

	// Somebody else saved: what was typed stays in sight, and the store is as it was.
	a = b.submit(path, "editor", "revision", "1", "document", priced("8"))
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, "the draft is at revision 2")
	require.Contains(t, a.body, "What you typed")
	require.Equal(t, float64(2), editorData(t, a)["draft"].(map[string]any)["revision"])
	for fields, says := range map[string]string{"revision=2&document={": "no JSON object", "revision=x&document={}": "the form can&#39;t be read", "revision=2": "no JSON object"} {
		a = b.send(b.admin, "POST", path, "editor", strings.NewReader(fields), "Content-Type", "application/x-www-form-urlencoded")
		require.Contains(t, a.body, says, fields)
	}

	a = b.submit(path+"/publish", "editor", "revision", "2", "why", "begin")
	require.Equal(t, "303 "+appPage+"?published=1", fmt.Sprint(a.status, " ", a.header.Get("Location")), a.body)
	require.Contains(t, b.ask("GET", appPage+"?published=1", "editor", "").body, "Version 1 is published.")
	b.now.Advance(time.Hour)
	require.Contains(t, b.submit(path+"/publish", "editor", "revision", "2").body, "means the same")
	require.Equal(t, 303, b.submit(path, "editor", "revision", "2", "document", priced("9")).status)
	require.Contains(t, b.submit(path+"/publish", "editor", "revision", "3", "when", "soon").body, "in UTC")
	require.Contains(t, b.submit(path+"/publish", "editor", "revision", "3", "when", "2026-11-01T00:00").body, "give a later time")
	require.Contains(t, b.submit(path+"/publish", "editor", "revision", "3", "why", strings.Repeat("x", 1001)).body, "up to 1000 characters")
	a = b.submit(path+"/publish", "editor", "revision", "3", "when", "2026-11-04T00:00", "why", "dearer")
	require.Equal(t, 303, a.status, a.body)
	home := b.ask("GET", appPage, "viewer", "")
	require.Contains(t, home.body, "takes effect Wed 4 Nov 2026, 00:00 UTC")
	require.Contains(t, home.body, "What version 2 leaves uncertain")
	require.Contains(t, home.body, "dearer")
	require.Contains(t, b.ask("GET", "/schemas", "viewer", "").body, "ambiguous until")

	version := b.ask("GET", appPage+"/versions/2", "viewer", "")
	require.Contains(t, version.body, "Value 1 now means purchase worth exactly $9")
	require.NotContains(t, version.body, "Roll back")
	require.Contains(t, b.submit(appPage+"/versions/2/rollback", "editor").body, "means the same")
	require.Contains(t, b.submit(appPage+"/versions/1/rollback", "editor").body, "give a later time")
	a = b.submit(appPage+"/versions/1/rollback", "editor", "when", "2026-11-05T00:00", "why", "wrong")
	require.Equal(t, 303, a.status, a.body)
	require.Contains(t, b.ask("GET", appPage, "viewer", "").body, "a copy of version 1: wrong")
	a = b.submit(appPage+"/drafts", "editor", "from", "1")
	require.Equal(t, float64(1), editorData(t, b.ask("GET", a.header.Get("Location"), "editor", ""))["draft"].(map[string]any)["based_on"])
	require.Contains(t, b.ask("GET", appPage, "viewer", "").body, "a version was published since")

	require.Contains(t, b.submit(path+"/delete", "editor", "revision", "1").body, "the draft is at revision 3")
	require.Equal(t, 303, b.submit(path+"/delete", "editor", "revision", "3").status)
	require.Equal(t, 404, b.ask("GET", path, "editor", "").status)
	require.Contains(t, b.submit(path+"/delete", "editor", "revision", "3").body, "not there (any more)")
	require.Contains(t, b.submit(appPage+"/drafts", "editor", "from", "thin air").body, "choose what to begin from")
	require.Equal(t, 404, b.ask("GET", appPage+"/versions/9", "viewer", "").status)
	require.Equal(t, 404, b.ask("GET", appPage+"/versions/0", "viewer", "").status)
}

func TestImportByForm(t *testing.T) {
	t.Parallel()
	b := described(t)
	upload := func(name, text, format string) answer {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile("file", name)
		require.NoError(t, err)
		_, err = part.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, w.WriteField("format", format))
		require.NoError(t, w.Close())
		return b.send(b.admin, http.MethodPost, appPage+"/import", "editor", &body, "Content-Type", w.FormDataContentType())
	}
	a := upload("map.csv", "window,kind,value,event\n0,fine,0,\n0,fine,3,signup\n", "")
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, "Read as CSV")
	require.Contains(t, a.body, "Nothing was lost")
	a = upload("map.json", `[{"data":{"fine":[{"conversion_value":1,"events":[{"event_name":"buy","revenue_min":1}]}]},"conversion_window":1}]`, "adjust-v4")
	require.Contains(t, a.body, "did not come over")
	link := regexp.MustCompile(appPage + `/drafts/[0-9a-f-]{36}`).FindString(a.body)
	require.Contains(t, b.ask("GET", link, "editor", "").body, "currency_missing", "the draft says what is to be done")
	require.Contains(t, upload("x", "hello", "").body, "name its format")
	require.Contains(t, upload("x", "{}", "meta").body, "/data")
	require.Contains(t, upload("x", strings.Repeat("x", 2<<20), "").body, "up to 1 MiB")
	require.Contains(t, b.submit(appPage+"/import", "editor").body, "want a file")
}

// A document that is no schema is shown all the same: its text, and what is wrong.
func TestEditorOfAnUnfinishedDraft(t *testing.T) {
	t.Parallel()
	b := described(t)
	api := b.drafts(`{"windows":"soon","note":"</script><script>alert(1)</script>"}`)
	a := b.ask("GET", appPage+"/drafts/"+api[strings.LastIndex(api, "/")+1:], "editor", "")
	require.Equal(t, 200, a.status)
	require.Contains(t, a.body, "&#34;soon&#34;")
	require.NotContains(t, a.body, "<script>alert")
	data := editorData(t, a)
	require.Equal(t, "soon", data["document"].(map[string]any)["windows"])
	require.Equal(t, false, data["report"].(map[string]any)["ok"])
}

// A page of schemas tells no figure of any install, whoever asks; what simulations tell
// is asked of the API.
func TestSchemaPagesHoldNoFigures(t *testing.T) {
	t.Parallel()
	h := &histograms{}
	b := setup(t, func(_ *web.Public, a *web.Admin) { a.Histograms = h })
	require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", `{"apps":[{"app_id":525463029}]}`).status)
	require.Equal(t, 201, b.publishes(priced("1"), `{}`).status)
	path := appPage + "/drafts/" + strings.TrimPrefix(b.drafts(priced("2")), draftsPath+"/")
	for _, page := range []string{"/schemas", appPage, path, appPage + "/versions/1"} {
		a := b.ask("GET", page, "viewer", "")
		require.Equal(t, 200, a.status, page)
		require.NotContains(t, a.body, "installs\":")
		require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'")
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	}
	require.Empty(t, h.asked)
	require.Empty(t, b.trail("?action=schema.simulate"))
}

// TestEditorIsLight: the editor with all that is its own, packed, is below 60 KiB beside
// what every page fetches.
func TestEditorIsLight(t *testing.T) {
	t.Parallel()
	b := described(t)
	require.Equal(t, 201, b.publishes(priced("1"), `{}`).status)
	path := appPage + "/drafts/" + strings.TrimPrefix(b.drafts(priced("2")), draftsPath+"/")
	packed := func(path string) (answer, int) {
		a := b.send(b.admin, http.MethodGet, path, "editor", nil, "Accept-Encoding", "gzip")
		require.Equal(t, 200, a.status, path)
		require.Equal(t, "gzip", a.header.Get("Content-Encoding"), path)
		return a, len(a.body)
	}
	_, total := packed(path)
	whole := b.ask("GET", path, "editor", "")
	for _, name := range regexp.MustCompile(`/static/editor[^"]*`).FindAllString(whole.body, -1) {
		served := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, name, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		pages.Static(served, r)
		require.Equal(t, 200, served.Code, name)
		total += served.Body.Len()
	}
	t.Log("editor:", total, "bytes packed")
	require.Less(t, total, 60<<10)
}
