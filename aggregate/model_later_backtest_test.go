package aggregate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
)

// Nothing that is hidden was imputed: what is known is what the histograms count.
func TestBackTestKnowsHistogramsOnly(t *testing.T) {
	t.Parallel()
	_, a, windows := publishedWorld(t, "worse", 3, 5_000, 2)
	counted := 0
	for _, w := range windows {
		for _, b := range w.Values {
			if b.Kind == aggregate.BinFine && b.Installs != nil {
				counted += *b.Installs
			}
		}
	}
	require.Positive(t, counted)
	s := model.Defaults()
	s.Draws = 20
	b, err := aggregate.BackTestPublished(a, windows, s, model.BackTestOptions{Share: 0.2, Seed: 1})
	require.NoError(t, err)
	require.InDelta(t, counted, b.Known, float64(len(windows)*60)) // each cell's whole number is rounded
	require.LessOrEqual(t, b.Known, counted+1)
	require.InDelta(t, 0.2*float64(b.Known), b.Hidden, 1)
	again, err := aggregate.BackTestPublished(a, windows, s, model.BackTestOptions{Share: 0.2, Seed: 1})
	require.NoError(t, err)
	require.Equal(t, b, again)

	_, err = aggregate.BackTestPublished(a, nil, s, model.BackTestOptions{Share: 0.2})
	require.ErrorIs(t, err, model.ErrNoSignal)
}

// Intervals of hidden values hold in worlds of any size, small crowds worse or not: what
// is hidden at random is foretold at random. Counts of few installs hold more often.
// Worlds of this size have few networks: their bound only finds what is broken.
func TestBackTestHoldsInWorlds(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	for _, c := range []struct {
		scenario string
		installs int
		seeds    uint64
	}{{"random", 500, 12}, {"worse", 500, 12}, {"random", 5_000, 2}, {"worse", 14_000, 1}} {
		held, of := map[string][2]int{}, map[string]int{}
		for seed := range c.seeds {
			_, a, windows := publishedWorld(t, c.scenario, 10+seed, c.installs, 3)
			b, err := aggregate.BackTestPublished(a, windows, model.Defaults(), model.BackTestOptions{Share: 0.2, Seed: seed})
			require.NoError(t, err)
			for _, l := range b.Levels {
				if l.Metric > 1 {
					continue
				}
				h := held[l.Level]
				h[l.Metric] += l.Held
				held[l.Level] = h
				if l.Metric == 0 {
					of[l.Level] += l.Intervals
				}
			}
		}
		t.Log(c.scenario, c.installs, held, of)
		for level, least := range map[string]float64{model.BackTestCell: 0.85, model.BackTestCampaign: 0.75, model.BackTestNetwork: 0.50} {
			for metric := range 2 {
				share := float64(held[level][metric]) / float64(of[level])
				require.GreaterOrEqual(t, share, least, "%s %d %s metric %d", c.scenario, c.installs, level, metric)
			}
		}
	}
}
