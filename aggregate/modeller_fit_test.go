package aggregate_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/schema"
)

var modelNow = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// quick are settings with few draws: what is looked at here does not hang on them.
func quick() aggregate.ModelSettings {
	s := aggregate.DefaultModelSettings()
	s.Model.Draws, s.Later.Draws = 60, 60
	return s
}

// releasesOf are windows as releases of counts, week by week from 2026-10-05 on.
func releasesOf(set aggregate.Dataset, windows []aggregate.ModelWindow) (out []aggregate.Release) {
	for _, w := range windows {
		start := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 7*w.Window)
		span := aggregate.Window{Start: start, End: start.AddDate(0, 0, 7)}
		r := aggregate.Release{
			Dataset: set, View: aggregate.ViewCohort, Kind: aggregate.ReleaseBase, Window: span, WindowStart: span.Start, B: w.B, K: 20,
			Settings: aggregate.Settings{Currency: "USD"}, State: aggregate.StatePublished, Rows: w.Rows, Remainders: w.Remainders, Values: w.Values,
		}
		r.ID = aggregate.BaseReleaseID(r)
		out = append(out, r)
	}
	return out
}

// fitOf is a fit of all of them, the last ones due.
func fitOf(releases []aggregate.Release, due int) aggregate.ModelFit {
	f := aggregate.ModelFit{Dataset: releases[0].Dataset}
	for i, r := range releases {
		f.All = append(f.All, r.Line())
		f.Windows = append(f.Windows, aggregate.ModelableWindow{Counts: r.Line(), Due: i >= len(releases)-due})
	}
	return f
}

func worldReading(t *testing.T, installs, weeks int) ([]aggregate.Release, aggregate.ModelReading) {
	t.Helper()
	w, _, windows := publishedWorld(t, "worse", 5, installs, weeks)
	releases := releasesOf(laterSet, windows)
	return releases, aggregate.ModelReading{Windows: releases, Documents: map[int]*schema.Document{1: w.Schema}}
}

func bytesOf(t *testing.T, releases []aggregate.Release) string {
	t.Helper()
	text, err := json.Marshal(releases)
	require.NoError(t, err)
	return string(text)
}

func TestModelReleasesOfPublishedRows(t *testing.T) {
	t.Parallel()
	releases, reading := worldReading(t, 1_500, 5)
	f := fitOf(releases, 2)
	out, err := f.Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	require.Len(t, out, 2)
	for i, r := range out {
		counts := releases[3+i]
		require.Equal(t, strings.Replace(counts.ID, ".base.0", ".model.1", 1), r.ID)
		require.Equal(t, aggregate.StatePrepared, r.State)
		require.Empty(t, r.Rows, "rows are published once, by the base")
		metrics := len(r.Modeled) / len(counts.Rows)
		require.Len(t, r.Modeled, metrics*len(counts.Rows))
		require.Greater(t, metrics, 2, "events, too")
		for j, m := range r.Modeled {
			row := counts.Rows[j/metrics]
			require.Equal(t, row.Key(), m.Key)
			require.Equal(t, aggregate.SignalYes, m.Signal)
			require.False(t, m.Low.GreaterThan(*m.Estimate) || m.Estimate.GreaterThan(*m.High), "%+v", m)
			require.False(t, m.Low.IsNegative())
			if m.Metric == aggregate.MetricNamePayers {
				require.True(t, m.High.LessThanOrEqual(decimal.NewFromInt(int64(row.Installs))), "more payers than installs")
				if row.Payers != nil {
					require.True(t, m.Low.GreaterThanOrEqual(decimal.NewFromInt(int64(*row.Payers))), "less than was seen")
				}
			}
			places := int32(1)
			if m.Metric == aggregate.MetricNameRevenue {
				places = 2
			}
			for _, d := range []*decimal.Decimal{m.Estimate, m.Low, m.High} {
				require.True(t, d.Equal(d.Round(places)), "rounded as documented: %s", d)
			}
		}
		require.Len(t, r.Explained, len(counts.Rows))
		for j, e := range r.Explained {
			require.Equal(t, counts.Rows[j].Key(), e.Key)
			require.Len(t, e.Metrics, metrics)
			require.InDelta(t, counts.Rows[j].Installs, e.Installs, 1e-6)
		}
		for _, test := range []string{aggregate.CheckAll, aggregate.CheckWindow} {
			require.True(t, slices.ContainsFunc(r.Checks, func(c aggregate.ModelCheck) bool {
				return c.Test == test && c.Hidden > 0 && c.Intervals > 0 && c.Covered <= c.Intervals && c.Note != ""
			}), test)
		}
		require.Empty(t, r.Line().Modeled)
	}
}

// Roll-ups are sums of draws: estimates add up, bounds are within the sums of bounds.
func TestModelRollupsAreSumsOfDraws(t *testing.T) {
	t.Parallel()
	releases, reading := worldReading(t, 1_500, 9) // from 5 October to 6 December
	out, err := fitOf(releases, 9).Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	type place struct{ period, start, level, node, metric, event string }
	sums := map[place]aggregate.ModeledRollup{}
	for i, r := range out {
		months := 0
		for _, u := range r.Rollups {
			p := place{u.Period, u.PeriodStart.Format(time.DateOnly), u.Level, u.Node, u.Metric, u.EventName}
			require.NotContains(t, sums, p, "published once")
			sums[p] = u
			if u.Period == aggregate.PeriodMonth {
				months++
			}
		}
		require.Equal(t, i == 3 || i == 8, months > 0, "a month is told with the window that ends it: %s", r.ID)
	}
	for i, r := range out {
		week := releases[i].Window.Start.Format(time.DateOnly)
		of := map[place][]aggregate.ModeledRow{}
		for j, m := range r.Modeled {
			row := releases[i].Rows[j/(len(r.Modeled)/len(releases[i].Rows))]
			for _, n := range [][2]string{{"app", ""}, {"network", row.NetworkID}, {"src2", row.NetworkID + "/" + row.Source2}} {
				if n[0] == "network" && row.NetworkID == "" || n[0] == "src2" && row.Source2 == "" {
					continue
				}
				p := place{aggregate.PeriodWeek, week, n[0], n[1], m.Metric, m.EventName}
				of[p] = append(of[p], m)
			}
		}
		for p, rows := range of {
			u, there := sums[p]
			require.True(t, there, "%v", p)
			estimate, low, high := decimal.Zero, decimal.Zero, decimal.Zero
			for _, m := range rows {
				estimate, low, high = estimate.Add(*m.Estimate), low.Add(*m.Low), high.Add(*m.High)
			}
			slack := decimal.New(int64(len(rows)), -1) // of rounding
			require.True(t, estimate.Sub(*u.Estimate).Abs().LessThanOrEqual(slack), "%v: %s, sum %s", p, u.Estimate, estimate)
			if p.level == aggregate.RollupApp && u.High.GreaterThan(*u.Low) {
				require.True(t, u.High.Sub(*u.Low).LessThan(high.Sub(low)), "%v: bounds don't add", p)
			}
		}
	}
	months := 0
	for p, u := range sums {
		if p.period == aggregate.PeriodMonth && p.level == aggregate.RollupApp && p.metric == aggregate.MetricNamePayers {
			months++
			require.Equal(t, map[string]int{"2026-10-01": 4, "2026-11-01": 5}[p.start], u.Windows)
			sum := decimal.Zero
			for _, r := range out {
				for _, w := range r.Rollups {
					if w.Period == aggregate.PeriodWeek && w.Level == aggregate.RollupApp && w.Metric == p.metric && w.PeriodStart.Format("2006-01") == p.start[:7] {
						sum = sum.Add(*w.Estimate)
					}
				}
			}
			require.True(t, sum.Sub(*u.Estimate).Abs().LessThan(decimal.NewFromInt(1)), "of one fit weeks add up to their month")
		}
	}
	require.Equal(t, 2, months)
}

// The same published rows give the same bytes, in whatever order a database gives them,
// and whatever else of the windows is due.
func TestModelReleasesAreAFunctionOfWhatIsPublished(t *testing.T) {
	t.Parallel()
	releases, reading := worldReading(t, 600, 4)
	all, err := fitOf(releases, 3).Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range reading.Windows {
		values := slices.Clone(reading.Windows[i].Values)
		r.Shuffle(len(values), func(a, b int) { values[a], values[b] = values[b], values[a] })
		reading.Windows[i].Values = values
	}
	again, err := fitOf(releases, 1).Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	require.Equal(t, bytesOf(t, all[2:]), bytesOf(t, again), "a run that was killed goes on with the same numbers")
	reading.Windows[3].Digest, reading.Windows[3].Carried = "of raw rows", 99
	reading.Windows[3].Taken = aggregate.Window{Start: modelNow}
	blind, err := fitOf(releases, 1).Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	require.Equal(t, bytesOf(t, again), bytesOf(t, blind), "what operators alone know comes into no release")
	_, err = fitOf(releases, 1).Releases(aggregate.ModelReading{}, quick(), modelNow)
	require.Error(t, err, "windows that were not read")
}

func TestModelWithoutASignalIsSilent(t *testing.T) {
	t.Parallel()
	releases, reading := worldReading(t, 600, 5)
	for i := range releases {
		releases[i].Values, releases[i].Remainders = nil, nil
		for j := range releases[i].Rows {
			row, zero := &releases[i].Rows[j], 0
			n := row.Installs
			*row = aggregate.Row{
				Level: row.Level, NetworkID: row.NetworkID, IDKind: row.IDKind, Source2: row.Source2, Source3: row.Source3, Source4: row.Source4, Installs: n,
				NullInstalls: &n, UnsetInstalls: &zero, UnmappedInstalls: &zero, CoarseLow: &zero, CoarseMedium: &zero, CoarseHigh: &zero, FineInstalls: &zero,
			}
		}
	}
	for name, documents := range map[string]map[int]*schema.Document{"all null": reading.Documents, "no schema": {}} {
		out, err := fitOf(releases, 5).Releases(aggregate.ModelReading{Windows: releases, Documents: documents}, quick(), modelNow)
		require.NoError(t, err)
		rollups := 0
		for i, r := range out {
			require.NotEmpty(t, r.Modeled, name)
			for _, m := range r.Modeled {
				require.Equal(t, aggregate.SignalNone, m.Signal)
				require.True(t, m.Estimate == nil && m.Low == nil && m.High == nil, "no signal is no number, and no zero")
			}
			for _, u := range r.Rollups {
				rollups++
				require.Equal(t, aggregate.SignalNone, u.Signal)
				require.Nil(t, u.Estimate)
			}
			require.Empty(t, r.Checks)
			require.Empty(t, r.Explained)
			require.Equal(t, releases[i].Installs, r.Installs)
		}
		require.Positive(t, rollups)
	}
}

// Later windows: a campaign's number on its row, months from draws, and silence where
// the first postbacks are not all known.
func TestModelReleasesOfLaterWindows(t *testing.T) {
	t.Parallel()
	app := newLaterApp(t, 1, 2, 2_000, 6, 0.5, `,"revenue_est":5`)
	set := laterSet
	set.SequenceIndex = 1
	later := releasesOf(set, app.windows.Later)
	f := fitOf(later, 6)
	first := releasesOf(laterSet, app.windows.First)
	reading := aggregate.ModelReading{Windows: later, First: first, Documents: app.windows.Documents}
	for _, r := range first {
		f.First = append(f.First, r.Line())
	}
	out, err := f.Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	lag, err := model.LagWeights(1, 168, [3]int{})
	require.NoError(t, err)
	for i, r := range out {
		want := aggregate.SignalYes
		if i < len(lag)-1 {
			want = aggregate.SignalNoHistory
		}
		require.Len(t, r.Modeled, 2*len(later[i].Rows), "payers and revenue")
		for _, m := range r.Modeled {
			require.Equal(t, want, m.Signal, "window %d", i)
			require.Equal(t, want == aggregate.SignalYes, m.Estimate != nil)
		}
		for _, u := range r.Rollups {
			if u.Period == aggregate.PeriodWeek {
				require.Equal(t, want, u.Signal)
			} else {
				require.Equal(t, aggregate.SignalNoHistory, u.Signal, "October has weeks without")
			}
		}
		if want != aggregate.SignalYes {
			require.Empty(t, r.Explained)
		} else {
			require.Len(t, r.Explained, len(later[i].Rows), "every row has its number and why")
			for _, e := range r.Explained {
				amounts := make([]float64, 2)
				for _, p := range e.Parts {
					amounts[0] += p.Amounts[0]
					amounts[1] += p.Amounts[1]
				}
				for _, m := range r.Modeled {
					if at := slices.Index(e.Metrics, m.Metric); m.Key == e.Key {
						require.InDelta(t, m.Estimate.InexactFloat64(), amounts[at], 0.051, "the parts come to the published number")
					}
				}
			}
			sum := decimal.Zero
			for _, m := range r.Modeled {
				if m.Metric == aggregate.MetricNamePayers {
					sum = sum.Add(*m.Estimate)
				}
			}
			of := slices.IndexFunc(r.Rollups, func(u aggregate.ModeledRollup) bool {
				return u.Level == aggregate.RollupApp && u.Metric == aggregate.MetricNamePayers
			})
			require.True(t, r.Rollups[of].Estimate.GreaterThanOrEqual(sum.Sub(decimal.NewFromInt(1))), "installs of which nothing is published are the app's, too")
		}
	}
	// Where the schema has no price for a paying level there is no revenue.
	reading.Documents = newLaterApp(t, 1, 2, 50, 1, 0, "").windows.Documents
	out, err = f.Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	for _, s := range out[5].Explained[0].Sentences {
		require.NotContains(t, s, "Revenue")
	}
	for _, m := range out[5].Modeled {
		require.Equal(t, map[string]string{"payers": aggregate.SignalYes, "revenue": aggregate.SignalNoPrice}[m.Metric], m.Signal)
	}
	// Where it has no meaning for any level of that index nothing is known at all.
	reading.Documents = map[int]*schema.Document{1: windowless(t)}
	out, err = f.Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	for _, m := range out[5].Modeled {
		require.Equal(t, aggregate.SignalNone, m.Signal)
	}
	reading.Documents = app.windows.Documents
	// A week of index 0 without a release is one without installs, not the end of history.
	f.First, reading.First = slices.Delete(slices.Clone(f.First), 4, 5), slices.Delete(slices.Clone(first), 4, 5)
	gap, err := f.Releases(reading, quick(), modelNow)
	require.NoError(t, err)
	require.Equal(t, aggregate.SignalYes, gap[5].Modeled[0].Signal)
}

// windowless is a schema that says nothing of index 1 and 2.
func windowless(t *testing.T) *schema.Document {
	t.Helper()
	d, err := schema.Parse([]byte(`{"app_id":1234567890,"name":"first","currency":"USD","revenue_source":"iap","revenue_cap":100,"windows":[
		{"index":0,"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"purchase","revenue_min":1,"revenue_max":9}]}],
		 "coarse":{"low":{"events":[]},"medium":{"events":[]},"high":{"events":[]}}},{"index":1},{"index":2}]}`))
	require.NoError(t, err)
	return d
}
