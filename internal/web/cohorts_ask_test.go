package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/store"
)

// TestCohortPagesAreTheWhole, of rows and of sums.
func TestCohortPagesAreTheWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		month(t, s)
		for _, query := range []string{"", "&network=a.skadnetwork", "&group=network,week,level", "&group=dataset"} {
			lines := strings.Split(strings.TrimSpace(b.ask("GET", "/v1/cohorts?format=ndjson"+query, "viewer", "").body), "\n")
			for _, size := range []int{5, 12, len(lines), 10000} {
				var all []string
				for cursor, pages := "", 0; ; pages++ {
					require.LessOrEqual(t, pages, len(lines))
					a := b.ask("GET", fmt.Sprintf("/v1/cohorts?limit=%d&cursor=%s%s", size, cursor, query), "viewer", "")
					require.Equal(t, 200, a.status, a.body)
					data, _, ok := strings.Cut(strings.TrimPrefix(a.body, `{"data":[`), "\n],")
					require.True(t, ok)
					all = append(all, strings.Split(strings.TrimPrefix(data, "\n"), ",\n")...)
					require.NotEmpty(t, a.at(t, "releases"))
					if cursor, ok = a.at(t, "next_cursor").(string); cursor == "" {
						require.True(t, ok)
						break
					}
				}
				require.Equal(t, lines, all, "%s by %d", query, size)
			}
		}
		one := b.ask("GET", "/v1/cohorts?limit=1", "viewer", "")
		require.Equal(t, 1, strings.Count(one.body, `"sealed_at"`), "the releases of this page")
		three := b.ask("GET", "/v1/cohorts?limit=3&format=csv", "viewer", "")
		require.Equal(t, 4, strings.Count(three.body, "\n"))

		// Sums of more releases are other sums: their cursor has ended.
		next := fmt.Sprint(b.ask("GET", "/v1/cohorts?group=week&limit=2", "viewer", "").at(t, "next_cursor"))
		require.NoError(t, s.Publish(t.Context(), weekOf(9, aggregate.Row{Level: aggregate.LevelTotal, Installs: 20})))
		for _, query := range []string{"group=week", "group=month", "group=week&app=8"} {
			a := b.ask("GET", "/v1/cohorts?limit=2&"+query+"&cursor="+next, "viewer", "")
			require.Equal(t, "400 bad_cursor cursor", fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "field")))
		}
	})
}

// TestCohortsAreFetchedOnce: the tag holds until something is published in range.
func TestCohortsAreFetchedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		month(t, s)
		tags := map[string]string{}
		get := func(query string, headers ...string) answer {
			return b.send(b.admin, "GET", "/v1/cohorts?"+query, "viewer", strings.NewReader(""), headers...)
		}
		queries := []string{
			"", "app=7", "app=8", "format=csv", "format=parquet", "group=week", "group=month", "limit=9", "from=2026-11-09",
			"to=2026-11-10", "dataset=0", "dataset=install", "level=src2", "network=a.skadnetwork", "format=csv&limit=9",
		}
		for _, query := range queries {
			a := get(query)
			tag := a.header.Get("ETag")
			require.Regexp(t, `^"[0-9a-f]{24}"$`, tag)
			require.NotContains(t, tags, tag, "%s and %s", query, tags[tag])
			tags[tag] = query
			for _, known := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
				same := get(query, "If-None-Match", known)
				require.Equal(t, "304 ", fmt.Sprint(same.status, " ", same.body))
				require.Equal(t, tag, same.header.Get("ETag"))
			}
			require.Equal(t, a.body, get(query, "If-None-Match", `"x"`).body)
			head := b.send(b.admin, "HEAD", "/v1/cohorts?"+query, "viewer", nil)
			require.Equal(t, "200 ", fmt.Sprint(head.status, " ", head.body))
			for _, name := range []string{"ETag", "Content-Type", "Content-Disposition", "Skand-Releases", "Skand-Sealed-At", "Skand-Lab", "Link"} {
				require.Equal(t, a.header.Get(name), head.header.Get(name), name)
			}
		}
		require.Equal(t, "5 2026-12-07T00:00:00Z true", told(get("")))
		require.Equal(t, "0  ", told(get("app=8")))
		require.Equal(t, `</v1/releases?app=7>; rel="describedby"`, get("app=7").header.Get("Link"))
		require.NoError(t, s.Publish(t.Context(), weekOf(9, aggregate.Row{Level: aggregate.LevelTotal, Installs: 20})))
		for tag, query := range tags {
			status := 200
			if query == "app=8" || query == "to=2026-11-10" { // out of their range
				status = 304
			}
			require.Equal(t, status, get(query, "If-None-Match", tag).status, query)
		}
	})
}

func told(a answer) string {
	return a.header.Get("Skand-Releases") + " " + a.header.Get("Skand-Sealed-At") + " " + a.header.Get("Skand-Lab")
}

// TestCohortsAreNegotiated: format= says it, or else Accept.
func TestCohortsAreNegotiated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "application/*": "application/json",
		"text/csv": "text/csv; charset=utf-8", "text/*": "text/csv; charset=utf-8", "*/*, text/csv": "text/csv; charset=utf-8",
		"TEXT/CSV;q=0.5": "text/csv; charset=utf-8", "application/json;q=0.4, text/csv;q=0.5": "text/csv; charset=utf-8",
		"application/vnd.apache.parquet, application/json;q=0.9": "application/vnd.apache.parquet",
		"application/x-ndjson": "application/x-ndjson", "application/jsonl": "application/x-ndjson",
		"text/html, application/xhtml+xml, */*;q=0.8": "application/json",
		"*/*, application/json;q=0":                   "text/csv; charset=utf-8",
		"text/html":                                   "406", "application/json;q=0": "406", ";;;": "406",
	} {
		a := b.send(b.admin, "GET", "/v1/cohorts", "viewer", nil, "Accept", accept)
		require.Equal(t, "Accept", a.header.Get("Vary"))
		if want == "406" {
			require.Equal(t, "406 not_acceptable", fmt.Sprint(a.status, " ", a.at(t, "code")), accept)
			continue
		}
		require.Equal(t, want, a.header.Get("Content-Type"), accept)
		named := b.send(b.admin, "GET", "/v1/cohorts?format=ndjson", "viewer", nil, "Accept", accept)
		require.Equal(t, "application/x-ndjson", named.header.Get("Content-Type"))
		require.Empty(t, named.header.Get("Vary"))
	}
	for query, want := range map[string]string{
		"": `inline; filename="cohorts.json"`, "?format=csv": `attachment; filename="cohorts.csv"`,
		"?app=7&from=2026-11-02&to=2026-12-01T00:00:00Z&format=parquet": `attachment; filename="cohorts-7-2026-11-02-2026-12-01.parquet"`,
	} {
		require.Equal(t, want, b.ask("GET", "/v1/cohorts"+query, "viewer", "").header.Get("Content-Disposition"))
	}
}

// TestCohortCellsAreHarmless: a network's id is a stranger's text.
func TestCohortCellsAreHarmless(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, id := range []string{"=1+1", "+1", "-1", "@sum(a1)", "\tx", "'quoted", "＝1", "plain", "a=b"} {
		require.NoError(t, b.store.Publish(t.Context(), weekOf(i, aggregate.Row{Level: aggregate.LevelNetwork, NetworkID: id, Installs: 20})))
	}
	table, _ := answers(t, b, "")
	text := b.ask("GET", "/v1/cohorts?format=csv", "viewer", "").body
	at := indexOf(t, table[0], "network_id")
	for i, id := range []string{"=1+1", "+1", "-1", "@sum(a1)", "\tx", "'quoted", "＝1", "plain", "a=b"} {
		quote := ",'"
		if i >= 7 {
			quote = ","
		}
		require.Contains(t, text, quote+id)
		if id != "'quoted" {
			require.Equal(t, id, table[1+i][at])
		}
	}
}
