package model

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// simulated are children whose shares vary around a prior with this concentration.
func simulated(src rand.Source, a float64, children, installs int, prior []float64) (counts, priors [][]float64) {
	r := rand.New(src)
	for range children {
		p := dirichlet(src, prior, a)
		c := make([]float64, len(prior))
		for range installs {
			c[pick(r, p, 1)]++
		}
		counts, priors = append(counts, c), append(priors, prior)
	}
	return counts, priors
}

func TestPolyaRecoversConcentrations(t *testing.T) {
	t.Parallel()
	for _, a := range []float64{3, 30, 300} {
		counts, priors := simulated(rand.NewPCG(uint64(a), 1), a, 400, 200, []float64{0.7, 0.2, 0.1})
		found := polya(counts, priors)
		require.InDelta(t, 1, found/a, 0.4, "concentration %v: %v", a, found)
	}
}

func TestPolyaKnowsItsEnds(t *testing.T) {
	t.Parallel()
	prior := []float64{0.5, 0.5}
	counts, priors := simulated(rand.NewPCG(1, 1), 1e9, 300, 500, prior)
	require.Greater(t, polya(counts, priors), 5e3, "children that are alike")
	require.Less(t, polya([][]float64{{50, 0}, {0, 50}, {50, 0}}, [][]float64{prior, prior, prior}), 2.0, "children that have nothing in common")
	require.InDelta(t, startConcentration, polya([][]float64{{1, 0}, {0, 0}}, [][]float64{prior, prior}), 0, "children of one install tell nothing")
	require.InDelta(t, startConcentration, polya(nil, nil), 0)
}

func TestCredibilityRecoversConcentrations(t *testing.T) {
	t.Parallel()
	worth := []float64{1, 5, 20}
	for _, a := range []float64{5, 50, 200} {
		counts, priors := simulated(rand.NewPCG(uint64(a), 2), a, 600, 100, []float64{0.6, 0.3, 0.1})
		found := credibility(worth)(counts, priors)
		require.InDelta(t, 1, found/a, 0.5, "concentration %v: %v", a, found)
	}
}

// Two nodes by hand: of 4 and 4 installs worth 0 or 1, means 1/4 and 3/4 around 1/2.
// Within: 8 * 3/16 / 6 = 1/4. Between: 8 * 1/16 = 1/2; less 2 * 1/4: nothing is left.
// With means 0 and 1, within is 0; with 1/8 and 7/8 of 8: 16 * 7/64 / 14 = 1/8,
// between 16 * 9/64 = 9/4, (9/4 - 2/8) / 16 = 1/8: the concentration is 1.
func TestCredibilityByHand(t *testing.T) {
	t.Parallel()
	of, half := credibility([]float64{0, 1}), [][]float64{{0.5, 0.5}, {0.5, 0.5}}
	require.InDelta(t, mostConcentration, of([][]float64{{3, 1}, {1, 3}}, half), 0)
	require.InDelta(t, mostConcentration, of([][]float64{{4, 0}, {0, 4}}, half), 0)
	require.InDelta(t, 1, of([][]float64{{7, 1}, {1, 7}}, half), 1e-12)
	require.InDelta(t, mostConcentration, of(nil, nil), 0)
}
