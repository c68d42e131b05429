package scoreboard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate/model"
	"skand/fixtures/worlds"
)

func scenario(t *testing.T, name string) worlds.Scenario {
	t.Helper()
	s, ok := worlds.Find(name)
	require.True(t, ok, name)
	return s
}

// The bars are looser than what is measured over more seeds (docs/scoreboard.md): four
// worlds of a scenario have their luck.
func TestBarsOnFullCounts(t *testing.T) {
	t.Parallel()
	for _, bar := range []struct {
		name                     string
		floor, best, bestRevenue float64 // errors against the floor, and against the best other method
		bias                     float64
	}{
		{"random", 1.25, 1.05, 1.05, 4},
		{"worse", 1.25, 0.78, 0.90, 4},
	} {
		t.Run(bar.name, func(t *testing.T) {
			t.Parallel()
			worldsJudged := 0
			lines, err := Run(t.Context(), Options{
				Scenarios: []worlds.Scenario{scenario(t, bar.name)}, Seeds: []uint64{1, 2, 3, 4}, Installs: 5000, Weeks: 8, Settings: model.Defaults(),
			}, func() { worldsJudged++ })
			require.NoError(t, err)
			require.Equal(t, 4, worldsJudged)
			l := lines[0]
			ours, floor := l.Scores[Ours], l.Scores[Floor]
			best := l.Scores[Proportional].Error
			if f := l.Scores[Fallback].Error; f.Payers < best.Payers {
				best = f
			}
			require.LessOrEqual(t, ours.Error.Payers, bar.floor*floor.Error.Payers)
			require.LessOrEqual(t, ours.Error.Revenue, bar.floor*floor.Error.Revenue)
			require.LessOrEqual(t, ours.Error.Payers, bar.best*best.Payers)
			require.LessOrEqual(t, ours.Error.Revenue, bar.bestRevenue*best.Revenue)
			require.LessOrEqual(t, ours.Bias.Payers, bar.bias)
			require.Less(t, ours.Error.Payers, l.Scores[Naive].Error.Payers/2, "what is withheld is not nothing")
			requireHeld(t, l, 0.86, 0.80)
		})
	}
}

func TestRunNamesTheScenario(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Options{Scenarios: []worlds.Scenario{scenario(t, "worse")}, Seeds: []uint64{1}, Installs: 0, Weeks: 1}, func() {})
	require.ErrorContains(t, err, "scenario worse")
	_, err = Run(t.Context(), Options{Scenarios: []worlds.Scenario{scenario(t, "worse")}, Seeds: []uint64{4}, Installs: 300, Weeks: 1}, func() {})
	require.ErrorContains(t, err, "scenario worse, seed 4: fit a world: model settings")
}

func TestMethodsByHand(t *testing.T) {
	t.Parallel()
	// Value 0: nobody, level low; value 1: a payer of 10, level high.
	w := worth{[]model.Value{{Level: model.Low, Amounts: []float64{0, 0}}, {Level: model.High, Payer: true, Amounts: []float64{1, 10}}}}
	k := func(source string) Key { return Key{Place: worlds.Place{Network: "n", Source: source}} }
	cells := map[Key]*tally{
		k("10"): {fine: map[int]float64{0: 90, 1: 10}, null: 100, coarse: [3]float64{9, 0, 1}},
		k("11"): {null: 50}, // nothing known: as its network
	}
	require.Equal(t, Amounts{10, 100}, naive(cells, w)[k("10")])
	require.InDelta(t, 21, proportional(cells, w)[k("10")].Payers, 1e-9, "10 of 100, of 210 installs")
	require.Equal(t, Amounts{}, proportional(cells, w)[k("11")])
	f := fallback(cells, w)
	require.InDelta(t, 21, f[k("10")].Payers, 1e-9, "11 of the 110 known, and 10 of 100 null")
	require.InDelta(t, 50.*110/1100, f[k("11")].Payers, 1e-9)
	require.InDelta(t, 50, f[k("11")].Revenue, 1e-9)
}

func TestJudgeByHand(t *testing.T) {
	t.Parallel()
	k := func(week int) Key { return Key{Week: week} }
	s := judge(Estimates{k(0): {10, 100}, k(1): {30, 100}}, Estimates{k(0): {12, 80}, k(1): {26, 120}, k(2): {9, 9}})
	require.InDelta(t, 15, s.Error.Payers, 1e-9)
	require.InDelta(t, -5, s.Bias.Payers, 1e-9)
	require.InDelta(t, 20, s.Error.Revenue, 1e-9)
	require.InDelta(t, 0, s.Bias.Revenue, 1e-9)
}
