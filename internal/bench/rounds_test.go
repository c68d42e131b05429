package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedianAndQuantile(t *testing.T) {
	t.Parallel()
	require.Equal(t, 2.0, median([]float64{3, 1, 2}))
	require.Equal(t, 2.5, median([]float64{4, 1, 2, 3}))
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i
	}
	require.Equal(t, 50, quantile(hundred, 0.5))
	require.Equal(t, 99, quantile(hundred, 0.99))
	require.Equal(t, 7, quantile([]int{7}, 0.99))
}

func TestRoundsGoForwardsAndBackwards(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{0, 1, 2}, order(0, 3))
	require.Equal(t, []int{2, 1, 0}, order(1, 3))
	require.Equal(t, []float64{2, 0.5}, ratios([]float64{4, 1}, []float64{2, 2}))
}
