package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

func grown(t *testing.T, seed uint64, perCell int) *tree {
	t.Helper()
	in := bench{networks: 3, campaigns: 4, windows: 3, installs: perCell, pay: 0.2, spread: 0.5}.input(seed)
	counts := make([][]float64, len(in.Cells))
	for i, c := range in.Cells {
		counts[i] = c.Fine
	}
	return grow(newLayout(in), len(in.Values), counts, pooled(len(in.Values), counts, nil), polya)
}

func TestWhatANodePassesUpIsItsCountsShrunk(t *testing.T) {
	t.Parallel()
	tr := grown(t, 1, 80)
	for campaign := range tr.campaign {
		sum := make([]float64, tr.categories)
		for i, c := range tr.window {
			if tr.sites[i].campaign == campaign {
				n := floats.Sum(c)
				floats.AddScaled(sum, tr.perWindow/(tr.perWindow+n), c)
			}
		}
		require.InDeltaSlice(t, sum, tr.campaign[campaign], 1e-9)
	}
	app := make([]float64, tr.categories)
	for _, c := range tr.network {
		passed := tr.perNet * floats.Sum(c) / (tr.perNet + floats.Sum(c))
		require.LessOrEqual(t, passed, tr.perNet+1e-9, "no network speaks with more than its concentration")
		floats.AddScaled(app, share(c, tr.perNet), c)
	}
	require.InDeltaSlice(t, app, tr.app, 1e-9)
}

func TestNothingIsLostWhereChildrenAreAlike(t *testing.T) {
	t.Parallel()
	tr := grown(t, 2, 50)
	tr.perNet, tr.perCamp, tr.perWindow = 1e15, 1e15, 1e15
	tr.passUp()
	total := 0.0
	for _, c := range tr.window {
		total += floats.Sum(c)
	}
	require.InDelta(t, total, floats.Sum(tr.app), 1e-6)
	for _, mean := range tr.expect() { // every cell has the app's mean
		require.InDeltaSlice(t, shrink(tr.app, rootWeight, tr.base), mean, 1e-6)
	}
}

func TestDrawsOfATreeHaveItsMeans(t *testing.T) {
	t.Parallel()
	tr := grown(t, 3, 30)
	src := rand.NewPCG(5, 5)
	const draws = 3000
	sum, squares := tr.zeros(len(tr.window)), tr.zeros(len(tr.window))
	for range draws {
		for i, p := range tr.draw(src) {
			require.InDelta(t, 1, floats.Sum(p), 1e-9)
			for g, x := range p {
				sum[i][g] += x / draws
				squares[i][g] += x * x / draws
			}
		}
	}
	for i, mean := range tr.expect() {
		require.InDelta(t, 1, floats.Sum(mean), 1e-9)
		for g, m := range mean {
			se := math.Sqrt(max(0, squares[i][g]-sum[i][g]*sum[i][g]) / draws)
			require.InDelta(t, m, sum[i][g], 5*se+1e-6, "cell %d, value %d", i, g)
		}
	}
}

func TestShrinkByHand(t *testing.T) {
	t.Parallel()
	require.InDeltaSlice(t, []float64{0.4, 0.6}, shrink([]float64{3, 2}, 5, []float64{0.2, 0.8}), 1e-12)
	require.InDeltaSlice(t, []float64{9 - 2./3, 0}, without([]float64{9, 0.5}, []float64{2, 2}, 2), 1e-12)
}

func TestDirichletOfNothingIsItsMean(t *testing.T) {
	t.Parallel()
	src := rand.NewPCG(1, 1)
	for _, mean := range [][]float64{{1, 0}, {1e-12, 1e-12}, {0.5, 0.5}} {
		p := dirichlet(src, mean, 1e-9)
		for _, x := range p {
			require.False(t, math.IsNaN(x) || x < 0)
		}
	}
}

// The root's prior is flat beside all installs, and not beside the few that reach it:
// what the app's mean is worth must not hang on a value that nobody has.
func TestTheRootIsNotLiftedByValuesThatNobodyHas(t *testing.T) {
	t.Parallel()
	l := &layout{networks: 2, networkOf: []int{0, 1}, sites: []site{{0, 0}, {1, 1}}}
	tr := &tree{layout: l, categories: 3, window: [][]float64{{450, 50, 0}, {450, 50, 0}}, perNet: 5, perCamp: 5, perWindow: 5}
	tr.base = pooled(3, tr.window, nil)
	tr.passUp()
	require.Less(t, floats.Sum(tr.app), 10.0)
	app, _, _ := tr.means()
	require.InDeltaSlice(t, []float64{0.9, 0.1, 0}, app, 0.001)
	require.Positive(t, app[2], "it stays possible")
	require.InDeltaSlice(t, []float64{0.5, 0.5}, pooled(2, [][]float64{{0, 0}}, []float64{1, 2}), 1e-12, "nothing seen is anything")
}

// What may be anything is worth what is usual: bands that reach far do not lift it.
func TestAnythingIsWorthWhatIsUsual(t *testing.T) {
	t.Parallel()
	worth := []float64{1, 3, 10, 30, 100, 400}
	all := []float64{10, 20, 30, 5, 1, 0}
	p := anything(6, all, worth)
	require.InDelta(t, 1, floats.Sum(p), 1e-9)
	require.InDelta(t, floats.Dot(all, worth)/floats.Sum(all), floats.Dot(p, worth), 1e-6)
	for _, x := range p {
		require.Positive(t, x)
	}
	even := []float64{1. / 3, 1. / 3, 1. / 3}
	for name, worth := range map[string][]float64{"no amounts": nil, "an amount of nothing": {0, 1, 2}} {
		require.InDeltaSlice(t, even, anything(3, []float64{5, 1, 1}, worth), 1e-12, name)
	}
	require.InDeltaSlice(t, even, anything(3, []float64{0, 0, 0}, []float64{1, 2, 3}), 1e-12, "nobody paid")
}
