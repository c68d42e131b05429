package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Values that were filled in by the app's mix count as installs and as payers, and say
// nothing of how what payers spend differs.
func TestAssumedValuesTellNothingOfSpending(t *testing.T) {
	t.Parallel()
	cell := func(network string, fine, assumed []float64) Cell {
		return Cell{Network: network, Campaign: "1", Fine: fine, Assumed: assumed, Null: 50}
	}
	in := Input{Metrics: 2, Values: benchValues(), Cells: []Cell{
		cell("a", []float64{200, 0, 0, 30, 20, 10}, nil),
		cell("b", []float64{200, 0, 0, 10, 10, 40}, []float64{200, 0, 0, 10, 10, 40}),
	}}
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	w := m.mean()
	require.InDeltaSlice(t, w.values[High][1][0], w.values[High][1][1], 0.1, "b says nothing of its own")
	require.InDelta(t, w.level[0][High], w.level[1][High], 1e-6)
	in.Cells[1].Assumed = nil
	m, err = Fit(in, Defaults())
	require.NoError(t, err)
	w = m.mean()
	require.Greater(t, w.values[High][1][1][2], w.values[High][1][0][2]+0.25, "now it does")
	in.Cells[1].Assumed = []float64{1}
	_, err = Fit(in, Defaults())
	require.ErrorContains(t, err, "assumes 1 values of 6")
	in.Cells[1].Assumed, in.Cells[1].Random = nil, -1
	_, err = Fit(in, Defaults())
	require.Error(t, err)
}

// Installs whose value is not told are there where a cohort is compared: what is null is
// a smaller part of them.
func TestInstallsThatAreNotToldDiluteTheNullTier(t *testing.T) {
	t.Parallel()
	slope := func(random float64) float64 {
		in := Input{Metrics: 2, Values: benchValues(), Consented: []Evidence{{Network: "n", Campaign: "1", Installs: 200, Payers: 30}}, Cells: []Cell{
			{Network: "n", Campaign: "1", Fine: []float64{200, 0, 0, 10, 10, 10}, Null: 100, Random: random},
		}}
		m, err := Fit(in, Defaults())
		require.NoError(t, err)
		lines := m.judge()
		require.InDelta(t, 330+random, lines[0].installs, 1e-9)
		_, slope := m.at(m.mean(), lines[0], 0)
		return slope
	}
	require.InDelta(t, slope(0)*330/660, slope(330), 0.02)
}
