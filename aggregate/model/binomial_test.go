package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

// Draws are as frequent as the binomial says, on both sides of where the method changes.
func TestBinomialHasItsFrequencies(t *testing.T) {
	t.Parallel()
	src := rand.NewPCG(3, 4)
	for _, c := range []struct {
		n int
		p float64
	}{{1, 0.3}, {5, 0.5}, {40, 0.02}, {40, 0.29}, {40, 0.31}, {60, 0.97}, {3000, 0.001}, {3000, 0.2}, {7, 1e-9}} {
		const draws = 20_000
		counts := map[int]float64{}
		for range draws {
			k := binomial(src, c.n, c.p)
			require.True(t, k >= 0 && k <= c.n)
			counts[k]++
		}
		d := distuv.Binomial{N: float64(c.n), P: c.p}
		square, degrees := 0.0, 0.0
		for k := range c.n + 1 {
			if expected := draws * d.Prob(float64(k)); expected >= 20 {
				square += (counts[k] - expected) * (counts[k] - expected) / expected
				degrees++
			}
		}
		require.LessOrEqual(t, square, degrees+5*math.Sqrt(2*degrees), "%d of %v", c.n, c.p)
	}
	require.Zero(t, binomial(src, 0, 0.5))
	require.Zero(t, binomial(src, 10, 0))
	require.Zero(t, binomial(src, 10, math.NaN()))
	require.Equal(t, 10, binomial(src, 10, 1))
}
