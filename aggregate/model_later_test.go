package aggregate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/schema"
)

// laterDocument pays in high of windows 1 and 2; worth is the level's revenue_est, or nothing.
func laterDocument(t *testing.T, worth string) *schema.Document {
	t.Helper()
	later := `{"low":{"events":[]},"medium":{"events":[{"name":"level","count_min":1}]},"high":{"events":[{"name":"purchase","revenue_min":1}]` + worth + `}}`
	d, err := schema.Parse([]byte(`{"app_id":1234567890,"name":"later","currency":"USD","revenue_source":"iap","revenue_cap":100,"windows":[
		{"index":0,"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"level","count_min":1}]},{"value":2,"events":[{"name":"purchase","revenue_min":1,"revenue_max":9}]}],
		 "coarse":{"low":{"events":[]},"medium":{"events":[{"name":"level","count_min":1}]},"high":{"events":[{"name":"purchase","revenue_min":1}]}}},
		{"index":1,"coarse":` + later + `},{"index":2,"coarse":` + later + `}]}`))
	require.NoError(t, err)
	return d
}

type laterPlace struct {
	network, campaign string
	window            int
}

// laterApp is an app whose first and second (or third) postbacks were published, with
// its payers of the later days, those of tier 0 included.
type laterApp struct {
	windows aggregate.LaterWindows
	payers  map[laterPlace]float64
}

func newLaterApp(t *testing.T, index int, seed uint64, installs, weeks int, carry float64, worth string) laterApp {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 77))
	d := laterDocument(t, worth)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	counts := [2]map[int]map[aggregate.Counted]int{{}, {}}
	count := func(index, week int, g aggregate.Counted) {
		if counts[index][week] == nil {
			counts[index][week] = map[aggregate.Counted]int{}
		}
		counts[index][week][g]++
	}
	app := laterApp{payers: map[laterPlace]float64{}}
	small := -0.4 - 0.5*r.Float64()
	const campaigns = 8
	for c := range campaigns {
		network, digits := fmt.Sprintf("network%d.skadnetwork", c%2), fmt.Sprintf("%02d", 10+c)
		pay, any, weight := -2.2+0.4*r.NormFloat64(), -0.3+0.3*r.NormFloat64(), math.Exp(0.6*r.NormFloat64())/campaigns
		null := 0.1 + 0.3*r.Float64()
		for range int(weight * float64(installs*weeks)) {
			tier0, tier1 := r.Float64() < null, r.Float64() < 0.2
			at := r.Float64() * float64(weeks) * 168
			week := int(at / 168)
			crowd := 0.0 // how small, against tiers 2 and 3
			switch {
			case tier0:
				crowd = 1
			case tier1:
				crowd = 0.5
			}
			now, then := pay+crowd*small, pay+carry*crowd*small
			g := aggregate.Counted{NetworkID: network, IDKind: aggregate.IDSource, Source: digits, ShortForm: aggregate.ShortLast, SchemaVersion: 1}
			paid, engaged := r.Float64() < sigmoid(now), r.Float64() < 0.3
			switch {
			case tier0:
				g.Kind = aggregate.ValueNull
			case tier1:
				g.Kind, g.Coarse = aggregate.ValueCoarse, laterLevel(paid, engaged)
			default:
				g.Kind, g.Source = aggregate.ValueFine, fmt.Sprintf("%d%s", 1+r.IntN(2), digits)
				if paid {
					x := 2
					v := d.Decode(schema.Value{Fine: &x})
					g.Fine, g.Payer, g.RevenueMin, g.RevenueEst, g.RevenueMax = 2, true, v.RevenueMin, v.RevenueEst, v.RevenueMax
				} else if engaged {
					g.Fine = 1
				}
			}
			count(0, week, g)
			// The later days, whose postback comes 24 to 144 hours after them.
			paidLater, set := r.Float64() < sigmoid(then), r.Float64() < sigmoid(any)
			later := int((at + []float64{1: 120, 2: 792}[index] + 24 + 120*r.Float64() - 24 - 24*r.Float64()) / 168)
			if paidLater {
				app.payers[laterPlace{network, digits, later}]++
			}
			if tier0 || !paidLater && !set && r.IntN(2) == 0 {
				continue
			}
			g = aggregate.Counted{NetworkID: network, IDKind: aggregate.IDSource, Source: digits, ShortForm: aggregate.ShortLast, SchemaVersion: 1, Kind: aggregate.ValueNull}
			if paidLater || set {
				g.Kind, g.Coarse = aggregate.ValueCoarse, laterLevel(paidLater, r.IntN(2) == 0)
			}
			count(1, later, g)
		}
	}
	app.windows = aggregate.LaterWindows{Index: index, Hours: 168, Documents: map[int]*schema.Document{1: d}, Set: laterSet}
	for i, to := range []*[]aggregate.ModelWindow{&app.windows.First, &app.windows.Later} {
		set := laterSet
		set.SequenceIndex = i * index
		for week := range weeks {
			batch := aggregate.Batch{Schemas: []aggregate.Meaning{aggregate.MeaningOf(1, d, set)}}
			for g, n := range counts[i][week] {
				g.N = n
				batch.Groups = append(batch.Groups, g)
			}
			p := aggregate.Cut(set, aggregate.Settings{K: 20, B: 5, Depth: 4}, batch)
			*to = append(*to, aggregate.ModelWindow{Window: week, B: 5, Rows: p.Rows, Remainders: p.Remainders, Values: p.Values})
		}
	}
	return app
}

func laterLevel(paid, engaged bool) string {
	switch {
	case paid:
		return aggregate.CoarseHigh
	case engaged:
		return aggregate.CoarseMedium
	}
	return aggregate.CoarseLow
}

// truth gives each cell its payers: those of a campaign without a row are in the row
// that holds it.
func (a laterApp) truth(in *aggregate.LaterInput) []float64 {
	at := map[laterPlace]int{}
	for i, c := range in.Cells {
		at[laterPlace{c.Network, c.Campaign, c.Window}] = i
	}
	of := make([]float64, len(in.Cells))
	for p, n := range a.payers {
		for _, home := range []laterPlace{p, {p.network, "", p.window}, {"", "", p.window}} {
			if i, ok := at[home]; ok {
				of[i] += n
				break
			}
		}
	}
	return of
}

// Cells hold all installs of index 0 once, those whose windows are all there.
func TestLaterInputCountsEveryInstall(t *testing.T) {
	t.Parallel()
	app := newLaterApp(t, 1, 1, 5_000, 6, 1, `,"revenue_est":5`)
	in, err := aggregate.NewLaterInput(app.windows, model.Defaults())
	require.NoError(t, err)
	lag, err := model.LagWeights(1, 168, [3]int{})
	require.NoError(t, err)
	counted, seen, rows := map[int]float64{}, map[int]float64{}, map[string]int{}
	for i, c := range in.Cells {
		require.GreaterOrEqual(t, c.Window, len(lag)-1, "installs before the first window are unknown")
		levels := c.Levels[0] + c.Levels[1] + c.Levels[2] + c.AnyLevel
		counted[c.Window] += levels + c.Nothing + c.Unseen + c.Null
		seen[c.Window] += levels
		for _, key := range in.Rows[i] {
			rows[fmt.Sprint(c.Window, key)]++
		}
	}
	require.Len(t, counted, 6-len(lag)+1)
	for week := range counted {
		want := 0.0
		for later, weight := range lag {
			for _, r := range app.windows.First[week-later].Rows {
				want += weight * float64(r.Installs)
			}
		}
		require.InDelta(t, want, counted[week], 1e-6)
		for _, r := range app.windows.Later[week].Rows {
			require.Equal(t, 1, rows[fmt.Sprint(week, r.Key())], "each row is in one cell")
		}
	}
}

// Intervals of payers hold for what was published with k 20 and b 5.
func TestLaterHoldsOnPublishedRows(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	for _, c := range []struct {
		index, weeks, installs int
		seeds                  uint64
	}{{1, 6, 500, 6}, {1, 6, 5_000, 3}, {1, 5, 14_000, 1}, {2, 8, 3_000, 2}} {
		var intervals, held, truth, estimate, wrong float64
		for seed := range c.seeds {
			app := newLaterApp(t, c.index, seed, c.installs, c.weeks, float64((seed+1)%3)/2, `,"revenue_est":5`)
			in, err := aggregate.NewLaterInput(app.windows, model.Defaults())
			require.NoError(t, err)
			p, untold, err := in.Predict(model.LaterDefaults(), seed)
			require.NoError(t, err)
			require.Empty(t, untold)
			of := app.truth(in)
			for i := range in.Cells {
				x := p.Of(i, aggregate.MetricPayers)
				intervals++
				if of[i] >= x.Low && of[i] <= x.High {
					held++
				}
				truth += of[i]
				estimate += x.Estimate
				wrong += math.Abs(x.Estimate - of[i])
				require.InDelta(t, 5*x.Estimate, p.Of(i, aggregate.MetricRevenue).Estimate, 1e-6*max(1, x.Estimate))
			}
		}
		t.Logf("index %d, %d: held %.2f of %.0f, error %.1f %%, bias %+.1f %%", c.index, c.installs, held/intervals, intervals, 100*wrong/truth, 100*(estimate/truth-1))
		require.GreaterOrEqual(t, held/intervals, 0.82)
		require.InDelta(t, 1, estimate/truth, 0.1)
	}
}

func TestLaterLevelsWithoutANumber(t *testing.T) {
	t.Parallel()
	app := newLaterApp(t, 1, 2, 3_000, 4, 0, "")
	in, err := aggregate.NewLaterInput(app.windows, model.Defaults())
	require.NoError(t, err)
	p, untold, err := in.Predict(model.LaterDefaults(), 1)
	require.NoError(t, err)
	require.Equal(t, []string{aggregate.CoarseHigh}, untold)
	again, _, err := in.Predict(model.LaterDefaults(), 1)
	require.NoError(t, err)
	require.Equal(t, p, again, "the same seed")
	for i := range in.Cells {
		require.Zero(t, p.Of(i, aggregate.MetricRevenue).High)
	}
	// A version that pays in another level: no number where they differ.
	other := newLaterApp(t, 1, 2, 3_000, 4, 0, `,"revenue_est":5`).windows.Documents[1]
	app.windows.Documents[2] = other
	in, err = aggregate.NewLaterInput(app.windows, model.Defaults())
	require.NoError(t, err)
	require.True(t, math.IsNaN(in.Levels[model.High].Amounts[aggregate.MetricRevenue]))
	require.Equal(t, 1.0, in.Levels[model.High].Amounts[aggregate.MetricPayers])
}

func TestLaterWithoutSignal(t *testing.T) {
	t.Parallel()
	app := newLaterApp(t, 1, 3, 1_000, 4, 0, "")
	short := app.windows
	short.First = short.First[3:]
	in, err := aggregate.NewLaterInput(short, model.Defaults())
	require.NoError(t, err)
	require.Empty(t, in.Cells, "no window has all its installs")
	_, _, err = in.Predict(model.LaterDefaults(), 1)
	require.ErrorIs(t, err, model.ErrNoSignal)
	none := app.windows
	none.First, none.Later = nil, nil
	in, err = aggregate.NewLaterInput(none, model.Defaults())
	require.NoError(t, err)
	_, _, err = in.Predict(model.LaterDefaults(), 1)
	require.ErrorIs(t, err, model.ErrNoSignal)
	wrong := app.windows
	wrong.Index = 0
	_, err = aggregate.NewLaterInput(wrong, model.Defaults())
	require.ErrorContains(t, err, "index 0")
}

// Installs of campaign ids are of versions that have no later postbacks.
func TestLaterOfLegacyCampaigns(t *testing.T) {
	t.Parallel()
	app := newLaterApp(t, 1, 4, 2_000, 4, 0, "")
	zero, n := 0, 300
	for i := range app.windows.First {
		app.windows.First[i].Rows = append(app.windows.First[i].Rows, aggregate.Row{
			Level: aggregate.LevelSrc2, NetworkID: "network0.skadnetwork", IDKind: aggregate.IDCampaign, Source2: "7", Installs: n,
			NullInstalls: &n, UnsetInstalls: &zero, UnmappedInstalls: &zero, CoarseLow: &zero, CoarseMedium: &zero, CoarseHigh: &zero, FineInstalls: &zero,
		})
	}
	in, err := aggregate.NewLaterInput(app.windows, model.Defaults())
	require.NoError(t, err)
	found := 0
	for i, c := range in.Cells {
		if c.Campaign == "c7" {
			found++
			require.InDelta(t, 300, c.Unseen, 1e-6)
			require.Zero(t, c.Null+c.Nothing)
			require.Empty(t, in.Rows[i])
		}
	}
	require.Equal(t, 2, found)
}
