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

// The figure of docs/schema-simulate.md: go test ./schema -run SuggestBeatsEqualBands -v
func TestSuggestBeatsEqualBands(t *testing.T) {
	t.Parallel()
	current, err := fixtures.PuzzleSchema()
	require.NoError(t, err)
	for _, seed := range []uint64{1, 2} {
		s, err := schema.Suggest(schema.Evidence{Installs: simulated(t, 10000, seed)},
			schema.SuggestOptions{Bands: 20, Currency: "USD", Event: "purchase", From: 3, Current: current})
		require.NoError(t, err)
		t.Logf("seed %d: %d installs, %d payers, true revenue %s; mean absolute error per install (held out): suggested %s, equal bands %s, best equal bands %s, sample schema %s; total error: %s, %s, %s, %s",
			seed, s.Installs, s.Payers, s.Suggested.True,
			s.Suggested.MeanAbsolute.Round(4), s.Equal.MeanAbsolute.Round(4), s.BestEqual.MeanAbsolute.Round(4), s.Current.MeanAbsolute.Round(4),
			percent(s.Suggested), percent(s.Equal), percent(s.BestEqual), percent(*s.Current))
		require.True(t, s.Document.Validate().OK)
		require.True(t, s.Suggested.MeanAbsolute.LessThan(s.Equal.MeanAbsolute))
		require.True(t, s.Suggested.MeanAbsolute.LessThan(s.BestEqual.MeanAbsolute))
		require.True(t, s.Suggested.MeanAbsolute.LessThan(s.Current.MeanAbsolute))
		require.True(t, s.Suggested.True.Equal(s.Equal.True) && s.Suggested.True.Equal(s.Current.True))
		require.True(t, s.Suggested.TotalShare.Abs().LessThan(decimal.New(5, -2)), "totals stay unbiased: %s", s.Suggested.TotalShare)
	}
}

func percent(e schema.RevenueError) string { return e.TotalShare.Shift(2).Round(2).String() + " %" }
