package web_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/internal/store"
)

// modeledWeek is a base release of two networks, and its model: estimates are the week's
// number and a half more than what was seen.
func modeledWeek(week int) (base, release aggregate.Release) {
	base = weekOf(week,
		aggregate.Row{Level: aggregate.LevelSrc2, NetworkID: "a.skadnetwork", IDKind: aggregate.IDSource, Source2: "39", Installs: 40, FineInstalls: known(30), Payers: known(10), RevenueEst: amount("50.5")},
		aggregate.Row{Level: aggregate.LevelOther, NetworkID: "a.skadnetwork", Installs: 25, FineInstalls: known(20)},
		aggregate.Row{Level: aggregate.LevelNetwork, NetworkID: "a/b.net", Installs: 60, FineInstalls: known(20), Payers: known(8), RevenueEst: amount("31")},
		aggregate.Row{Level: aggregate.LevelOther, Installs: 31, FineInstalls: known(20)},
	)
	base.View = aggregate.ViewCohort
	base.ID = aggregate.ReleaseID(base.Dataset, base.Window, base.View, base.Kind, 0)
	release = base.Line()
	release.Kind, release.ModelVersion, release.Coverage, release.SealedAt = aggregate.ReleaseModel, 1, 0.9, base.SealedAt.Add(time.Hour)
	release.ID = aggregate.ReleaseID(base.Dataset, base.Window, base.View, release.Kind, 1)
	for i, row := range base.Rows {
		for _, m := range []string{aggregate.MetricNamePayers, aggregate.MetricNameRevenue, aggregate.MetricNameEvent} {
			event := map[bool]string{true: "level_10"}[m == aggregate.MetricNameEvent]
			release.Modeled = append(release.Modeled, aggregate.ModeledRow{Key: row.Key(), Modeled: numberOf(m, event, float64(10*i+week)+0.5)})
		}
	}
	return base, release
}

// numberOf is a modelled number with bounds of two either way.
func numberOf(metric, event string, estimate float64) aggregate.Modeled {
	e := decimal.NewFromFloat(estimate)
	low, high := e.Sub(decimal.NewFromInt(2)), e.Add(decimal.NewFromInt(2))
	return aggregate.Modeled{Metric: metric, EventName: event, Signal: aggregate.SignalYes, Estimate: &e, Low: &low, High: &high}
}

// modeledMonth publishes four weeks from the second of November on, with their model, but of the last;
// the roll-ups are numbers of their own, so that nobody can have added them up.
func modeledMonth(t *testing.T, s *store.Store) {
	t.Helper()
	for week := range 4 {
		base, release := modeledWeek(week)
		require.NoError(t, s.Publish(t.Context(), base))
		if week == 3 {
			continue
		}
		for i, node := range []string{"", "a.skadnetwork", "a%2Fb.net", "a.skadnetwork/39"} {
			level := []string{aggregate.RollupApp, aggregate.RollupNetwork, aggregate.RollupNetwork, aggregate.RollupSrc2}[i]
			for _, m := range []string{aggregate.MetricNamePayers, aggregate.MetricNameRevenue} {
				release.Rollups = append(release.Rollups, aggregate.ModeledRollup{
					Level: level, Node: node, Period: aggregate.PeriodWeek, PeriodStart: base.WindowStart, Windows: 1,
					Modeled: numberOf(m, "", float64(100*(i+1)+week)),
				})
			}
		}
		release.Checks = []aggregate.ModelCheck{{
			Test: aggregate.CheckAll, Level: "campaign", Metric: aggregate.MetricNamePayers, Hidden: 12, Intervals: 10, Covered: 9, Below: 1,
			Error: amount("0.2"), Note: model.BackTestSays,
		}}
		release.Explained = []aggregate.ModelExplanation{{
			Key: base.Rows[0].Key(), Metrics: []string{"payers", "revenue", "level_10"},
			Explanation: model.Explanation{Installs: 40, Parts: []model.ExplainedPart{
				{Part: model.PartSeen, Installs: 30, Amounts: []float64{9, 40, 3}, Observed: []bool{true, true, false}},
				{Part: model.PartNull, Installs: 10, Amounts: []float64{3, 10, 0}, Observed: []bool{false, false, false}},
			}, Sentences: []string{"Of 40 installs 30 have a fine value."}},
		}}
		require.NoError(t, s.Publish(t.Context(), release))
	}
}

// everyFormat asks any path for CSV, and sees that JSON, NDJSON and Parquet say the same.
func everyFormat(t *testing.T, b *testBundle, path string) [][]string {
	t.Helper()
	ask := func(format string) string {
		a := b.ask("GET", path+"&limit=10000&format="+format, "viewer", "")
		require.Equal(t, 200, a.status, a.body)
		return a.body
	}
	table, err := csv.NewReader(strings.NewReader(ask("csv"))).ReadAll()
	require.NoError(t, err)
	var page struct {
		Data []json.RawMessage `json:"data"`
		Next *string           `json:"next_cursor"`
	}
	require.NoError(t, json.Unmarshal([]byte(ask("json")), &page))
	require.Nil(t, page.Next)
	require.Len(t, table, 1+len(page.Data))
	lines := strings.SplitAfter(ask("ndjson"), "\n")
	for i, raw := range page.Data {
		require.Equal(t, string(raw)+"\n", lines[i])
		require.Equal(t, table[1+i], members(t, raw, table[0]))
	}
	require.Equal(t, table, columns(t, ask("parquet")))
	return table
}

// cells are the named cells of each row of a table.
func cells(t *testing.T, table [][]string, names ...string) (out []string) {
	t.Helper()
	for _, row := range table[1:] {
		var line []string
		for _, name := range names {
			line = append(line, row[indexOf(t, table[0], name)])
		}
		out = append(out, strings.Join(line, " "))
	}
	return out
}

// TestModeledRows: a line for each row and metric, of the newest version of each window,
// the same in every format, on both databases.
func TestModeledRows(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		modeledMonth(t, s)
		table := everyFormat(t, b, "/v1/modeled?app=7")
		require.Len(t, table, 1+3*4*3)
		base, _ := modeledWeek(0)
		require.Equal(t, base.ID+"/a.skadnetwork/39", cells(t, table, "row_id")[3], "after a%2Fb.net, by bytes")
		require.Equal(t, []string{
			"a.skadnetwork 39 src2 40 payers  yes 0.5 -1.5 2.5 0.9  1", "a.skadnetwork 39 src2 40 revenue  yes 0.5 -1.5 2.5 0.9 USD 1",
			"a.skadnetwork 39 src2 40 event level_10 yes 0.5 -1.5 2.5 0.9  1",
		}, cells(t, table, "network_id", "source_2", "level", "installs", "metric", "event_name", "signal", "estimate", "low", "high", "interval", "currency", "model_version")[3:6])

		second, release := modeledWeek(0)
		release.ModelVersion, release.Modeled = 2, release.Modeled[:1]
		release.ID = aggregate.ReleaseID(second.Dataset, second.Window, second.View, aggregate.ReleaseModel, 2)
		require.NoError(t, s.Publish(t.Context(), release))
		require.Equal(t, []string{"2", "1", "1"}, cells(t, everyFormat(t, b, "/v1/modeled?app=7&level=src2&metric=payers"), "model_version"))
		require.Len(t, everyFormat(t, b, "/v1/modeled?network=A/b.net&event=level_10"), 1+2)
		require.Len(t, everyFormat(t, b, "/v1/modeled?from=2026-11-09&to=2026-11-16"), 1+12)
		for _, none := range []string{"app=8", "dataset=1.install.production", "dataset=0.install.development", "event=none", "from=2026-11-23"} {
			require.Len(t, everyFormat(t, b, "/v1/modeled?"+none), 1, none)
		}
	})
}

// TestModeledRollups: groups are the roll-ups that were published, and never sums.
func TestModeledRollups(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		modeledMonth(t, s)
		require.Equal(t, []string{"app  100", "app  101", "app  102"},
			cells(t, everyFormat(t, b, "/v1/modeled?group=week&metric=payers"), "level", "node", "estimate"))
		require.Equal(t, []string{"network a%2Fb.net 301", "network a.skadnetwork 201"},
			cells(t, everyFormat(t, b, "/v1/modeled?group=week,network&metric=revenue&from=2026-11-09&to=2026-11-16"), "level", "node", "estimate"))
		require.Equal(t, []string{"a.skadnetwork/39 2026-11-02T00:00:00Z 1 400"},
			cells(t, everyFormat(t, b, "/v1/modeled?group=source_2,network,week&metric=payers&to=2026-11-09&network=a.skadnetwork"), "node", "period_start", "windows", "estimate"))
		require.Len(t, everyFormat(t, b, "/v1/modeled?group=week,network&network=a.skad"), 1, "a network is not what its name begins with")
		require.Len(t, everyFormat(t, b, "/v1/modeled?group=month"), 1, "no month is over")

		_, release := modeledWeek(0)
		release.ModelVersion = 2
		release.ID = strings.Replace(release.ID, ".model.1", ".model.2", 1)
		release.Rollups = []aggregate.ModeledRollup{{
			Level: aggregate.RollupApp, Period: aggregate.PeriodWeek, PeriodStart: release.WindowStart, Windows: 1, Modeled: numberOf("payers", "", 999),
		}}
		release.Modeled = nil
		require.NoError(t, s.Publish(t.Context(), release))
		require.Equal(t, []string{"999 2", "101 1", "102 1"}, cells(t, everyFormat(t, b, "/v1/modeled?group=week&metric=payers"), "estimate", "model_version"))
	})
}

// TestModeledRefusesSumsOfBounds: what was not published as a roll-up is refused with the
// reason, and parameters are as strict as those of cohorts.
func TestModeledRefusesSumsOfBounds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for query, want := range map[string]string{
		"modeled?group=network": "group", "modeled?group=source_2,week": "group", "modeled?group=week,month": "group", "modeled?group=level,week": "group",
		"modeled?group=schema_versions,week": "group", "modeled?group=week&level=src2": "level", "modeled?group=week&network=n": "network",
		"cohorts?modeled=true&group=network": "group", "cohorts?modeled=true&group=week&level=src2": "level",
		"cohorts?modeled=true&group=week&network=n": "network", "cohorts?modeled=true&group=week&from=2026-11-03": "from",
		"cohorts?modeled=true&group=month&to=2026-11-02": "from", "cohorts?modeled=true&group=week&from=2026-11-02T01:00:00Z": "from",
	} {
		a := b.ask("GET", "/v1/"+query, "viewer", "")
		require.Equal(t, "422 bounds_do_not_add "+want, fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "field")), query)
		require.Contains(t, a.at(t, "detail"), "bounds", query)
	}
	for query, want := range map[string]string{
		"modeled?x=1": "unknown_parameter x", "modeled?metric=installs": "bad_parameter metric", "modeled?event=": "bad_parameter event", "modeled?metric=payers&event=a": "bad_parameter event",
		"modeled?app=x": "bad_parameter app", "modeled?level=app": "bad_parameter level", "modeled?cursor=x": "bad_cursor cursor", "modeled?limit=0": "bad_parameter limit",
		"modeled?format=xml": "bad_parameter format", "modeled?group=day": "bad_parameter group", "modeled:check?level=src2": "bad_parameter level", "modeled:check?network=n": "unknown_parameter network",
		"cohorts?modeled=yes": "bad_parameter modeled", "cohorts?modeled=": "bad_parameter modeled", "cohorts?events=a": "bad_parameter events",
		"cohorts?modeled=true&events=": "bad_parameter events", "cohorts?modeled=true&events=a,a": "bad_parameter events",
	} {
		a := b.ask("GET", "/v1/"+query, "viewer", "")
		require.Equal(t, "400 "+want, fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "field")), query)
	}
	require.Equal(t, 200, b.ask("GET", "/v1/cohorts?modeled=true&group=week,network&network=n&from=2026-11-02&to=2026-11-16", "viewer", "").status)
}

// TestModeledPages: pages of one list hold each line once; what is published meanwhile
// ends them.
func TestModeledPages(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		modeledMonth(t, s)
		for _, path := range []string{"/v1/modeled?app=7", "/v1/modeled?group=week,network", "/v1/modeled:check?app=7", "/v1/cohorts?modeled=true&group=week,network"} {
			whole := b.ask("GET", path, "viewer", "").at(t, "data").([]any)
			var pages []any
			cursor := ""
			for {
				a := b.ask("GET", path+"&limit=2&cursor="+cursor, "viewer", "")
				require.Equal(t, http.StatusOK, a.status, a.body)
				pages = append(pages, a.at(t, "data").([]any)...)
				if cursor = fmt.Sprint(a.at(t, "next_cursor")); cursor == "" {
					break
				}
			}
			require.Equal(t, whole, pages, path)
		}
		first := b.ask("GET", "/v1/modeled?app=7&limit=2", "viewer", "")
		tag := first.header.Get("ETag")
		again := func() answer {
			return b.send(b.admin, "GET", "/v1/modeled?app=7&limit=2", b.tokens["viewer"], nil, "If-None-Match", tag)
		}
		require.Equal(t, http.StatusNotModified, again().status)
		_, last := modeledWeek(3)
		require.NoError(t, s.Publish(t.Context(), last))
		require.Equal(t, http.StatusOK, again().status)
		a := b.ask("GET", "/v1/modeled?app=7&limit=2&cursor="+fmt.Sprint(first.at(t, "next_cursor")), "viewer", "")
		require.Equal(t, "400 bad_cursor", fmt.Sprint(a.status, " ", a.at(t, "code")))
		require.Equal(t, 200, b.send(b.admin, "HEAD", "/v1/modeled?app=7", b.tokens["viewer"], nil).status)
	})
}

// TestModelChecked: back-tests, with what they can't tell.
func TestModelChecked(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		modeledMonth(t, s)
		table := everyFormat(t, b, "/v1/modeled:check?app=7")
		require.Equal(t, "all campaign payers 12 10 9 1 0 0.9 0.2  0.9", cells(t, table, "test", "level", "metric", "hidden", "intervals", "covered",
			"truths_below", "truths_above", "coverage", "error", "bias", "interval")[0])
		require.Equal(t, model.BackTestSays, cells(t, table, "note")[0])
		require.Len(t, table, 1+3)
		require.Len(t, everyFormat(t, b, "/v1/modeled:check?level=cell"), 1)
	})
}

// TestModeledExplained: how much was seen, how much inferred, and sentences for people.
func TestModeledExplained(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		b.adminParts.Explainer = s
		modeledMonth(t, s)
		base, _ := modeledWeek(0)
		explain := func(row string) answer {
			return b.ask("GET", "/v1/modeled/"+url.PathEscape(row)+"/explain", "viewer", "")
		}
		a := explain(base.ID + "/a.skadnetwork/39")
		require.Equal(t, 200, a.status, a.body)
		require.Equal(t, []any{"Of 40 installs 30 have a fine value."}, a.at(t, "sentences"))
		require.Equal(t, base.ID+"/a.skadnetwork/39", a.at(t, "row_id"))
		require.Equal(t, "USD", a.at(t, "currency"))
		var shares []string
		for _, n := range a.at(t, "numbers").([]any) {
			m := n.(map[string]any)
			shares = append(shares, fmt.Sprint(m["metric"], m["event_name"], " ", m["estimate"], " ", m["seen_share"]))
		}
		require.Equal(t, []string{"payers 0.5 0.75", "revenue 0.5 0.8", "eventlevel_10 0.5 1"}, shares)
		require.Len(t, a.at(t, "explanation", "parts"), 2)

		escaped := explain(base.ID + "/a%2Fb.net")
		require.Equal(t, 200, escaped.status, escaped.body)
		require.Empty(t, escaped.at(t, "explanation"))
		require.NotEmpty(t, escaped.at(t, "sentences"))
		for _, none := range []string{"nothing", base.ID + "/a.skadnetwork", base.ID + "/a.skadnetwork/39\x00", "%"} {
			require.Equal(t, "404 not_modeled", fmt.Sprint(explain(none).status, " ", explain(none).at(t, "code")), none)
		}
	})
}
