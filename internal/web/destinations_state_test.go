package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/apply"
	"skand/internal/store"
)

const standingBundle = `
apps: [{app_id: 1}]
networks: [{network_id: n}]
destinations:
  - {id: d, app_id: 1, network_id: n, kinds: [install], url: "https://a.example/?c={click_id}"}
  - {id: off, app_id: 1, network_id: n, kinds: [install], url: "https://b.example/?c={click_id}", enabled: false}`

func setupStanding(t *testing.T) *testBundle {
	t.Helper()
	b := setup(t)
	bundle, err := apply.Parse([]byte(standingBundle))
	require.NoError(t, err)
	_, err = b.store.Apply(t.Context(), bundle, "test", false)
	require.NoError(t, err)
	require.Contains(t, b.post("/v1/clicks", "s2s", `{"id":"c1","network_id":"n","app_id":1,"time":"2026-11-02T08:00:00Z"}`).body, "accepted")
	require.Contains(t, b.post("/v1/installs", "s2s", `{"id":"i1","app_id":1,"time":"2026-11-02T08:30:00Z","click_id":"c1"}`).body, "accepted")
	return b
}

// attempt claims what is due at d and settles it with this outcome.
func (b *testBundle) attempt(class forward.Class, state forward.State, status int) int {
	b.t.Helper()
	claimed, err := b.store.Claim(b.t.Context(), "d", 10, b.now.Now(), time.Minute)
	require.NoError(b.t, err)
	for _, d := range claimed {
		_, err := b.store.Settle(b.t.Context(), []forward.Settlement{{
			Attempt: forward.Attempt{DeliveryID: d.ID, AppID: 1, Attempt: d.Attempts, At: b.now.Now(), Class: class,
				Status: status, Reason: "the receiver answered 410 Gone", TemplateVersion: 1},
			DestinationID: "d", Fence: d.Fence, Turn: d.Turn, State: state,
		}})
		require.NoError(b.t, err)
	}
	return len(claimed)
}

func TestDestinationStandsAndIsEnabled(t *testing.T) {
	t.Parallel()
	b := setupStanding(t)
	require.Equal(t, 1, b.attempt(forward.ClassGone, forward.StateGone, 410))
	list := b.ask("GET", "/v1/destinations", "operator", "").body
	require.Contains(t, list, `"state":"disabled","reason":"the receiver answered 410 Gone","since":"2026-11-02T09:00:00Z","next_probe":null`)
	require.Contains(t, list, `"state":"off"`)
	require.NotContains(t, b.ask("GET", "/v1/networks", "viewer", "").body, `"state"`)

	a := b.ask("POST", "/v1/destinations/d:resume", "operator", "")
	require.Equal(t, "409 destination_disabled", coded(t, a))
	a = b.ask("POST", "/v1/destinations/d:enable", "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.JSONEq(t, `{"id":"d","state":"active","reason":"","since":"2026-11-02T09:00:00Z","next_probe":null,"deliveries":1}`, a.body)
	require.Equal(t, 1, b.attempt(forward.ClassOK, forward.StateDelivered, 200), "what waited is due at once")

	a = b.ask("POST", "/v1/destinations/d:disable", "operator", `{"reason":"the network asked for a stop"}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "disabled", a.at(t, "state"))
	require.Equal(t, "operator", a.at(t, "disabled_by"))
	again := b.ask("POST", "/v1/destinations/d:disable", "operator", `{"reason":"another"}`)
	require.Equal(t, "the network asked for a stop", again.at(t, "reason"), "twice is once")
	require.Equal(t, 200, b.ask("POST", "/v1/destinations/d:enable", "operator", "{}").status)
	require.Equal(t, 200, b.ask("POST", "/v1/destinations/d:resume", "operator", "{}").status)

	audit := b.ask("GET", "/v1/audit?action="+store.ActDestinationDisable, "operator", "").body
	require.Contains(t, audit, `"object":"destination d"`)
	require.Contains(t, audit, "the network asked for a stop")
	require.Contains(t, b.log.String(), "destination disabled")
	require.Contains(t, b.log.String(), "destination resumed")
}

func TestActsOnDestinationsThatCannotBe(t *testing.T) {
	t.Parallel()
	b := setupStanding(t)
	for path, want := range map[string]string{
		"/v1/destinations/none:enable": "404 unknown_destination",
		"/v1/destinations/off:enable":  "409 destination_off",
		"/v1/destinations/off:resume":  "409 destination_off",
		"/v1/destinations/d:restart":   "404 not_found",
	} {
		require.Equal(t, want, coded(t, b.ask("POST", path, "operator", "")), path)
	}
	for _, bad := range []string{`{"reason":"` + strings.Repeat("x", 301) + `"}`, `{"reason":"a\nb"}`} {
		require.Equal(t, "422 invalid", coded(t, b.ask("POST", "/v1/destinations/d:disable", "operator", bad)))
	}
	require.Equal(t, "422 invalid", coded(t, b.ask("POST", "/v1/destinations/d:resume", "operator", `{"reason":"x"}`)))
	require.Equal(t, "400 bad_request", coded(t, b.ask("POST", "/v1/destinations/d:disable", "operator", `{"why":"x"}`)))
	require.Equal(t, 200, b.ask("POST", "/v1/destinations/off:disable", "operator", "").status)
}

func TestOneDestinationIsShown(t *testing.T) {
	t.Parallel()
	b := setupStanding(t)
	a := b.ask("GET", "/v1/destinations/d", "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Contains(t, a.body, `"id":"d"`)
	require.Contains(t, a.body, `"state":"active"`)
	require.Contains(t, a.body, `"version":1,"queue":{"pending":1,"held":0,"gone":0,`)
	require.Contains(t, a.body, `"secrets":[]`)
	require.Equal(t, "404 unknown_destination", coded(t, b.ask("GET", "/v1/destinations/none", "operator", "")))
	require.Equal(t, "400 unknown_parameter", coded(t, b.ask("GET", "/v1/destinations/d?limit=1", "operator", "")))
}
