package schema_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/fixtures"
	"skand/fixtures/traffic"
	"skand/schema"
)

// simulated draws installs with their events from the simulated world, as an SDK
// would report them.
func simulated(t testing.TB, n int, seed uint64) []schema.Install {
	t.Helper()
	doc, err := fixtures.PuzzleSchema()
	require.NoError(t, err)
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	lines, _, err := traffic.Consented{
		Seed: seed, AppID: fixtures.PuzzleAppID, Networks: []string{"example123.skadnetwork"}, N: n,
		From: start, To: start.AddDate(0, 0, 14), Schema: doc,
	}.Lines()
	require.NoError(t, err)
	place := map[string]int{}
	var installs []schema.Install
	var events []struct {
		InstallID, Name string
		Time            time.Time
		Revenue         decimal.Decimal
	}
	for _, l := range lines {
		var body struct {
			ID        string
			InstallID string `json:"install_id"`
			Name      string
			Time      time.Time
			Revenue   decimal.Decimal
		}
		require.NoError(t, json.Unmarshal(l.Body, &body))
		switch l.Path {
		case "/v1/installs":
			place[body.ID] = len(installs)
			installs = append(installs, schema.Install{Events: []schema.Event{{Name: schema.FirstLaunch, Time: body.Time}}})
		case "/v1/events":
			events = append(events, struct {
				InstallID, Name string
				Time            time.Time
				Revenue         decimal.Decimal
			}{body.InstallID, body.Name, body.Time, body.Revenue})
		}
	}
	for _, e := range events {
		i := &installs[place[e.InstallID]]
		i.Events = append(i.Events, schema.Event{Name: e.Name, Time: e.Time, Revenue: e.Revenue})
	}
	return installs
}

// The figures of docs/schema-simulate.md: go test ./schema -run SuggestBeatsEqualBands -v
func TestSuggestBeatsEqualBands(t *testing.T) {
	t.Parallel()
	current, err := fixtures.PuzzleSchema()
	require.NoError(t, err)
	o := schema.SuggestOptions{Bands: 20, Currency: "USD", Event: "purchase", From: 3, Current: current}
	fresh := schema.SpentOnly(simulated(t, 20000, 99))
	var worlds [][]schema.Install
	for seed := range uint64(3) {
		worlds = append(worlds, simulated(t, 10000, 1+seed))
	}
	for _, n := range []int{300, 600, 2000, 10000} {
		shares, least, most := 0.0, 9.0, 0.0
		samples, payers := 0, 0
		var held, ours float64
		for _, world := range worlds {
			// Several small samples of one world, few of a large one.
			for from := 0; from < min(len(world), 4*n); from += n {
				suggested, bestEqual, s := schema.FreshErrors(t, world[from:from+n], fresh, o)
				require.True(t, s.Document.Validate().OK)
				require.True(t, s.Suggested.True.Equal(s.Equal.True) && s.Suggested.True.Equal(s.Current.True))
				share := suggested / bestEqual
				shares, least, most = shares+share, min(least, share), max(most, share)
				held += s.Suggested.MeanAbsolute.InexactFloat64()
				ours += suggested / 100 / float64(len(fresh))
				samples, payers = samples+1, payers+s.Payers
			}
		}
		mean := shares / float64(samples)
		t.Logf("%5d installs (%3d payers), %d samples: error on 20000 fresh installs %.4f per install (held out: %.4f), %.2f of that of best equal bands (%.2f to %.2f)",
			n, payers/samples, samples, ours/float64(samples), held/float64(samples), mean, least, most)
		require.LessOrEqual(t, mean, 1.03)
		if n >= 2000 {
			require.LessOrEqual(t, mean, 0.75)
		}
	}
}
