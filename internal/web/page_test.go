package web_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/internal/apply"
	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/store/storetest"
	"skand/internal/web"
)

// sited gives a bundle's pages what arrived.
func sited(b *testBundle) *testBundle {
	b.adminParts.Site = &web.Site{Arrivals: b.store, PublicURL: "https://example.com"}
	return b
}

// pageNetwork is the network of b.signed.
const pageNetwork = "example123.skadnetwork"

var (
	scripts = regexp.MustCompile(`(?s)<script.*?</script>|<[^>]+>`)
	blanks  = regexp.MustCompile(`\s+`)
)

// words is a page without its tags.
func words(page string) string {
	return blanks.ReplaceAllString(scripts.ReplaceAllString(page, " "), " ")
}

// main is the part of a page that is its own.
func mainPart(t *testing.T, page string) string {
	t.Helper()
	_, part, ok := strings.Cut(page, "<main")
	require.True(t, ok, page)
	return part
}

// TestViewerLearnsOnlyBuckets: of two stores whose open counts lie in the same buckets a
// viewer sees the same page, to the last byte; an operator does not.
func TestViewerLearnsOnlyBuckets(t *testing.T) {
	t.Parallel()
	pages := map[string][2]string{}
	for i, counts := range [][2]int{{22, 3}, {57, 9}} {
		b := sited(setup(t))
		_, err := b.store.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: fixtures.PuzzleAppID, Name: "Puzzle"}}}, "test", false)
		require.NoError(t, err)
		for day, n := range counts {
			for range n {
				body := b.signed(func(*apple.Postback) {})
				require.Equal(t, 200, b.post(developerPath, "", body).status)
				if n == counts[1] {
					forged := strings.Replace(body, `"did-win":true`, `"did-win":false`, 1)
					require.Equal(t, 200, b.post(networkPath, "", forged).status)
				}
			}
			if day == 0 {
				b.now.Advance(24 * time.Hour)
			}
		}
		_, err = b.store.CountArrivals(t.Context())
		require.NoError(t, err)
		for _, path := range []string{"/", "/?by=version", "/?by=network&days=30", "/?by=source", "/?by=framework&days=90"} {
			for _, role := range []string{"viewer", "operator"} {
				a := b.ask("GET", path, role, "")
				require.Equal(t, 200, a.status, a.body)
				two := pages[role+path]
				two[i] = mainPart(t, a.body)
				pages[role+path] = two
			}
		}
	}
	for name, two := range pages {
		if strings.HasPrefix(name, "viewer") {
			require.Equal(t, two[0], two[1], name)
			require.Contains(t, words(two[0]), "20 or more")
			require.Contains(t, words(two[0]), "fewer than 20")
			require.NotContains(t, two[0], "data-chart")
		} else {
			require.NotEqual(t, two[0], two[1], name)
			require.Contains(t, two[0], "data-chart")
		}
	}
}

// TestNewcomerIsToldTheNextStep: and once something is there, no more.
func TestNewcomerIsToldTheNextStep(t *testing.T) {
	t.Parallel()
	b := sited(setup(t))
	for _, role := range []string{"viewer", "operator"} {
		page := b.ask("GET", "/", role, "").body
		for _, want := range []string{"NSAdvertisingAttributionReportEndpoint", "AttributionCopyEndpoint", "https://example.com", "Nothing has arrived yet"} {
			require.Contains(t, page, want)
		}
		require.NotContains(t, page, `action="/endpoint"`, "nothing can be tried here")
	}
	require.Equal(t, 200, b.post(developerPath, "", b.signed(func(*apple.Postback) {})).status)
	_, err := b.store.CountArrivals(t.Context())
	require.NoError(t, err)
	require.NotContains(t, b.ask("GET", "/", "viewer", "").body, "Nothing has arrived yet")
}

// line is the figures of a page's table, by the names of its lines.
func figuresOf(page string) map[string][]string {
	out := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?s)<tr><th scope="row">(.*?)</th>(.*?)</tr>`).FindAllStringSubmatch(page, -1) {
		name := strings.TrimSpace(words(row[1]))
		for _, cell := range regexp.MustCompile(`(?s)<td class="n( [a-z]+)?"[^>]*>(.*?)</td>`).FindAllStringSubmatch(row[2], -1) {
			v := strings.TrimSpace(cell[1])
			if m := regexp.MustCompile(`<data value="([^"]*)"`).FindStringSubmatch(cell[2]); m != nil {
				v = m[1]
			}
			out[name] = append(out[name], v)
		}
	}
	return out
}

// TestCohortsFileIsThePage: the CSV file of a view has its lines, in its order, with its
// figures; what the page withholds is an empty cell; and the SQL beside it gives the same.
func TestCohortsFileIsThePage(t *testing.T) {
	t.Parallel()
	main := storetest.New(t)
	b := sited(publishedOn(t, main))
	query := fmt.Sprintf("app=%d&level=campaign&sort=name", fixtures.PuzzleAppID)
	page := b.ask("GET", "/cohorts?"+query, "viewer", "")
	require.Equal(t, 200, page.status, page.body)
	require.Contains(t, words(page.body), "withheld")
	shown := figuresOf(page.body)
	require.Equal(t, []string{"42", "none", "18", "withheld", "none", "withheld", "none"}, replaceShares(shown["39 "+pageNetwork]), "%v", shown)

	link := regexp.MustCompile(`href="(/cohorts/export\?[^"]*format=csv[^"]*)"`).FindStringSubmatch(page.body)
	require.NotNil(t, link)
	file := b.ask("GET", strings.ReplaceAll(link[1], "&amp;", "&"), "viewer", "")
	require.Equal(t, "text/csv; charset=utf-8", file.header.Get("Content-Type"))
	require.Contains(t, file.header.Get("Content-Disposition"), "cohorts-525463029-campaign-2026-11-02-2026-11-08.csv")
	table, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	require.NoError(t, err)
	at := map[string]int{}
	for i, name := range table[0] {
		at[name] = i
	}
	require.Len(t, table, 3)
	for _, row := range table[1:] {
		cells := shown[row[at["name"]]+" "+row[at["network_id"]]]
		require.NotEmpty(t, cells, row)
		require.Equal(t, row[at["installs"]], cells[0])
		for column, name := range map[int]string{3: "payers", 5: "revenue_est"} {
			want := row[at[name]]
			if want == "" {
				want = "withheld"
				require.Equal(t, "1", row[at[name+"_withheld_rows"]])
			}
			require.Equal(t, want, cells[column], name)
		}
	}
	require.Equal(t, 200, b.ask("GET", strings.ReplaceAll(strings.Replace(link[1], "csv", "parquet", 1), "&amp;", "&"), "viewer", "").status)

	sqlite, err := exec.LookPath("sqlite3")
	if err != nil {
		return // the program that the documentation names is not on this machine
	}
	text := regexp.MustCompile(`(?s)<pre id="sql"[^>]*><code>(.*?)</code>`).FindStringSubmatch(page.body)[1]
	text = strings.NewReplacer("&#39;", "'", "&lt;", "<", "&gt;", ">", "bi.", "").Replace(text)
	out, err := exec.CommandContext(t.Context(), sqlite, "-csv", "-header", strings.TrimPrefix(main, "sqlite:")+"/published.db", text).CombinedOutput()
	require.NoError(t, err, "%s", out)
	asked, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	require.NoError(t, err)
	require.Len(t, asked, 3)
	byName := map[string]int{}
	for i, name := range asked[0] {
		byName[name] = i
	}
	for _, row := range asked[1:] {
		for _, other := range table[1:] {
			if other[at["source_2"]] == row[byName["source_2"]] {
				for _, name := range []string{"installs", "rows", "payers", "payers_withheld_rows", "null_installs"} {
					require.Equal(t, other[at[name]], row[byName[name]], name)
				}
			}
		}
	}
}

// replaceShares leaves out what a share is of.
func replaceShares(cells []string) []string {
	if len(cells) > 2 {
		cells[2] = regexp.MustCompile(`^\d+$`).ReplaceAllString(cells[2], "18")
	}
	return cells
}

// TestCohortsDrill: every link of the page leads to a page that has what it says, and all
// of the state is in the address.
func TestCohortsDrill(t *testing.T) {
	t.Parallel()
	b := sited(published(t))
	seen, queue := map[string]bool{}, []string{"/cohorts"}
	for len(queue) > 0 && len(seen) < 300 {
		path := queue[0]
		queue = queue[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		a := b.ask("GET", path, "viewer", "")
		require.Equal(t, 200, a.status, "%s: %s", path, a.body)
		if strings.HasPrefix(path, "/cohorts/export") || strings.HasPrefix(path, "/v1/") {
			continue
		}
		require.Equal(t, mainPart(t, a.body), mainPart(t, b.ask("GET", path, "viewer", "").body), "the same address, the same page")
		for _, m := range regexp.MustCompile(`href="(/cohorts[^"]*)"`).FindAllStringSubmatch(a.body, -1) {
			queue = append(queue, strings.ReplaceAll(m[1], "&amp;", "&"))
		}
	}
	require.Greater(t, len(seen), 40)
	drilled := words(b.ask("GET", "/cohorts?network="+pageNetwork+"&source=77", "viewer", "").body)
	require.Contains(t, drilled, "12")
	require.NotContains(t, drilled, "39 ")
}

func TestPagesRefuseWhatTheyCantRead(t *testing.T) {
	t.Parallel()
	b := sited(published(t))
	for path, want := range map[string]int{
		"/?by=body": 400, "/?days=13": 400, "/?app=x": 400, "/?x=1": 400, "/?app=1&app=2": 400,
		"/cohorts?dataset=nothing": 400, "/cohorts?dataset=0": 400, "/cohorts?dataset=525463029.0.install.production": 400, "/cohorts?from=yesterday": 400, "/cohorts?source=39": 400,
		"/cohorts?sort=nothing": 400, "/cohorts?level=app": 400, "/cohorts?tab=x": 400, "/cohorts/export": 400, "/cohorts/export?format=json": 400,
		"/cohorts?from=2026-11-09&until=2026-11-02": 200, // said on the page, as people get there by picking days
		"/cohorts?from=2020-01-01&until=2026-11-02": 200, "/cohorts?network=nobody": 200, "/cohorts?app=77": 200,
	} {
		a := b.ask("GET", path, "viewer", "")
		require.Equal(t, want, a.status, path)
		require.Equal(t, "text/html; charset=utf-8", a.header.Get("Content-Type"), path)
		require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'", path)
	}
	require.Equal(t, 303, b.send(b.admin, http.MethodGet, "/cohorts", "", nil).status/100*100+3, "or it says who may")
	require.Equal(t, 403, b.ask("POST", "/endpoint", "viewer", url.Values{"endpoint": {"https://example.com"}}.Encode()).status)
}

// TestGrantsBoundPages: who may see one app sees nothing of another on any page.
func TestGrantsBoundPages(t *testing.T) {
	t.Parallel()
	b := sited(published(t))
	_, err := b.store.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: 7, Name: "Other"}}}, "test", false)
	require.NoError(t, err)
	_, err = b.store.CountArrivals(t.Context())
	require.NoError(t, err)
	b.token("of seven", auth.Token{Role: auth.Operator, Apps: []int64{7}})
	for _, path := range []string{"/", "/?by=network", "/cohorts", "/cohorts?tab=combined"} {
		a := b.ask("GET", path, "of seven", "")
		require.Equal(t, 200, a.status, path)
		require.NotContains(t, a.body, fmt.Sprint(fixtures.PuzzleAppID), path)
		require.NotContains(t, a.body, pageNetwork, path)
		require.Contains(t, a.body, "Other")
	}
	for _, path := range []string{"/?app=525463029", "/cohorts?app=525463029", "/cohorts/export?app=525463029&format=csv"} {
		require.Equal(t, 403, b.ask("GET", path, "of seven", "").status, path)
	}
}

// TestOverviewSaysWhatIsBroken: a part that can't be read is named, the rest is there.
func TestOverviewSaysWhatIsBroken(t *testing.T) {
	t.Parallel()
	b := sited(published(t))
	b.adminParts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	b.adminParts.Site.Arrivals = brokenArrivals{b.store}
	page := words(b.ask("GET", "/", "operator", "").body)
	require.Contains(t, page, "What arrived could not be read")
	require.Contains(t, page, "2 – 8 Nov 2026")
	require.NotContains(t, page, "boom")
}

type brokenArrivals struct{ web.ArrivalReader }

func (brokenArrivals) Arrivals(context.Context, string, []int64, time.Time, time.Time) ([]store.Arrival, error) {
	return nil, errors.New("boom: /var/lib/skand")
}
