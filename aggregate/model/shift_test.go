package model

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Topical cream against control in eight clinics (Beitler and Landis, Biometrics 1985;
// Agresti, Categorical Data Analysis, 2nd ed., section 6.3: odds ratio 2.13, standard
// error of its logarithm 0.303).
func TestMantelHaenszelOfAgresti(t *testing.T) {
	t.Parallel()
	lor, variance, ok := mantelHaenszel([]table{
		{11, 25, 10, 27}, {16, 4, 22, 10}, {14, 5, 7, 12}, {2, 14, 1, 16},
		{6, 11, 0, 12}, {1, 10, 0, 10}, {1, 4, 1, 8}, {4, 2, 6, 1},
	})
	require.True(t, ok)
	require.InDelta(t, 2.13, math.Exp(lor), 0.005)
	require.InDelta(t, 0.303, math.Sqrt(variance), 0.0005)
}

func TestMantelHaenszelOfOneTableIsWoolfs(t *testing.T) {
	t.Parallel()
	lor, variance, ok := mantelHaenszel([]table{{}, {10, 20, 30, 90}})
	require.True(t, ok)
	require.InDelta(t, math.Log(10.*90/(20*30)), lor, 1e-12)
	require.InDelta(t, 1./10+1./20+1./30+1./90, variance, 1e-12)
	for name, none := range map[string][]table{"nothing": nil, "no small": {{0, 0, 5, 5}}, "no base": {{5, 0, 5, 0}}} {
		_, _, ok := mantelHaenszel(none)
		require.False(t, ok, name)
	}
}

// Thirteen trials of BCG against tuberculosis (Colditz et al., JAMA 1994). The moment
// estimate of the variance of log odds ratios between them is 0.366 around the fixed
// effect of -0.436 (van Houwelingen, Arends and Stijnen, Statistics in Medicine 2002).
func TestHeterogeneityOfTheBCGTrials(t *testing.T) {
	t.Parallel()
	trials := []table{
		{4, 119, 11, 128}, {6, 300, 29, 274}, {3, 228, 11, 209}, {62, 13536, 248, 12619}, {33, 5036, 47, 5761},
		{180, 1361, 372, 1079}, {8, 2537, 10, 619}, {505, 87886, 499, 87892}, {29, 7470, 45, 7232}, {17, 1699, 65, 1600},
		{186, 50448, 141, 27197}, {5, 2493, 3, 2338}, {27, 16886, 29, 17825},
	}
	var groups [][]table
	var sum, weight float64
	for _, trial := range trials {
		x, v, ok := mantelHaenszel([]table{trial})
		require.True(t, ok)
		groups = append(groups, []table{trial})
		sum += x / v
		weight += 1 / v
	}
	require.InDelta(t, -0.436, sum/weight, 0.001)
	require.InDelta(t, 0.366, heterogeneity(groups, sum/weight), 0.001)
	require.Zero(t, heterogeneity(groups[:2], 0), "two groups say nothing of their spread")
	same := [][]table{groups[0], groups[0], groups[0], groups[0]}
	x, _, _ := mantelHaenszel(groups[0])
	require.Zero(t, heterogeneity(same, x))
}

func TestObserveShiftsFindsWhatTier1Shows(t *testing.T) {
	t.Parallel()
	b := bench{networks: 2, campaigns: 3, windows: 4, installs: 20_000, coarse: 0.3, pay: 0.1, shift: -0.7}
	in := b.input(1)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	require.InDelta(t, -0.7, m.shifts.payers, 0.12)
	require.InDelta(t, 1, m.shifts.weight[Low]+m.shifts.weight[Medium]+m.shifts.weight[High], 1e-12)
	require.Less(t, m.shifts.payersSD(), 0.1)
}

func TestWithoutTier1TheShiftIsAnyApps(t *testing.T) {
	t.Parallel()
	b := bench{networks: 1, campaigns: 2, windows: 2, installs: 500, pay: 0.1}
	in := b.input(1)
	s := Defaults()
	m, err := Fit(in, s)
	require.NoError(t, err)
	require.Zero(t, m.shifts.payers)
	require.InDelta(t, s.ShiftSD, m.shifts.payersSD(), 1e-9, "that nothing was seen makes nothing certain")
}

func TestDivideLeavesWholeLevelsTogether(t *testing.T) {
	t.Parallel()
	// A level of which half paid, and one of payers only, shifted by log 1/2: the others
	// of the mixed level take what the payers' shift leaves of 0.8.
	s := shifts{level: [levels]float64{0, math.Log(0.8), math.Log(0.5), 0}}
	s.divide([][]float64{{100, 40, 1000, 0}}, [][]float64{{0, 20, 1000, 0}})
	require.InDelta(t, math.Log(0.5), s.payers, 0.01)
	require.InDelta(t, 0.8, 0.5*math.Exp(s.payers)+0.5*math.Exp(s.others[Medium]), 1e-9)
	require.Zero(t, s.others[Low])
	require.InDelta(t, 0.5*math.Exp(s.payers)/0.8, s.coarsePayers(Medium, 0.5), 1e-9)
	require.Zero(t, s.coarsePayers(Low, 0))
	require.InDelta(t, 1, s.coarsePayers(High, 1), 1e-12)
}

// Of 30 coarse installs 6 are high; where half of what they would tell is not told, the
// shift is half as sure, and is believed less.
func TestWhatIsNotToldMakesAShiftUnsure(t *testing.T) {
	t.Parallel()
	c := Cell{Network: "n", Campaign: "1", Fine: []float64{400, 0, 0, 100, 0, 0}, Coarse: [3]float64{24, 0, 6}}
	require.InDelta(t, 0, missing([]Cell{c}, High), 0)
	unsure := c
	unsure.CoarseVar[High] = 0.5 * 6 * (1 - 6./30)
	require.InDelta(t, 0.5, missing([]Cell{unsure}, High), 1e-12)
	wild := c
	wild.CoarseVar[High] = 1e6
	require.InDelta(t, mostMissing, missing([]Cell{wild}, High), 0)
	require.Zero(t, missing([]Cell{{}}, High))
	fit := func(c Cell) shifts {
		other := c
		other.Fine = []float64{480, 0, 0, 20, 0, 0}
		m, err := Fit(Input{Metrics: 2, Values: benchValues(), Cells: []Cell{other}}, Defaults())
		require.NoError(t, err)
		return m.shifts
	}
	sure, less := fit(c), fit(unsure)
	require.Positive(t, less.level[High])
	require.Less(t, less.level[High], sure.level[High])
	require.Greater(t, less.sd[High], sure.sd[High])
	require.Less(t, fit(wild).level[High], 0.2*sure.level[High])
}
