package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures"
	"skand/internal/apply"
	"skand/internal/web"
	"skand/schema"
	"skand/schema/format"
)

const mappingApp = fixtures.PuzzleAppID

var mappingPath = fmt.Sprintf("/v1/apps/%d/schema", mappingApp)

// withMappings is the bundle with mappings served, as the program serves them.
func withMappings(t *testing.T) *testBundle {
	t.Helper()
	return setup(t, func(p *web.Public, a *web.Admin) {
		p.Mappings = web.NewMappings(mappingReader(t, a.Reader), a.Now, a.Log)
	})
}

func mappingReader(t *testing.T, r web.Reader) web.MappingReader {
	t.Helper()
	m, ok := r.(web.MappingReader)
	require.True(t, ok)
	return m
}

// publish makes the sample schema a version that is named name.
func (b *testBundle) publish(name string, from *time.Time) {
	b.t.Helper()
	d, err := fixtures.PuzzleSchema()
	require.NoError(b.t, err)
	d.Name = name
	text, err := d.Canonical()
	require.NoError(b.t, err)
	_, err = b.store.Apply(b.t.Context(), &apply.Bundle{
		Apps: []apply.App{{AppID: mappingApp, Schema: text, SchemaEffectiveFrom: from}},
	}, "an editor whose name is nobody's business", false)
	require.NoError(b.t, err)
}

func (b *testBundle) get(path string, headers ...string) answer {
	b.t.Helper()
	return b.send(b.public, http.MethodGet, path, "", nil, headers...)
}

func TestMappingIsTheDocument(t *testing.T) {
	t.Parallel()
	b := withMappings(t)
	b.publish("one", nil)
	a := b.get(mappingPath)
	require.Equal(t, 200, a.status, a.body)
	d, err := schema.Parse([]byte(a.body))
	require.NoError(t, err, "the answer is a document that every command reads")
	want, err := fixtures.PuzzleSchema()
	require.NoError(t, err)
	want.Name = "one"
	require.True(t, want.Equal(d))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Skand-Version": "1", "Skand-Lost": "0", "Skand-Effective-From": "2026-11-02T09:00:00Z",
		"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600, must-revalidate",
		"Last-Modified": "Mon, 02 Nov 2026 09:00:00 GMT",
	} {
		require.Equal(t, value, a.header.Get(name), name)
	}
	require.Regexp(t, `^"1-native-[0-9a-f]{16}"$`, a.header.Get("ETag"))
	require.Equal(t, a.body, b.get(mappingPath+"?format=native&version=1").body)
	require.Equal(t, "public, max-age=86400, must-revalidate", b.get(mappingPath+"?version=1").header.Get("Cache-Control"))

	head := b.send(b.public, http.MethodHead, mappingPath, "", nil)
	require.Equal(t, 200, head.status)
	require.Empty(t, head.body)
	require.Equal(t, fmt.Sprint(len(a.body)), head.header.Get("Content-Length"))
	require.Equal(t, a.header.Get("ETag"), head.header.Get("ETag"))
}

func TestMappingInEveryFormat(t *testing.T) {
	t.Parallel()
	b := withMappings(t)
	b.publish("one", nil)
	tags := map[string]bool{}
	require.GreaterOrEqual(t, len(format.Names()), 7)
	for _, name := range format.Names() {
		a := b.get(mappingPath + "?format=" + name)
		require.Equal(t, 200, a.status, a.body)
		require.Equal(t, format.ContentType(name), a.header.Get("Content-Type"))
		d, _, err := format.Import(name, []byte(a.body), mappingApp)
		require.NoError(t, err, name)
		require.NotEmpty(t, d.Windows[0].Fine)
		require.False(t, tags[a.header.Get("ETag")], "each format has a tag of its own")
		tags[a.header.Get("ETag")] = true

		lost := b.get(mappingPath + "/lost?format=" + name)
		require.Equal(t, 200, lost.status)
		var list struct {
			Version int
			Format  string
			Lost    []format.Loss
		}
		require.NoError(t, json.Unmarshal([]byte(lost.body), &list))
		require.Equal(t, name+" 1", fmt.Sprint(list.Format, " ", list.Version))
		require.Equal(t, a.header.Get("Skand-Lost"), fmt.Sprint(len(list.Lost)))
		again := b.get(mappingPath + "?format=" + name)
		require.Equal(t, a.body, again.body, "kept or not, the same")
		require.Equal(t, a.header.Get("ETag"), again.header.Get("ETag"))
	}
	require.JSONEq(t, `{"format":"native","version":1,"lost":[]}`, b.get(mappingPath+"/lost").body)
}

func TestMappingIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := withMappings(t)
	b.publish("one", nil)
	for _, path := range []string{mappingPath, mappingPath + "?format=csv", mappingPath + "/history", mappingPath + "/lost?format=meta"} {
		first := b.get(path)
		require.Equal(t, 200, first.status, path)
		tag := first.header.Get("ETag")
		for _, known := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
			again := b.get(path, "If-None-Match", known)
			require.Equal(t, "304 ", fmt.Sprint(again.status, " ", again.body), "%s %s", path, known)
			require.Equal(t, tag, again.header.Get("ETag"))
			require.Equal(t, first.header.Get("Cache-Control"), again.header.Get("Cache-Control"))
		}
		require.Equal(t, 304, b.get(path, "If-Modified-Since", first.header.Get("Last-Modified")).status)
		require.Equal(t, 200, b.get(path, "If-None-Match", `"another"`, "If-Modified-Since", first.header.Get("Last-Modified")).status)
	}
	tag := b.get(mappingPath).header.Get("ETag")
	b.now.Advance(time.Minute)
	b.publish("two", nil)
	a := b.get(mappingPath, "If-None-Match", tag)
	require.Equal(t, "200 2", fmt.Sprint(a.status, " ", a.header.Get("Skand-Version")), "a publication counts at once")
	require.Equal(t, tag, b.get(mappingPath+"?version=1").header.Get("ETag"))
}

// Nothing keeps a mapping beyond the moment when the next takes effect, and nobody
// sees that one before.
func TestMappingOfLaterIsKept(t *testing.T) {
	t.Parallel()
	b := withMappings(t)
	b.publish("one", nil)
	later := monday.Add(10 * time.Hour)
	b.publish("two", &later)
	for _, c := range []struct {
		before time.Duration
		age    string
	}{{10 * time.Hour, "3600"}, {time.Hour, "3600"}, {time.Minute, "60"}, {1500 * time.Millisecond, "1"}, {time.Millisecond, "0"}} {
		b.now.Set(later.Add(-c.before))
		for _, path := range []string{mappingPath, mappingPath + "?format=meta", mappingPath + "/history", mappingPath + "/lost"} {
			a := b.get(path)
			require.Equal(t, "public, max-age="+c.age+", must-revalidate", a.header.Get("Cache-Control"), path)
			require.NotContains(t, a.body, "two")
			require.NotContains(t, a.body, `"version":2`)
		}
		require.Equal(t, "1", b.get(mappingPath).header.Get("Skand-Version"))
		require.Equal(t, "404 no_mapping", code(t, b.get(mappingPath+"?version=2")))
	}
	b.now.Set(later)
	a := b.get(mappingPath)
	require.Equal(t, "2", a.header.Get("Skand-Version"))
	require.Equal(t, later.Format(http.TimeFormat), a.header.Get("Last-Modified"))
	require.Equal(t, "public, max-age=3600, must-revalidate", a.header.Get("Cache-Control"))
}

func code(t *testing.T, a answer) string {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), a.body)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	return fmt.Sprint(a.status, " ", a.at(t, "code"))
}

func TestMappingRefuses(t *testing.T) {
	t.Parallel()
	b := withMappings(t)
	b.publish("one", nil)
	_, err := b.store.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: 77}}}, "test", false)
	require.NoError(t, err)
	for path, want := range map[string]string{
		"/v1/apps/1/schema":                    "404 no_mapping",
		"/v1/apps/77/schema":                   "404 no_mapping",
		"/v1/apps/1/schema/history":            "404 no_mapping",
		"/v1/apps/77/schema/history":           "404 no_mapping",
		"/v1/apps/1/schema/lost":               "404 no_mapping",
		mappingPath + "?version=2":             "404 no_mapping",
		mappingPath + "?version=0":             "400 bad_parameter",
		mappingPath + "?version=":              "400 bad_parameter",
		mappingPath + "?version=-1":            "400 bad_parameter",
		mappingPath + "?version=9999999999":    "400 bad_parameter",
		mappingPath + "?format=adjust":         "400 unknown_format",
		mappingPath + "/lost?format=x":         "400 unknown_format",
		mappingPath + "/history?format=x":      "400 unknown_format",
		mappingPath + "?form=csv":              "400 unknown_parameter",
		mappingPath + "?format=csv&format=x":   "400 bad_parameter",
		mappingPath + "/history?cursor=x":      "400 bad_cursor",
		mappingPath + "/history?cursor=0":      "400 bad_cursor",
		mappingPath + "/history?limit=0":       "400 bad_parameter",
		"/v1/apps/0/schema":                    "400 bad_parameter",
		"/v1/apps/-5/schema":                   "400 bad_parameter",
		"/v1/apps/puzzle/schema":               "400 bad_parameter",
		"/v1/apps/99999999999999999999/schema": "400 bad_parameter",
	} {
		require.Equal(t, want, code(t, b.get(path)), path)
	}
	require.Equal(t, b.get("/v1/apps/1/schema").body, b.get("/v1/apps/77/schema").body, "an app without a mapping is as good as none")
	a := b.get(mappingPath + "?format=adjust")
	for _, name := range append([]string{"native"}, format.Names()...) {
		require.Contains(t, a.at(t, "detail"), name)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		a := b.send(b.public, method, mappingPath, "", nil)
		require.Equal(t, "405 GET, HEAD", fmt.Sprint(a.status, " ", a.header.Get("Allow")))
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	}
}

func TestMappingHistory(t *testing.T) {
	t.Parallel()
	b := withMappings(t)
	for i := range 5 {
		b.publish(fmt.Sprint("version ", i+1), nil)
		b.now.Advance(time.Hour)
	}
	a := b.get(mappingPath + "/history?limit=2")
	require.JSONEq(t, fmt.Sprintf(`{"data":[
		{"version":5,"effective_from":"2026-11-02T13:00:00Z","adopted_by":"2026-11-03T13:00:00Z","published_at":"2026-11-02T13:00:00Z","url":"%[1]s?version=5"},
		{"version":4,"effective_from":"2026-11-02T12:00:00Z","adopted_by":"2026-11-03T12:00:00Z","published_at":"2026-11-02T12:00:00Z","url":"%[1]s?version=4"}],
		"next_cursor":"4"}`, mappingPath), a.body)
	var seen []string
	for cursor := ""; ; {
		var page struct {
			Data []struct{ URL string }
			Next *string `json:"next_cursor"`
		}
		a := b.get(mappingPath + "/history?format=csv&limit=2" + cursor)
		require.NoError(t, json.Unmarshal([]byte(a.body), &page), a.body)
		for _, line := range page.Data {
			one := b.get(line.URL)
			require.Equal(t, 200, one.status)
			require.Equal(t, format.ContentType("csv"), one.header.Get("Content-Type"))
			seen = append(seen, one.header.Get("Skand-Version"))
		}
		if page.Next == nil {
			break
		}
		cursor = "&cursor=" + *page.Next
	}
	require.Equal(t, "5 4 3 2 1", strings.Join(seen, " "))
}

// Who published, and why, is not for everybody.
func TestMappingNamesNobody(t *testing.T) {
	t.Parallel()
	b := withMappings(t)
	b.publish("one", nil)
	for _, path := range []string{mappingPath, mappingPath + "/history", mappingPath + "/lost?format=csv", mappingPath + "?format=adjust-v3"} {
		a := b.get(path)
		require.Equal(t, 200, a.status)
		require.NotContains(t, a.body+fmt.Sprint(a.header), "nobody's business")
		require.NotContains(t, a.body, "published_by")
		require.NotContains(t, a.body, "why")
	}
}
