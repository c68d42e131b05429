package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// laterTally is how many intervals held, and how far estimates and a scaling by the
// installs (as if tier 0 were like the others) were off.
type laterTally struct{ intervals, held, truth, estimate, wrong, scaled, scaledTotal float64 }

func (l *laterTally) coverage() float64 { return l.held / l.intervals }

func judgeLater(t *testing.T, w laterTruth, p *Prediction, level string, to *laterTally) {
	groups := map[string][]int{}
	for i, c := range w.in.Cells {
		k := c.Network
		if level != BackTestNetwork {
			k += "/" + c.Campaign
		}
		if level == BackTestCell {
			k += "/" + string(rune('0'+c.Window))
		}
		groups[k] = append(groups[k], i)
	}
	for _, members := range groups {
		truth, scaled := 0.0, 0.0
		for _, i := range members {
			truth += w.payers[i]
			c := w.in.Cells[i]
			exposed := c.Levels[0] + c.Levels[1] + c.Levels[2] + c.Nothing
			if exposed > 0 {
				scaled += c.Levels[High] * (exposed + c.Null) / exposed
			}
		}
		x := p.Sum(members, 0)
		require.True(t, x.Low <= x.Estimate && x.Estimate <= x.High)
		to.intervals++
		if truth >= x.Low-1e-9 && truth <= x.High+1e-9 {
			to.held++
		}
		to.truth += truth
		to.estimate += x.Estimate
		to.wrong += math.Abs(x.Estimate - truth)
		to.scaled += math.Abs(scaled - truth)
		to.scaledTotal += scaled
	}
}

// Intervals hold whether what tier 0 does later hangs on its tier or not. Carry is told
// to nobody: at its ends (0: not at all, 1: as at index 0) they are allowed to hold less.
func TestLaterHoldsInWorlds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		installs int
		carry    func(r *rand.Rand) float64
		seeds    uint64
		least    float64
	}{
		{"any carry", 500, func(r *rand.Rand) float64 { return r.Float64() }, 8, 0.84},
		{"any carry", 5_000, func(r *rand.Rand) float64 { return r.Float64() }, 8, 0.84},
		{"any carry", 14_000, func(r *rand.Rand) float64 { return r.Float64() }, 2, 0.84},
		{"independent of tier", 5_000, func(*rand.Rand) float64 { return 0 }, 6, 0.78},
		{"as at index 0", 5_000, func(*rand.Rand) float64 { return 1 }, 6, 0.78},
	} {
		tallies := map[string]*laterTally{BackTestCell: {}, BackTestCampaign: {}, BackTestNetwork: {}}
		for seed := range c.seeds {
			w := laterWorldOf(seed, c.installs, 4, c.carry(rand.New(rand.NewPCG(seed, 5))))
			m, err := FitLater(w.in, LaterDefaults())
			require.NoError(t, err)
			p := m.Predict(seed)
			for level, to := range tallies {
				judgeLater(t, w, p, level, to)
			}
		}
		cell := tallies[BackTestCell]
		t.Logf("%s, %d: held cell %.2f campaign %.2f network %.2f; error %.1f %% (scaled %.1f %%), bias %+.1f %% (%+.1f %%)", c.name, c.installs,
			cell.coverage(), tallies[BackTestCampaign].coverage(), tallies[BackTestNetwork].coverage(),
			100*cell.wrong/cell.truth, 100*cell.scaled/cell.truth, 100*(cell.estimate/cell.truth-1), 100*(cell.scaledTotal/cell.truth-1))
		for level, to := range tallies {
			require.GreaterOrEqual(t, to.coverage(), c.least, "%s %d %s", c.name, c.installs, level)
		}
	}
}

func anyLater(r *rand.Rand) LaterInput {
	in := LaterInput{Metrics: 2, Levels: [3]LaterLevel{{Amounts: []float64{0, 0}}, {Amounts: []float64{0, 0}}, {Payer: true, Amounts: []float64{1, 9}}}}
	if r.IntN(3) == 0 {
		in.Levels[High].Amounts[1] = math.NaN()
	}
	n := func() float64 {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return 50 * r.Float64()
		case 2:
			return 1e6 * r.Float64()
		}
		return float64(r.IntN(30))
	}
	for range 1 + r.IntN(8) {
		in.Cells = append(in.Cells, LaterCell{
			Network: string(rune('a' + r.IntN(2))), Campaign: string(rune('A' + r.IntN(3))), Window: r.IntN(3),
			Levels: [3]float64{n(), n(), n()}, AnyLevel: n(), Nothing: n(), Unseen: n(), Null: n(),
		})
	}
	if r.IntN(2) == 0 {
		in.Shift.app = normal{3 * r.NormFloat64(), 1}
	}
	return in
}

func TestLaterProperties(t *testing.T) {
	t.Parallel()
	s := LaterDefaults()
	s.Draws = 30
	for seed := range uint64(120) {
		in := anyLater(rand.New(rand.NewPCG(seed, 21)))
		m, err := FitLater(in, s)
		if err != nil {
			require.ErrorIs(t, err, ErrNoSignal)
			continue
		}
		p, again := m.Predict(seed), m.Predict(seed)
		require.Equal(t, p, again)
		for i, c := range in.Cells {
			x := p.Of(i, 0)
			for _, v := range []float64{x.Low, x.Estimate, x.High} {
				require.False(t, math.IsNaN(v) || math.IsInf(v, 0))
				require.GreaterOrEqual(t, v, c.Levels[High]-1e-6, "never below what was seen")
				require.LessOrEqual(t, v, c.Levels[High]+c.AnyLevel+c.Unseen+c.Null+3+1e-6, "never more than there are installs; fractions round up")
			}
			require.True(t, x.Low <= x.Estimate && x.Estimate <= x.High)
			r := p.Of(i, 1)
			if math.IsNaN(in.Levels[High].Amounts[1]) {
				require.Equal(t, []int{High}, m.Untold(1))
				require.Zero(t, r.High, "no number for a level of which the schema has none")
			} else {
				require.Empty(t, m.Untold(1))
				require.InDelta(t, 9*x.Estimate, r.Estimate, 1e-6*max(1, r.Estimate))
			}
			if c.AnyLevel+c.Unseen+c.Null == 0 {
				require.Equal(t, Interval{c.Levels[High], c.Levels[High], c.Levels[High]}, x, "what is all seen is no estimate")
			}
		}
	}
}

// The mean of the draws is the estimate, but for what the spread of the shift does to it.
func TestLaterEstimateIsTheMeanOfDraws(t *testing.T) {
	t.Parallel()
	w := laterWorldOf(3, 3_000, 3, 0)
	w.in.Shift = LaterShift{}
	s := LaterDefaults()
	s.Draws, s.ShiftSD, s.DeviationFloor = 800, 0, 0
	for i := range w.in.Cells {
		w.in.Cells[i].AnyLevel, w.in.Cells[i].Unseen = 7.5, 20.25
	}
	m, err := FitLater(w.in, s)
	require.NoError(t, err)
	p := m.Predict(1)
	for i := range w.in.Cells {
		mean := 0.0
		for _, x := range p.sample[i][:s.Draws] {
			mean += x / float64(s.Draws)
		}
		x := p.Of(i, 0)
		require.InDelta(t, x.Estimate, mean, 0.05+0.1*(x.High-x.Low))
	}
}

// Small crowds that pay less at index 0 are taken to pay less later, by half.
func TestLaterShiftCarries(t *testing.T) {
	t.Parallel()
	w := laterWorldOf(5, 3_000, 3, 0)
	estimate := func(shift float64) (sum float64) {
		w.in.Shift = LaterShift{app: normal{mean: shift}}
		m, err := FitLater(w.in, LaterDefaults())
		require.NoError(t, err)
		for _, x := range m.Expect() {
			sum += x[0]
		}
		return sum
	}
	require.Less(t, estimate(-1), estimate(0))
	require.Less(t, estimate(0), estimate(1))
}

func TestLaterShiftOfAModel(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(9, 22)), 6, 2, 80, true)
	in.Consented = []Evidence{{in.Cells[0].Network, in.Cells[0].Campaign, 300, 90}}
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	s, w := m.LaterShift(), m.mean()
	for i, c := range in.Cells {
		sum := s.app.mean + s.network[c.Network].mean + s.campaign[[2]string{c.Network, c.Campaign}].mean
		require.InDelta(t, w.nullPayers[i], sum, 1e-9)
	}
	require.Positive(t, s.app.sd)
}

func TestLaterRefuses(t *testing.T) {
	t.Parallel()
	good := laterWorldOf(1, 500, 2, 0).in
	for name, spoil := range map[string]func(*LaterInput, *LaterSettings){
		"metric":            func(in *LaterInput, _ *LaterSettings) { in.Metrics = 0 },
		"amounts":           func(in *LaterInput, _ *LaterSettings) { in.Levels[1].Amounts = nil },
		"worth":             func(in *LaterInput, _ *LaterSettings) { in.Levels[0].Amounts = []float64{-1, 0} },
		"counts -1":         func(in *LaterInput, _ *LaterSettings) { in.Cells[0].Null = -1 },
		"counts NaN":        func(in *LaterInput, _ *LaterSettings) { in.Cells[0].Unseen = math.NaN() },
		"carry is NaN":      func(_ *LaterInput, s *LaterSettings) { s.Carry = math.NaN() },
		"draws is 1":        func(_ *LaterInput, s *LaterSettings) { s.Draws = 1 },
		ErrNoSignal.Error(): func(in *LaterInput, _ *LaterSettings) { in.Cells = []LaterCell{{Nothing: 400, Null: 100}} },
	} {
		in, s := good, LaterDefaults()
		in.Cells = append([]LaterCell{}, good.Cells...)
		spoil(&in, &s)
		_, err := FitLater(in, s)
		require.ErrorContains(t, err, name)
	}
}
