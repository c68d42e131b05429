package aggregate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/fixtures/worlds"
	"skand/schema"
)

var laterSet = aggregate.Dataset{AppID: 1234567890, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}

// publishedWorld is a world as the sealer would publish it.
func publishedWorld(t *testing.T, scenario string, seed uint64, installs, weeks int) (*worlds.World, *aggregate.Alphabet, []aggregate.ModelWindow) {
	t.Helper()
	s, ok := worlds.Find(scenario)
	require.True(t, ok, scenario)
	w, err := worlds.New(s, seed, installs, weeks)
	require.NoError(t, err)
	meanings := []aggregate.Meaning{aggregate.MeaningOf(1, w.Schema, laterSet)}
	var windows []aggregate.ModelWindow
	for week, x := range w.Weeks {
		p := aggregate.Cut(laterSet, aggregate.Settings{K: 20, B: 5, Depth: 4}, aggregate.Batch{Groups: x.Groups, Schemas: meanings})
		windows = append(windows, aggregate.ModelWindow{Window: week, B: 5, Rows: p.Rows, Remainders: p.Remainders, Values: p.Values})
	}
	return w, aggregate.NewAlphabet(map[int]*schema.Document{1: w.Schema}, laterSet), windows
}
