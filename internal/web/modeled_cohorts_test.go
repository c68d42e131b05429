package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/store"
)

// TestCohortsModeled: each row has its own numbers behind it, a redecode those of its
// base's window; what was not modelled yet, and what has no signal, has none.
func TestCohortsModeled(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		modeledMonth(t, s)
		plain := everyFormat(t, b, "/v1/cohorts?app=7")
		table := everyFormat(t, b, "/v1/cohorts?app=7&modeled=true&events=level_10,unknown")
		require.Len(t, table, len(plain))
		for i, row := range plain {
			require.Equal(t, row, table[i][:len(row)], "what was observed is as it was")
		}
		require.Equal(t, "signal,interval,model_version,payers_estimate,payers_low,payers_high,revenue_estimate,revenue_low,revenue_high,"+
			"event_level_10_estimate,event_level_10_low,event_level_10_high,event_unknown_estimate,event_unknown_low,event_unknown_high",
			strings.Join(table[0][len(plain[0]):], ","))
		want := []string{
			"a.skadnetwork 39 10 yes 0.9 1 0.5 2.5 0.5 0.5 ", "a.skadnetwork   yes 0.9 1 10.5 12.5 10.5 10.5 ",
			"a/b.net  8 yes 0.9 1 20.5 22.5 20.5 20.5 ", "   yes 0.9 1 30.5 32.5 30.5 30.5 ",
		}
		names := []string{"network_id", "source_2", "payers", "signal", "interval", "model_version", "payers_estimate", "payers_high", "revenue_estimate", "event_level_10_estimate", "event_unknown_estimate"}
		got := cells(t, table, names...)
		require.ElementsMatch(t, want, got[:4])
		require.Equal(t, []string{"", "", "", ""}, cells(t, table, "payers_estimate")[12:], "the last week is not modelled yet")

		again, _ := modeledWeek(0)
		again.Kind, again.Rows[0].Payers = aggregate.ReleaseRedecode, known(11)
		again.ID = aggregate.ReleaseID(again.Dataset, again.Window, again.View, again.Kind, 0)
		require.NoError(t, s.Publish(t.Context(), again))
		table = everyFormat(t, b, "/v1/cohorts?app=7&modeled=true&level=src2&to=2026-11-09")
		require.Equal(t, []string{"11 0.5"}, cells(t, table, "payers", "payers_estimate"))
	})
}

// TestCohortsModeledPages: pages join to the whole, however they fall, with the ledger's
// lines of rows and of models.
func TestCohortsModeledPages(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		modeledMonth(t, s)
		whole := b.ask("GET", "/v1/cohorts?modeled=true", "viewer", "")
		require.Len(t, whole.at(t, "releases"), 4+3)
		require.Len(t, b.ask("GET", "/v1/cohorts", "viewer", "").at(t, "releases"), 4, "without estimates the model's are no part of it")
		require.NotEqual(t, whole.header.Get("ETag"), b.ask("GET", "/v1/cohorts", "viewer", "").header.Get("ETag"))
		var rows []any
		cursor := ""
		for {
			a := b.ask("GET", "/v1/cohorts?modeled=true&limit=3&cursor="+cursor, "viewer", "")
			require.Equal(t, 200, a.status, a.body)
			rows = append(rows, a.at(t, "data").([]any)...)
			next, _ := a.at(t, "next_cursor").(string)
			if cursor = next; cursor == "" {
				break
			}
		}
		require.Equal(t, whole.at(t, "data"), any(rows))
	})
}

// TestCohortsModeledSums: sums have the roll-up of the same rows beside them, and what no
// roll-up is of has none.
func TestCohortsModeledSums(t *testing.T) {
	onBoth(t, func(t *testing.T, b *testBundle, s *store.Store) {
		modeledMonth(t, s)
		plain := everyFormat(t, b, "/v1/cohorts?app=7&group=week,network,source_2")
		table := everyFormat(t, b, "/v1/cohorts?app=7&group=week,network,source_2&modeled=true")
		for i, row := range plain {
			require.Equal(t, row, table[i][:len(row)])
		}
		require.ElementsMatch(t, []string{"  31 ", "a.skadnetwork  25 ", "a.skadnetwork 39 40 400", "a/b.net  60 "},
			cells(t, everyFormat(t, b, "/v1/cohorts?app=7&group=week,network,source_2&modeled=true&to=2026-11-09"), "network_id", "source_2", "installs", "payers_estimate"),
			"only a campaign has a campaign's roll-up")
		require.Equal(t, []string{" 31 ", "a.skadnetwork 65 200", "a/b.net 60 300"},
			cells(t, everyFormat(t, b, "/v1/cohorts?app=7&group=week,network&modeled=true&to=2026-11-09"), "network_id", "installs", "payers_estimate"))
		require.Equal(t, []string{"156 18 100 98 102 USD", "156 18 101 99 103 USD", "156 18 102 100 104 USD", "156 18    USD"},
			cells(t, everyFormat(t, b, "/v1/cohorts?app=7&group=week&modeled=true"), "installs", "payers", "payers_estimate", "payers_low", "payers_high", "currency"))
		require.Equal(t, []string{"624 72 "}, cells(t, everyFormat(t, b, "/v1/cohorts?app=7&group=month&modeled=true"), "installs", "payers", "payers_estimate"))
	})
}
