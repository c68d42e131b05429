package model

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheEstimateIsTheMeanOfTheDraws(t *testing.T) {
	t.Parallel()
	b := bench{networks: 2, campaigns: 2, windows: 2, installs: 120, null: 0.3, pay: 0.2, spread: 0.3}
	in, targets, _ := b.world(1)
	m, err := Fit(in, still())
	require.NoError(t, err)
	targets = append(targets,
		Target{Cell: 0, Seen: []float64{0, 0}, Random: 37},
		Target{Cell: 1, Seen: []float64{6, math.NaN()}, Fine: 30, Payers: 6, Null: 10.4},
		Target{Cell: 2, Seen: []float64{0, 0}, Hidden: &Hidden{Fine: 40, Least: 1, Most: 4, Share: 0.1, Group: -1}},
		Target{Cell: 3, Seen: []float64{0, 0}, Hidden: &Hidden{Fine: 40, Least: 1, Most: 4, Share: 0.1, Group: 0}},
		Target{Cell: 4, Seen: []float64{0, 0}, Hidden: &Hidden{Fine: 25, Least: 1, Most: 4, Share: 0.1, Group: 0}},
	)
	p := m.Predict(targets, []Group{{Amounts: []float64{5, math.NaN()}}}, 7)
	for i := range targets {
		for metric := range 2 {
			draws := p.sample[i][metric*p.draws : (metric+1)*p.draws]
			mean, sd := meanAndSD(draws)
			require.InDelta(t, p.Of(i, metric).Estimate, mean, 5*sd/math.Sqrt(float64(p.draws))+0.002*mean+1e-6, "target %d, metric %d", i, metric)
		}
	}
}

func TestIntervalsHold(t *testing.T) {
	t.Parallel()
	var cells, held, sums, sumsHeld float64
	for seed := range uint64(6) {
		b := bench{networks: 2, campaigns: 4, windows: 4, installs: 250, coarse: 0.15, null: 0.25, pay: 0.12, shift: -0.4, spread: 0.4, consent: 0.25, bias: 0.2}
		in, targets, truths := b.world(seed)
		m, err := Fit(in, Defaults())
		require.NoError(t, err)
		p := m.Predict(targets, nil, seed)
		var all []int
		total := 0.0
		for i, truth := range truths {
			x := p.Of(i, 0)
			cells++
			if truth[0] >= x.Low && truth[0] <= x.High {
				held++
			}
			all = append(all, i)
			total += truth[0]
		}
		for of := range slices.Chunk(all, 16) { // a network
			sum := 0.0
			for _, i := range of {
				sum += truths[i][0]
			}
			x := p.Sum(of, 0)
			sums++
			if sum >= x.Low && sum <= x.High {
				sumsHeld++
			}
		}
		require.InDelta(t, 1, p.Sum(all, 0).Estimate/total, 0.08)
	}
	require.GreaterOrEqual(t, held/cells, 0.85)
	require.GreaterOrEqual(t, sumsHeld/sums, 0.75)
}

func TestASumIsOfDraws(t *testing.T) {
	t.Parallel()
	in, targets, _ := bench{networks: 1, campaigns: 2, windows: 3, installs: 200, null: 0.4, pay: 0.2}.world(1)
	m, err := Fit(in, still()) // errors of cells are apart
	require.NoError(t, err)
	p := m.Predict(targets, nil, 1)
	all := []int{0, 1, 2, 3, 4, 5}
	sum := p.Sum(all, 0)
	var low, high, estimate float64
	for _, i := range all {
		x := p.Of(i, 0)
		require.LessOrEqual(t, targets[i].Seen[0], x.Low, "never below what was observed")
		low, high, estimate = low+x.Low, high+x.High, estimate+x.Estimate
	}
	require.InDelta(t, estimate, sum.Estimate, 1e-9)
	require.Greater(t, sum.Low, low, "errors that are apart make sums of bounds too wide")
	require.Less(t, sum.High, high)
	draws := make([]float64, p.draws)
	for d := range draws {
		for _, i := range all {
			draws[d] += p.sample[i][d]
		}
	}
	slices.Sort(draws)
	require.InDelta(t, quantile(draws, 0.05), sum.Low, 1e-9)
	require.InDelta(t, quantile(draws, 0.95), sum.High, 1e-9)
	require.Equal(t, Interval{}, p.Sum(nil, 0))
}

func TestQuantileByHand(t *testing.T) {
	t.Parallel()
	x := []float64{0, 10, 20, 30, 40}
	require.InDelta(t, 2, quantile(x, 0.05), 1e-9)
	require.InDelta(t, 40, quantile(x, 1), 0)
	require.InDelta(t, 5, quantile([]float64{5}, 0.5), 0)
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	b := bench{networks: 2, campaigns: 3, windows: 2, installs: 150, coarse: 0.2, null: 0.2, pay: 0.1, shift: -0.3, consent: 0.2}
	in, targets, _ := b.world(4)
	predict := func(seed uint64) *Prediction {
		m, err := Fit(in, Defaults())
		require.NoError(t, err)
		return m.Predict(targets, nil, seed)
	}
	require.Equal(t, predict(1), predict(1))
	require.NotEqual(t, predict(1).sample, predict(2).sample)
	require.Equal(t, predict(1).estimate, predict(2).estimate, "the estimate hangs on no seed")
}

func TestTheOrderOfCellsDoesNotMatter(t *testing.T) {
	t.Parallel()
	b := bench{networks: 3, campaigns: 3, windows: 3, installs: 90, coarse: 0.2, null: 0.2, pay: 0.1, shift: -0.3, consent: 0.2}
	in, targets, _ := b.world(5)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	want := m.Expect(targets, nil)
	slices.Reverse(in.Cells)
	slices.Reverse(in.Consented)
	for i := range targets {
		targets[i].Cell = len(in.Cells) - 1 - targets[i].Cell
	}
	m, err = Fit(in, Defaults())
	require.NoError(t, err)
	for i, x := range m.Expect(targets, nil) {
		require.InDeltaSlice(t, want[i], x, 1e-6)
	}
}

func TestTenTimesTheInstallsGiveTenTimesThePayers(t *testing.T) {
	t.Parallel()
	b := bench{networks: 2, campaigns: 2, windows: 2, installs: 4000, coarse: 0.2, null: 0.2, pay: 0.1, shift: -0.3}
	in, targets, _ := b.world(6)
	share := func(in Input, targets []Target) (sum float64) {
		m, err := Fit(in, Defaults())
		require.NoError(t, err)
		for i, x := range m.Expect(targets, nil) {
			sum += x[0] - targets[i].Seen[0]
		}
		return sum
	}
	sum := share(in, targets)
	for i := range in.Cells {
		c := &in.Cells[i]
		for v := range c.Fine {
			c.Fine[v] *= 10
		}
		for level := range c.Coarse {
			c.Coarse[level] *= 10
		}
		c.Null *= 10
		targets[i].Seen[0] *= 10
		targets[i].Seen[1] *= 10
		targets[i].Coarse, targets[i].Null = c.Coarse, c.Null
	}
	require.InDelta(t, 10, share(in, targets)/sum, 0.2)
}

// Two events: of a target whose histogram is not its own only payers are told.
func TestWhatIsNotToldIsDrawn(t *testing.T) {
	t.Parallel()
	in, _, _ := bench{networks: 1, campaigns: 1, windows: 2, installs: 400, pay: 0.3}.world(1)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	p := m.Predict([]Target{{Cell: 0, Seen: []float64{20, math.NaN()}, Fine: 60, Payers: 20}}, nil, 1)
	require.Equal(t, Interval{20, 20, 20}, p.Of(0, 0))
	revenue := p.Of(0, 1)
	require.InDelta(t, 20*(1.*1+1*5+2*20)/4, revenue.Estimate, 60)
	require.Less(t, revenue.Low, revenue.Estimate)
	require.Greater(t, revenue.High, revenue.Estimate)
}

func TestPool(t *testing.T) {
	t.Parallel()
	in, targets, _ := bench{networks: 1, campaigns: 2, windows: 2, installs: 100, null: 0.3, pay: 0.2}.world(1)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	a, b := m.Predict(targets, nil, 1), m.Predict(targets, nil, 2)
	p := Pool(m.Expect(targets, nil), []*Prediction{a, b})
	require.Equal(t, 400, p.draws)
	for metric := range 2 {
		want := slices.Concat(a.sample[1][metric*200:(metric+1)*200], b.sample[1][metric*200:(metric+1)*200])
		require.Equal(t, want, p.sample[1][metric*400:(metric+1)*400])
	}
}
