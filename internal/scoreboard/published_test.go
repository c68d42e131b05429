package scoreboard

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
)

// The truth of a row is that of its installs: find puts as many there as the cut did.
func TestFindAgreesWithTheCut(t *testing.T) {
	t.Parallel()
	for _, installs := range []int{300, 2000, 14_000} {
		w, err := worlds.New(scenario(t, "worse"), 3, installs, 2)
		require.NoError(t, err)
		p, err := publish(w, aggregate.DefaultSettings())
		require.NoError(t, err)
		set := aggregate.Dataset{AppID: 1234567890, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
		at := 0
		for _, x := range w.Weeks {
			for _, row := range aggregate.Cut(set, aggregate.DefaultSettings(), aggregate.Batch{Groups: x.Groups}).Rows {
				require.InDelta(t, row.Installs, p.tally[at].null+p.tally[at].known(), 0, row.Key())
				at++
			}
		}
		require.Len(t, p.tally, at)
		require.Len(t, p.input.Targets, at)
	}
}

func TestFindByHand(t *testing.T) {
	t.Parallel()
	rows := map[string]int{"n/39/239": 0, "n/39/withheld": 1, "n/39/other": 2, "n/other": 3, "m": 4, "other": 5}
	for _, c := range []struct {
		network, source string
		row             int
	}{
		{"n", "5239", 0}, {"n", "239", 0}, {"n", "39", 1}, {"n", "139", 2}, {"n", "40", 3}, {"m", "40", 4}, {"x", "40", 5},
	} {
		i, ok := find(rows, worlds.Place{Network: c.network, Source: c.source})
		require.True(t, ok)
		require.Equal(t, c.row, i, "%s/%s", c.network, c.source)
	}
	_, ok := find(map[string]int{"n": 0}, worlds.Place{Network: "x", Source: "40"})
	require.False(t, ok)
}

// Looser than what is measured over more seeds, as on full counts.
func TestBarsOnPublishedRows(t *testing.T) {
	t.Parallel()
	for _, bar := range []struct {
		name       string
		installs   int
		seeds      []uint64
		best, bias float64 // errors against the best other method on the same rows; bias in percent
	}{
		{"worse", 5000, []uint64{1, 2, 3}, 0.8, 4},
		{"random", 500, []uint64{1, 2, 3, 4, 5, 6, 7, 8}, 1.05, 8},
	} {
		t.Run(fmt.Sprint(bar.name, bar.installs), func(t *testing.T) {
			t.Parallel()
			lines, err := Price(t.Context(), Options{
				Scenarios: []worlds.Scenario{scenario(t, bar.name)}, Seeds: bar.seeds, Installs: bar.installs, Weeks: 8, Settings: model.Defaults(),
			}, aggregate.DefaultSettings(), func() {})
			require.NoError(t, err)
			ours, best := lines[0].Scores[Ours], lines[0].Scores[Fallback].Error
			require.LessOrEqual(t, ours.Error.Payers, bar.best*best.Payers)
			require.LessOrEqual(t, ours.Error.Revenue, bar.best*best.Revenue)
			require.InDelta(t, 0, lines[0].Signed[Ours].Payers, bar.bias)
			requireHeld(t, lines[0], 0.86, 0.78)
		})
	}
}

// requireHeld requires that so large a share of intervals holds the truth.
func requireHeld(t *testing.T, l Line, payers, revenue float64) {
	t.Helper()
	for level, c := range map[string]Covered{"cell": l.Cell, "campaign": l.Campaign} {
		require.GreaterOrEqual(t, float64(c.Payers)/float64(c.Intervals), payers, level)
		require.GreaterOrEqual(t, float64(c.Revenue)/float64(c.Intervals), revenue, level)
	}
	require.GreaterOrEqual(t, float64(l.Network.Payers)/float64(l.Network.Intervals), 0.7)
}
