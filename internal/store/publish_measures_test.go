package store

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

var measureTables = []string{"cohort_remainder", "cohort_event", "cohort_value"}

func (in inbox) measures() map[string][]string {
	in.t.Helper()
	columns := map[string]string{
		"cohort_remainder": `release_id, COALESCE(network_id, '-'), measure, rows, installs, revenue_min, revenue_est, revenue_max, currency`,
		"cohort_event": `release_id, COALESCE(network_id, '-'), COALESCE(id_kind, '-'), COALESCE(source_2, '-'), event_name,
			installs, count_min, count_est, count_max, ambiguous_share`,
		"cohort_value": `release_id, COALESCE(network_id, '-'), COALESCE(id_kind, '-'), COALESCE(source_2, '-'), kind, value_from, value_to,
			value_list, schema_version, installs, revenue_min, revenue_est, revenue_max, currency`,
	}
	out := map[string][]string{}
	for _, table := range measureTables {
		out[table] = dump(in.t, in.s.pub, `SELECT `+columns[table]+` FROM `+in.s.pub.table(table)+` ORDER BY 1, 2, 3, 4, 5, 6, 7, 8`)
	}
	return out
}

func measured() aggregate.Release {
	money := func(text string) *decimal.Decimal { return ptr(decimal.RequireFromString(text)) }
	return aggregate.Release{
		ID: "r", Dataset: aggregate.Dataset{AppID: testApp, Kind: "install", Environment: "production"}, K: 10, B: 3,
		Window: aggregate.WindowAt(aggregate.Week, start), WindowStart: start, SealedAt: start, Settings: aggregate.DefaultSettings(),
		Rows: []aggregate.Row{{Level: aggregate.LevelTotal, Installs: 20}},
		Remainders: []aggregate.Remainder{
			{Measure: "payers", Rows: 3, Installs: 6, RevenueMin: money("0.1"), RevenueEst: money("1.005")},
			{NetworkID: "n", Measure: "redownloads", Rows: 4, Installs: 7},
		},
		Events: []aggregate.EventCount{
			{NetworkID: "n", IDKind: "campaign", Source2: "7", EventName: "buy", Installs: ptr(5), CountMin: money("5"), CountEst: money("7.5"), AmbiguousShare: money("0.05")},
			{NetworkID: "n", IDKind: "source", Source2: "7", EventName: "buy"},
			{EventName: "buy"},
		},
		Values: []aggregate.ValueBin{
			{NetworkID: "n", IDKind: "source", Source2: "39", Kind: aggregate.BinFine, From: 3, To: 9, Values: "3-5,9", SchemaVersion: 2, Installs: ptr(8), RevenueMin: money("0"), RevenueEst: money("2.25"), RevenueMax: money("8")},
			{NetworkID: "n", IDKind: "source", Source2: "39", Kind: aggregate.BinClamped, From: 9, To: 9, Values: "9", SchemaVersion: 0},
		},
	}
}

func TestPublishMeasures(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		r := measured()
		// More than one statement holds of each.
		for i := range 3 * linesAtOnce {
			r.Values = append(r.Values, aggregate.ValueBin{NetworkID: "z", Kind: aggregate.BinFine, From: i % 64, To: i % 64, Installs: ptr(5)})
		}
		require.NoError(t, in.s.Publish(t.Context(), r))
		got := in.measures()
		require.Equal(t, []string{
			"r|-|payers|3|6|0.1|1.005|<nil>|USD", "r|n|redownloads|4|7|<nil>|<nil>|<nil>|USD",
		}, got["cohort_remainder"])
		require.Equal(t, []string{
			"r|-|-|-|buy|<nil>|<nil>|<nil>|<nil>|<nil>", "r|n|campaign|7|buy|5|5|7.5|<nil>|0.05", "r|n|source|7|buy|<nil>|<nil>|<nil>|<nil>|<nil>",
		}, got["cohort_event"])
		require.Equal(t, []string{
			"r|n|source|39|clamped|9|9|9|<nil>|<nil>|<nil>|<nil>|<nil>|USD", "r|n|source|39|fine|3|9|3-5,9|2|8|0|2.25|8|USD",
		}, got["cohort_value"][:2])
		require.Len(t, got["cohort_value"], 2+3*linesAtOnce)
		r.Values, r.Events[0].Installs = nil, ptr(99)
		require.NoError(t, in.s.Publish(t.Context(), r), "already there: left as it is")
		require.Equal(t, got, in.measures())
	})
}

// TestPublishMeasuresOrNothing: whichever part is refused, no part of the release is
// there, and the same release without the fault is published after it.
func TestPublishMeasuresOrNothing(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for want, spoil := range map[string]func(*aggregate.Release){
			"publish row total":           func(r *aggregate.Release) { r.Rows = append(r.Rows, r.Rows[0]) },
			"publish cohort_remainder of": func(r *aggregate.Release) { r.Remainders = append(r.Remainders, r.Remainders[0]) },
			"publish cohort_event of":     func(r *aggregate.Release) { r.Events = append(r.Events, r.Events[1]) },
			"publish cohort_value of":     func(r *aggregate.Release) { r.Values[1].To = 0 },
		} {
			r := measured()
			spoil(&r)
			require.ErrorContains(t, in.s.Publish(t.Context(), r), want)
			require.Empty(t, in.published(), want)
			for table, lines := range in.measures() {
				require.Empty(t, lines, "%s: %s", want, table)
			}
			require.Equal(t, []string{"0"}, dump(t, in.s.pub, `SELECT COUNT(*) FROM `+in.s.pub.table("release")), want)
		}
		require.NoError(t, in.s.Publish(t.Context(), measured()))
		require.Len(t, in.published(), 1)
		require.True(t, strings.HasPrefix(in.published()[0], "r|r/total|"))
	})
}
