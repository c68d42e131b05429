package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/fixtures"
	"skand/internal/apply"
	"skand/internal/store"
)

// reported is a bundle with one sealed week of consented installs: 30 that a campaign
// led to, of whom 21 came far and 11 bought for 2.50, and 25 organic ones.
func reported(t *testing.T) *testBundle {
	t.Helper()
	b := setup(t)
	_, err := b.store.Apply(t.Context(), &apply.Bundle{
		Apps:     []apply.App{{AppID: fixtures.PuzzleAppID, AppConsented: apply.AppConsented{Funnel: [][]string{{"level_10", "purchase"}}}}},
		Networks: []apply.Network{{NetworkID: "a.skadnetwork", Campaigns: []apply.Campaign{{Source: "39", CampaignID: "spring"}}}},
	}, "test", false)
	require.NoError(t, err)
	in, now := conversion.Intake{Store: b.store}, b.now.Now()
	for i := range 55 {
		id := fmt.Sprint("i", i)
		install := conversion.Install{ID: id, AppID: fixtures.PuzzleAppID, Time: now}
		if i < 30 {
			install.ClickID = "c" + id
			_, err := in.Click(t.Context(), &conversion.Click{ID: "c" + id, AppID: fixtures.PuzzleAppID, NetworkID: "a.skadnetwork", Time: now.Add(-time.Hour), CampaignID: "spring"})
			require.NoError(t, err)
		}
		_, err := in.Install(t.Context(), &install)
		require.NoError(t, err)
		for _, name := range []string{"level_10", "purchase"}[:min(2, max(0, 30-i)/10)] {
			e := conversion.Event{ID: id + name, AppID: fixtures.PuzzleAppID, InstallID: id, Name: name, Time: now}
			if name == "purchase" {
				amount := decimal.RequireFromString("2.50")
				e.Revenue, e.Currency = &amount, "USD"
			}
			_, err := in.Event(t.Context(), &e)
			require.NoError(t, err)
		}
	}
	b.now.Advance(7*24*time.Hour + aggregate.Horizon + time.Hour)
	sealer := &aggregate.Sealer{Store: store.Deterministic{Store: b.store}, Published: b.store, Clock: b.now, Log: slog.New(slog.DiscardHandler)}
	r, err := sealer.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 55, r.Installs)
	return b
}

// TestConsentedAnswers: rows, events and stages, the same in every format; another app
// and another time have none.
func TestConsentedAnswers(t *testing.T) {
	t.Parallel()
	b := reported(t)
	path := fmt.Sprintf("?app=%d", fixtures.PuzzleAppID)
	rows := b.ask("GET", "/v1/deterministic"+path, "viewer", "")
	require.Equal(t, http.StatusOK, rows.status, rows.body)
	data := rows.at(t, "data").([]any)
	require.Len(t, data, 2)
	ad, organic := data[0].(map[string]any), data[1].(map[string]any)
	require.Equal(t, "a.skadnetwork 39 30 72", fmt.Sprint(ad["network_id"], " ", ad["source_2"], " ", ad["installs"], " ", ad["horizon_hours"]))
	require.Equal(t, "organic <nil> 25", fmt.Sprint(organic["network_id"], " ", organic["source_2"], " ", organic["installs"]))
	releases := rows.at(t, "releases").([]any)
	require.Len(t, releases, 1)
	require.Contains(t, fmt.Sprint(releases[0]), ".0.deterministic.production.")

	events := b.ask("GET", "/v1/deterministic/events"+path+"&network=A.skadnetwork&format=csv", "viewer", "")
	require.Equal(t, http.StatusOK, events.status, events.body)
	lines := strings.Split(strings.TrimSpace(events.body), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[1], ",39,level_10,21,27.5,USD")
	require.Contains(t, lines[2], ",39,purchase,11,27.5,USD")

	funnel := b.ask("GET", "/v1/funnel"+path+"&format=ndjson", "viewer", "")
	require.Len(t, strings.Split(strings.TrimSpace(funnel.body), "\n"), 6, funnel.body)
	require.Equal(t, 6, strings.Count(funnel.body, `"side":"deterministic"`), funnel.body)

	require.Equal(t, "PAR1", b.ask("GET", "/v1/deterministic"+path+"&format=parquet", "viewer", "").body[:4])
	for _, none := range []string{"/v1/combined" + path, "/v1/deterministic?app=1", "/v1/deterministic?to=2020-01-01"} {
		a := b.ask("GET", none, "viewer", "")
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Empty(t, a.at(t, "data"), none)
	}
	require.Empty(t, b.ask("GET", "/v1/cohorts"+path, "viewer", "").at(t, "releases"), "cohorts are of postbacks alone")
}

func TestConsentedParametersAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/v1/deterministic", "/v1/deterministic/events", "/v1/funnel", "/v1/combined"} {
		require.Equal(t, http.StatusUnauthorized, b.send(b.admin, "GET", path, "", nil).status)
		require.Equal(t, http.StatusBadRequest, b.ask("GET", path+"?app=x", "viewer", "").status)
		require.Equal(t, http.StatusBadRequest, b.ask("GET", path+"?format=xml", "viewer", "").status)
		require.Equal(t, http.StatusBadRequest, b.ask("GET", path+"?group=week", "viewer", "").status)
		first := b.ask("GET", path, "viewer", "")
		require.Equal(t, http.StatusOK, first.status, first.body)
		again := b.send(b.admin, "GET", path, b.tokens["viewer"], nil, "If-None-Match", first.header.Get("ETag"))
		require.Equal(t, http.StatusNotModified, again.status)
	}
}
