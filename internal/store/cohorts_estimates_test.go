package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

// looked are the rows of a look, as maps by column.
func looked(t *testing.T, s *Store, f CohortFilter, table []Column, stream func(*CohortLook, func([]any) error) error) (out []map[string]any) {
	t.Helper()
	look, err := s.LookAtCohorts(t.Context(), f)
	require.NoError(t, err)
	defer func() { require.NoError(t, look.Close()) }()
	require.NoError(t, stream(look, func(row []any) error {
		require.Len(t, row, len(table))
		m := map[string]any{}
		for i, c := range table {
			m[c.Name] = row[i]
		}
		out = append(out, m)
		return nil
	}))
	return out
}

// TestEstimatesAreThePublishedOnes: with a real model, on both databases: what stands
// beside rows is cohort_modeled, what stands beside sums is a roll-up, estimates of rows
// come to the roll-up's, and an estimate is never below what was seen.
func TestEstimatesAreThePublishedOnes(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 5)
		require.Equal(t, 5, in.modelAll())
		e := Estimates{Events: []string{dump(t, in.s.pub, `SELECT MIN(event_name) FROM `+in.s.pub.table("cohort_modeled")+` WHERE metric = 'event'`)[0]}}
		f := CohortFilter{AppID: testApp}
		table := append(CohortTable(), e.Columns()...)
		rows := looked(t, in.s, f, table, func(l *CohortLook, each func([]any) error) error {
			return l.RowsEstimated(t.Context(), e, nil, 0, each)
		})
		require.NotEmpty(t, rows)
		published := map[string]publishedNumber{}
		for week := range 5 {
			for _, n := range in.numbers(weekID(week)) {
				published[weekID(week)+"/"+n.key+" "+n.metric+n.event] = n
			}
		}
		type sum struct {
			estimate decimal.Decimal
			rows     int
		}
		sums := map[string]*sum{}
		named := 0
		for _, row := range rows {
			for _, name := range []string{"payers", "revenue", "event" + e.Events[0]} {
				column := name
				if name == "event"+e.Events[0] {
					column = "event_" + e.Events[0]
				}
				want := published[fmt.Sprint(row["row_id"], " ", name)]
				require.Equal(t, "yes", want.signal)
				got, ok := row[column+"_estimate"].(decimal.Decimal)
				require.True(t, ok)
				require.True(t, want.estimate.Equal(got) && want.low.Equal(row[column+"_low"].(decimal.Decimal)) && want.high.Equal(row[column+"_high"].(decimal.Decimal)), column)
			}
			estimate := row["payers_estimate"].(decimal.Decimal)
			if seen, stands := row["payers"].(int64); stands {
				require.False(t, estimate.LessThan(decimal.NewFromInt(seen)), row["row_id"])
			}
			key := fmt.Sprint(row["window_start"], row["network_id"])
			if sums[key] == nil {
				sums[key] = &sum{}
			}
			sums[key].estimate = sums[key].estimate.Add(estimate)
			sums[key].rows++
			if row["network_id"] != nil {
				named++
			}
		}
		require.Positive(t, named)

		g := CohortGroup{"network", "week"}
		weeks := looked(t, in.s, f, append(g.Table(), e.Columns()...), func(l *CohortLook, each func([]any) error) error {
			return l.SumsEstimated(t.Context(), g, e, 0, 0, each)
		})
		checked := 0
		for _, w := range weeks {
			got, ok := w["payers_estimate"].(decimal.Decimal)
			require.Equal(t, w["network_id"] != nil, ok, "what is of no single network has no roll-up")
			if !ok {
				continue
			}
			of := sums[fmt.Sprint(w["week"], w["network_id"])]
			require.NotNil(t, of)
			slack := decimal.NewFromInt(int64(of.rows + 1)).Shift(-1).Div(decimal.NewFromInt(2))
			require.True(t, got.Sub(of.estimate).Abs().LessThanOrEqual(slack), "%s of rows, %s of the roll-up", of.estimate, got)
			checked++
		}
		require.Greater(t, checked, 10)
		month := looked(t, in.s, f, append(CohortGroup{"month"}.Table(), e.Columns()...), func(l *CohortLook, each func([]any) error) error {
			return l.SumsEstimated(t.Context(), CohortGroup{"month"}, e, 0, 0, each)
		})
		require.True(t, slices.ContainsFunc(month, func(m map[string]any) bool { return m["revenue_estimate"] != nil }), "a month that is over")
	})
}

func TestRollupLevel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		group CohortGroup
		want  string
	}{
		{CohortGroup{"week"}, "app week"}, {CohortGroup{"month", "dataset"}, "app month"}, {CohortGroup{"week", "network"}, "network week"},
		{CohortGroup{"source_2", "month", "network"}, "src2 month"}, {CohortGroup{"network"}, ""}, {CohortGroup{"dataset"}, ""},
		{CohortGroup{"source_2", "week"}, ""}, {CohortGroup{"week", "month"}, ""}, {CohortGroup{"week", "level"}, ""}, {CohortGroup{"week", "schema_versions"}, ""},
	} {
		level, period, err := c.group.RollupLevel()
		if c.want == "" {
			require.ErrorIs(t, err, errNoRollup, c.group)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, level+" "+period)
	}
}

func TestWholePeriods(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		x, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return x
	}
	for _, c := range []struct {
		period, from, to string
		want             bool
	}{
		{aggregate.PeriodWeek, "", "", true}, {aggregate.PeriodWeek, "2026-11-02T00:00:00Z", "2026-11-16T00:00:00Z", true},
		{aggregate.PeriodWeek, "2026-11-02T01:00:00+01:00", "", true}, {aggregate.PeriodWeek, "2026-11-02T00:00:00+01:00", "", false},
		{aggregate.PeriodWeek, "2026-11-01T00:00:00Z", "", false}, {aggregate.PeriodWeek, "", "2026-11-02T00:00:01Z", false},
		{aggregate.PeriodMonth, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", true}, {aggregate.PeriodMonth, "2026-11-02T00:00:00Z", "", false},
	} {
		require.Equal(t, c.want, WholePeriods(c.period, at(c.from), at(c.to)), "%+v", c)
	}
}
