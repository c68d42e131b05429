package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Looking only where a coarse grid says that there is anything loses nothing.
func TestTheCoarseGridMissesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		b := bench{networks: 3, campaigns: 5, windows: 3, installs: 300 * (1 + int(seed)), coarse: 0.2, null: 0.4, pay: 0.15, shift: -0.5, spread: 0.2, consent: 0.3, bias: 0.4*float64(seed) - 0.6}
		m, err := Fit(b.input(seed), Defaults())
		require.NoError(t, err)
		lines := m.judge()
		sum := func(depth float64) (shift, bias float64, points int) {
			of, best := m.points(lines, 0.2, depth)
			total := 0.0
			for _, p := range of {
				e := exp(p.log - best)
				total += e
				shift, bias = shift+e*p.shift, bias+e*p.bias
			}
			return shift / total, bias / total, len(of)
		}
		shift, bias, few := sum(gridDepth)
		wholeShift, wholeBias, all := sum(1e9)
		require.InDelta(t, wholeShift, shift, 1e-4)
		require.InDelta(t, wholeBias, bias, 1e-4)
		require.Less(t, few, all)
	}
}

// A cohort and the cells are taken for different people: that a few cells look unlike a
// large cohort moves less than that many do.
func TestAFewCellsAreNoMeasureOfACohort(t *testing.T) {
	t.Parallel()
	few, many := judged{installs: 40}, judged{installs: 40_000}
	require.InDelta(t, square(leastDeviation)+1/(40*0.1*0.9), few.apart(0.1), 1e-12)
	require.Less(t, many.apart(0.1), few.apart(0.1)/100)
	require.Less(t, (&judged{}).apart(0.5), 5.0, "nobody is no infinity")
}
