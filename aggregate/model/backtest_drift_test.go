package model

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// of is a series of back-tests with so many of 40 intervals held.
func series(held ...int) (out []DatedBackTest) {
	for i, h := range held {
		l := BackTestLevel{Level: BackTestCell, Intervals: 40, Held: h, Over: 40 - h}
		if h < 0 {
			l = BackTestLevel{Level: BackTestCell}
		}
		out = append(out, DatedBackTest{Window: fmt.Sprintf("week %d", i), BackTest: BackTest{Levels: []BackTestLevel{l}}})
	}
	return out
}

// With 40 intervals and a coverage of 0.85 the chance of 29 or fewer is 3.0 %, of 30
// or fewer 6.7 %: 29 is below the bound, 30 may be chance.
func TestExactBinomial(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 0.0301, atMost(29, 40, 0.85), 5e-4)
	require.InDelta(t, 0.0672, atMost(30, 40, 0.85), 5e-4)
	require.InDelta(t, 1-0.85*0.85, atMost(1, 2, 0.85), 1e-12)
	require.InDelta(t, 0.15*0.15, atMost(0, 2, 0.85), 1e-12)
	require.Equal(t, 1.0, atMost(3, 3, 0.85))
	for n := 1; n < 20; n++ { // against the sum of chances
		sum, p := 0.0, 0.3
		for k := range n {
			sum += exp(logChoose(n, k)) * pow(p, k) * pow(1-p, n-k)
			require.InDelta(t, sum, atMost(k, n, p), 1e-9)
		}
	}
}

func pow(x float64, n int) float64 {
	out := 1.0
	for range n {
		out *= x
	}
	return out
}

func TestDrift(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		held  []int
		alarm bool
		from  string
	}{
		"nothing":                          {nil, false, ""},
		"one test":                         {[]int{10}, false, ""},
		"all hold":                         {[]int{36, 37, 36, 40}, false, ""},
		"two running":                      {[]int{37, 29, 29}, true, "week 1"},
		"one alone":                        {[]int{37, 37, 10}, false, ""},
		"just above":                       {[]int{30, 30, 30}, false, ""},
		"apart":                            {[]int{20, 37, 20}, false, ""},
		"over":                             {[]int{20, 20, 37}, false, ""},
		"a window without any between":     {[]int{37, 20, -1, 20}, true, "week 1"},
		"the last one without any":         {[]int{20, 20, -1}, true, "week 0"},
		"two tests, one with no intervals": {[]int{-1, 20}, false, ""},
	} {
		alarms, err := FindDrift(series(c.held...), DriftDefaults())
		require.NoError(t, err, name)
		if !c.alarm {
			require.Empty(t, alarms, name)
			continue
		}
		require.Len(t, alarms, 1, name)
		require.Equal(t, c.from, alarms[0].From, name)
		require.Less(t, alarms[0].Chance, 0.05, name)
		require.Contains(t, alarms[0].Do, "higher", name)
	}
}

func TestDriftSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := series(20, 28)
	alarms, err := FindDrift(s, DriftDefaults())
	require.NoError(t, err)
	require.Equal(t, "From week 0 to week 1 48 of 80 intervals of known values held at level cell (60 %; the alarm is below 85 %): 0 values were below theirs, 32 above.", alarms[0].Says)
	for i := range s {
		l := &s[i].Levels[0]
		l.Under, l.Over = l.Over, 0
	}
	alarms, err = FindDrift(s, DriftDefaults())
	require.NoError(t, err)
	require.Contains(t, alarms[0].Do, "no longer sets")
	for i := range s {
		l := &s[i].Levels[0]
		l.Over = l.Under / 2
		l.Under -= l.Over
	}
	alarms, err = FindDrift(s, DriftDefaults())
	require.NoError(t, err)
	require.Contains(t, alarms[0].Do, "both higher and lower")
}

func TestDriftSettings(t *testing.T) {
	t.Parallel()
	for field, s := range map[string]DriftSettings{
		"bound": {1, 0.05, 2}, "significance": {0.85, 0, 2}, "running": {0.85, 0.05, 0},
	} {
		_, err := FindDrift(nil, s)
		require.ErrorContains(t, err, field)
	}
}

// An app whose intervals hold as they should raises next to no alarm; one whose
// intervals hold two thirds of the time raises one in most pairs of windows.
func TestDriftPower(t *testing.T) {
	t.Parallel()
	alarms := func(coverage float64) (n int) {
		r := rand.New(rand.NewPCG(1, 9))
		for range 2_000 {
			held := [2]int{}
			for i := range held {
				for range 40 {
					if r.Float64() < coverage {
						held[i]++
					}
				}
			}
			found, err := FindDrift(series(held[:]...), DriftDefaults())
			require.NoError(t, err)
			n += len(found)
		}
		return n
	}
	require.LessOrEqual(t, alarms(0.90), 2)
	require.LessOrEqual(t, alarms(0.85), 10) // 0.03 x 0.03 of 2,000
	require.GreaterOrEqual(t, alarms(0.66), 1_000)
}
