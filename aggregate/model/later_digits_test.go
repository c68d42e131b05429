package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAllocate(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(2, 31)), 3, 2, 60, true)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	p := m.Predict([]Target{{Cell: 0, Seen: []float64{4, 40}, Null: 25}}, nil, 1)
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 32))
		siblings := make([]float64, 1+r.IntN(6))
		for i := range siblings {
			siblings[i] = float64(r.IntN(400))
		}
		siblings[0]++
		all, err := p.Allocate(0, 60, siblings, AllocationDefaults(), seed)
		require.NoError(t, err)
		again, err := p.Allocate(0, 60, siblings, AllocationDefaults(), seed)
		require.NoError(t, err)
		require.Equal(t, all, again)
		var share, installs float64
		amounts := make([]float64, in.Metrics)
		for i, a := range all {
			for _, x := range append([]Interval{a.Share, a.Installs}, a.Amounts...) {
				require.False(t, math.IsNaN(x.Low+x.Estimate+x.High))
				require.True(t, 0 <= x.Low && x.Low <= x.Estimate && x.Estimate <= x.High)
			}
			require.LessOrEqual(t, a.Share.High, 1+1e-9)
			require.LessOrEqual(t, a.Installs.High, 60.0)
			if siblings[i] == 0 {
				require.Zero(t, a.Share.Estimate)
			}
			share += a.Share.Estimate
			installs += a.Installs.Estimate
			for metric, x := range a.Amounts {
				amounts[metric] += x.Estimate
			}
		}
		require.InDelta(t, 1, share, 1e-9)
		require.InDelta(t, 60, installs, 1e-9)
		for metric, sum := range amounts {
			require.InDelta(t, p.Of(0, metric).Estimate, sum, 1e-6, "the row's estimate, and no more")
		}
	}
	none, err := p.Allocate(0, 60, nil, AllocationDefaults(), 1)
	require.NoError(t, err)
	require.Empty(t, none)
	none, err = p.Allocate(0, 60, []float64{0, 0}, AllocationDefaults(), 1)
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = p.Allocate(0, 60, []float64{math.NaN()}, AllocationDefaults(), 1)
	require.Error(t, err)
	_, err = p.Allocate(0, 60, []float64{1}, AllocationSettings{}, 1)
	require.ErrorContains(t, err, "most")
}

// Where crowds whose digits are withheld have a mix of their own, as far from their
// siblings' as 30 installs are from a large number, nine in ten intervals hold.
func TestAllocateHolds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 33))
	p := &Prediction{draws: 400, coverage: 0.9, estimate: [][]float64{{}}, sample: [][]float64{{}}}
	held, of := 0, 0
	for seed := range uint64(150) {
		siblings := []float64{200 + float64(r.IntN(800)), 100 + float64(r.IntN(300)), 60}
		total := siblings[0] + siblings[1] + siblings[2]
		src := rand.NewPCG(seed, 34)
		mix := dirichlet(src, []float64{siblings[0] / total, siblings[1] / total, siblings[2] / total}, 30)
		truth, left := make([]float64, 3), 80
		truth[0] = float64(binomial(src, left, mix[0]))
		truth[1] = float64(binomial(src, left-int(truth[0]), mix[1]/(mix[1]+mix[2])))
		truth[2] = 80 - truth[0] - truth[1]
		all, err := p.Allocate(0, 80, siblings, AllocationDefaults(), seed)
		require.NoError(t, err)
		for i, a := range all {
			of++
			if truth[i] >= a.Installs.Low && truth[i] <= a.Installs.High {
				held++
			}
		}
	}
	require.InDelta(t, 0.91, float64(held)/float64(of), 0.05)
}
