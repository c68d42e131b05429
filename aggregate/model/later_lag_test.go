package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLagWeights(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		index, hours int
		locks        [3]int
		mean         float64 // in hours: the points of first launch apart
	}{
		{1, 168, [3]int{}, 252 - 84},
		{2, 168, [3]int{}, 924 - 84},
		{1, 24, [3]int{}, 168},
		{2, 24, [3]int{}, 840},
		{1, 168, [3]int{24, 0, 0}, 252 - 60},
		{1, 168, [3]int{0, 72, 0}, 48 + 72 + 84 - 84},
		{2, 24, [3]int{24, 0, 240}, 168 + 240 + 84 - 60},
	} {
		weights, err := LagWeights(c.index, c.hours, c.locks)
		require.NoError(t, err)
		sum, mean := 0.0, 0.0
		for later, w := range weights {
			require.GreaterOrEqual(t, w, 0.0)
			sum += w
			mean += w * float64(later*c.hours)
		}
		require.InDelta(t, 1, sum, 1e-9)
		require.InDelta(t, c.mean, mean, 0.5)
		require.Positive(t, weights[len(weights)-1])
	}
	weekly, err := LagWeights(1, 168, [3]int{})
	require.NoError(t, err)
	require.Len(t, weekly, 3, "at least four days later, at most ten")
	require.Greater(t, weekly[1], 0.75)
	require.InDelta(t, weekly[0], weekly[2], 1e-3, "a week later, as often less as more")
}

func TestLagWeightsRefuse(t *testing.T) {
	t.Parallel()
	for _, index := range []int{-1, 0, 3} {
		_, err := LagWeights(index, 168, [3]int{})
		require.ErrorContains(t, err, "index")
	}
	_, err := LagWeights(1, 0, [3]int{})
	require.ErrorContains(t, err, "hour")
}
