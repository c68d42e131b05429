package aggregate_test

import (
	"math"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
	"skand/schema"
)

var modelSet = aggregate.Dataset{AppID: 1234567890, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}

// modelWindows publishes the weeks of a world; change may alter what was counted.
func modelWindows(t *testing.T, scenario string, installs, weeks int, change func(week int, groups []aggregate.Counted) []aggregate.Counted) (*schema.Document, []aggregate.ModelWindow) {
	t.Helper()
	s, ok := worlds.Find(scenario)
	require.True(t, ok)
	w, err := worlds.New(s, 1, installs, weeks)
	require.NoError(t, err)
	meanings := []aggregate.Meaning{aggregate.MeaningOf(1, w.Schema, modelSet), aggregate.MeaningOf(2, w.Schema, modelSet)}
	var out []aggregate.ModelWindow
	for week, x := range w.Weeks {
		groups := x.Groups
		if change != nil {
			groups = change(week, slices.Clone(groups))
		}
		p := aggregate.Cut(modelSet, aggregate.DefaultSettings(), aggregate.Batch{Groups: groups, Schemas: meanings})
		out = append(out, aggregate.ModelWindow{Window: week, B: 5, Rows: p.Rows, Remainders: p.Remainders, Values: p.Values})
	}
	return w.Schema, out
}

func alphabetOf(d *schema.Document) *aggregate.Alphabet {
	return aggregate.NewAlphabet(map[int]*schema.Document{1: d, 2: d}, modelSet)
}

func readInput(t *testing.T, a *aggregate.Alphabet, windows []aggregate.ModelWindow) *aggregate.ModelInput {
	t.Helper()
	in, err := aggregate.NewModelInput(a, windows)
	require.NoError(t, err)
	return in
}

func TestAlphabetHasEachMeaningOnce(t *testing.T) {
	t.Parallel()
	d, _ := modelWindows(t, "random", 500, 1, nil)
	one := aggregate.NewAlphabet(map[int]*schema.Document{1: d}, modelSet)
	two := alphabetOf(d)
	require.Equal(t, one.Values, two.Values, "two versions that say the same")
	require.Equal(t, []string{"level", "purchase"}, two.Events)
	require.Equal(t, 4, two.Metrics())
	for _, v := range two.Values {
		require.Equal(t, v.Payer, v.Amounts[aggregate.MetricPayers] == 1)
		require.Equal(t, v.Payer, v.Amounts[aggregate.MetricRevenue] > 0)
	}
	require.Empty(t, aggregate.NewAlphabet(nil, modelSet).Values)
}

func TestEveryInstallOfARowIsInItsTarget(t *testing.T) {
	t.Parallel()
	for _, installs := range []int{500, 5000} {
		d, windows := modelWindows(t, "worse", installs, 3, nil)
		in := readInput(t, alphabetOf(d), windows)
		at := 0
		for _, w := range windows {
			for _, row := range w.Rows {
				x := in.Targets[at]
				at++
				n := x.Fine + x.Null + x.Random + x.Coarse[0] + x.Coarse[1] + x.Coarse[2]
				if x.Hidden != nil {
					n += x.Hidden.Fine
				}
				require.InDelta(t, row.Installs, n, 1e-6, row.Key()) // these worlds set every value and map it
				if row.Payers != nil {
					require.InDelta(t, *row.Payers, x.Seen[aggregate.MetricPayers], 0)
				}
			}
		}
		require.Len(t, in.Targets, at)
		for _, c := range in.Cells {
			for _, k := range slices.Concat(c.Fine, c.Coarse[:], []float64{c.Null}) {
				require.GreaterOrEqual(t, k, 0.0)
			}
		}
	}
}

func TestPublishedRowsGetHonestIntervals(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	d, windows := modelWindows(t, "worse", 1200, 2, nil)
	a := alphabetOf(d)
	in := readInput(t, a, windows)
	p, err := in.Predict(model.Defaults(), 1)
	require.NoError(t, err)
	again, err := readInput(t, a, windows).Predict(model.Defaults(), 1)
	require.NoError(t, err)
	require.Equal(t, p, again, "same rows, same seed, same bytes")
	at := 0
	for _, w := range windows {
		for _, row := range w.Rows {
			for metric := range a.Metrics() {
				x := p.Of(at, metric)
				require.False(t, math.IsNaN(x.Low+x.Estimate+x.High))
				require.True(t, 0 <= x.Low && x.Low <= x.Estimate && x.Estimate <= x.High, "%s: %+v", row.Key(), x)
			}
			if row.Payers != nil {
				require.LessOrEqual(t, float64(*row.Payers), p.Of(at, aggregate.MetricPayers).Low)
				require.LessOrEqual(t, row.RevenueEst.InexactFloat64(), p.Of(at, aggregate.MetricRevenue).Low+1e-6)
			}
			require.LessOrEqual(t, p.Of(at, aggregate.MetricPayers).High, float64(row.Installs)+1)
			at++
		}
	}
}

// Numbers of a remainder hold for the rows that share it, whatever the draw.
func TestRemaindersHold(t *testing.T) {
	t.Parallel()
	d, windows := modelWindows(t, "worse", 5000, 2, nil)
	in := readInput(t, alphabetOf(d), windows)
	require.NotEmpty(t, in.Groups)
	paid := model.HiddenPayers(in.Targets, in.Groups)
	sums := make([]float64, len(in.Groups))
	for i, x := range in.Targets {
		if x.Hidden != nil && x.Hidden.Group >= 0 {
			sums[x.Hidden.Group] += paid[i]
		}
	}
	for i, g := range in.Groups {
		require.InDelta(t, g.Amounts[aggregate.MetricPayers], sums[i], 1e-6)
	}
}

func TestPublishedEdges(t *testing.T) {
	t.Parallel()
	type groups = []aggregate.Counted
	each := func(change func(*aggregate.Counted)) func(int, groups) groups {
		return func(_ int, g groups) groups {
			for i := range g {
				change(&g[i])
			}
			return g
		}
	}
	for name, change := range map[string]func(int, groups) groups{
		"one network": each(func(g *aggregate.Counted) { g.NetworkID = "one.skadnetwork" }),
		"one campaign, one window": func(week int, g groups) groups {
			if week > 0 {
				return nil
			}
			return each(func(g *aggregate.Counted) { g.NetworkID, g.Source = "one.skadnetwork", "39" })(week, g)
		},
		"campaign ids": each(func(g *aggregate.Counted) {
			g.IDKind, g.Source = aggregate.IDCampaign, g.Source[len(g.Source)-2:]
			if g.Kind == aggregate.ValueCoarse {
				g.Kind = aggregate.ValueNull
			}
		}),
		"a new schema in the middle of a week": func(week int, g groups) groups {
			for i := range g {
				if week > 0 || i%2 == 0 {
					g[i].SchemaVersion = 2
				}
			}
			return g
		},
		"ambiguous values": each(func(g *aggregate.Counted) { g.Ambiguous = true }),
		"values never set": each(func(g *aggregate.Counted) {
			if g.Kind == aggregate.ValueNull {
				g.Kind = aggregate.ValueUnset
			}
		}),
		"everybody pays": func(_ int, g groups) groups {
			return slices.DeleteFunc(g, func(g aggregate.Counted) bool { return g.Kind == aggregate.ValueFine && !g.Payer })
		},
		"nobody pays": func(_ int, g groups) groups {
			return slices.DeleteFunc(g, func(g aggregate.Counted) bool { return g.Payer })
		},
		"few installs": func(week int, g groups) groups { return g[:min(len(g), 12+week)] },
		"an open band": each(func(g *aggregate.Counted) { g.RevenueMax = nil }),
		"no coarse": func(_ int, g groups) groups {
			return slices.DeleteFunc(g, func(g aggregate.Counted) bool { return g.Kind == aggregate.ValueCoarse })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, windows := modelWindows(t, "worse", 1500, 2, change)
			in := readInput(t, alphabetOf(d), windows)
			s := model.Defaults()
			s.Draws = 80
			p, err := in.Predict(s, 3)
			if len(in.Targets) == 0 || err != nil {
				require.ErrorIs(t, err, model.ErrNoSignal)
				return
			}
			for i := range in.Targets {
				for metric := range in.Metrics {
					x := p.Of(i, metric)
					require.True(t, 0 <= x.Low && x.Low <= x.Estimate && x.Estimate <= x.High && !math.IsInf(x.High, 0), "%+v", x)
				}
			}
		})
	}
}

func TestNoValueNoNumber(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"all null": aggregate.ValueNull, "all coarse": aggregate.ValueCoarse, "never set": aggregate.ValueUnset} {
		d, windows := modelWindows(t, "random", 1000, 1, func(_ int, g []aggregate.Counted) []aggregate.Counted {
			for i := range g {
				g[i].Kind, g[i].Coarse = kind, aggregate.CoarseHigh
			}
			return g
		})
		_, err := readInput(t, alphabetOf(d), windows).Predict(model.Defaults(), 1)
		require.ErrorIs(t, err, model.ErrNoSignal, name)
	}
	_, err := readInput(t, aggregate.NewAlphabet(nil, modelSet), nil).Predict(model.Defaults(), 1)
	require.ErrorIs(t, err, model.ErrNoSignal)
}

// An app that bands its revenue tells of no row what its payers spent.
func TestBandedRevenueIsDrawn(t *testing.T) {
	t.Parallel()
	d, windows := modelWindows(t, "random", 3000, 2, nil)
	told := decimal.Zero
	for w := range windows {
		for i := range windows[w].Rows {
			if r := &windows[w].Rows[i]; r.RevenueEst != nil {
				told = told.Add(*r.RevenueEst)
				r.RevenueMin, r.RevenueEst, r.RevenueMax = nil, nil, nil
			}
		}
		for i := range windows[w].Remainders {
			r := &windows[w].Remainders[i]
			r.RevenueMin, r.RevenueEst, r.RevenueMax = nil, nil, nil
		}
	}
	in := readInput(t, alphabetOf(d), windows)
	p, err := in.Predict(model.Defaults(), 1)
	require.NoError(t, err)
	var all []int
	for i := range in.Targets {
		all = append(all, i)
	}
	x := p.Sum(all, aggregate.MetricRevenue)
	require.Less(t, x.Low, x.High)
	require.Greater(t, x.High, told.InexactFloat64(), "it also holds what was withheld")
}
