package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/internal/store"
)

const holdBundle = `
apps: [{app_id: 1}]
networks: [{network_id: n}]
destinations:
  - {id: holding, app_id: 1, network_id: n, kinds: [install, event], url: "https://a.example/?c={click_id}", hold: 2d}
  - {id: at-once, app_id: 1, network_id: n, kinds: [install, event], url: "https://b.example/?c={click_id}"}`

// held sends an install that came five seconds after its click, with an event, and
// returns what waits of it at each destination.
func setupHolds(t *testing.T) *testBundle {
	t.Helper()
	b := setup(t)
	bundle, err := apply.Parse([]byte(holdBundle))
	require.NoError(t, err)
	_, err = b.store.Apply(t.Context(), bundle, "test", false)
	require.NoError(t, err)
	for _, of := range []struct{ path, body string }{
		{"/v1/clicks", `{"id":"c1","network_id":"n","app_id":1,"time":"2026-11-02T08:00:00Z"}`},
		{"/v1/installs", `{"id":"i1","app_id":1,"time":"2026-11-02T08:00:05Z","click_id":"c1"}`},
		{"/v1/events", `{"id":"e1","app_id":1,"install_id":"i1","name":"purchase","time":"2026-11-02T08:10:00Z"}`},
		{"/v1/clicks", `{"id":"c2","network_id":"n","app_id":1,"time":"2026-11-02T07:00:00Z"}`},
		{"/v1/installs", `{"id":"i2","app_id":1,"time":"2026-11-02T08:00:05Z","click_id":"c2"}`},
	} {
		require.Contains(t, b.post(of.path, "s2s", of.body).body, "accepted")
	}
	return b
}

// due lists what may be sent now, by destination, kind and event.
func (b *testBundle) due(destination string) []string {
	b.t.Helper()
	claimed, err := b.store.Claim(b.t.Context(), destination, 10, b.now.Now(), time.Minute)
	require.NoError(b.t, err)
	require.NoError(b.t, b.store.Release(b.t.Context(), claimed, b.now.Now()))
	out := []string{}
	for _, d := range claimed {
		out = append(out, d.Kind+" "+d.Fields["event_id"])
	}
	return out
}

func TestHoldsWaitAndAreReleased(t *testing.T) {
	t.Parallel()
	b := setupHolds(t)
	require.Equal(t, []string{"install i2"}, b.due("holding"), "only what looks like fraud waits")
	require.ElementsMatch(t, []string{"install i1", "event e1", "install i2"}, b.due("at-once"), "and only where it is to")

	a := b.ask("GET", "/v1/holds", "operator", "")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, 2, strings.Count(a.body, `"delivery_id"`), a.body)
	require.Contains(t, a.body, `"install_id":"i1"`)
	require.Contains(t, a.body, `"reasons":["click_to_install_under_10s"]`)
	require.Contains(t, a.body, `"held_until":"2026-11-04T09:00:00Z"`)
	require.NotContains(t, a.body, `"install_id":"i2"`)

	a = b.ask("POST", "/v1/installs:release", "operator", `{"app_id":1,"install_id":"i1"}`)
	require.JSONEq(t, `{"review":"released","deliveries":2}`, a.body)
	require.ElementsMatch(t, []string{"install i1", "event e1", "install i2"}, b.due("holding"))
	require.Contains(t, b.ask("GET", "/v1/holds", "operator", "").body, `"data":[]`)

	require.Contains(t, b.post("/v1/events", "s2s", `{"id":"e2","app_id":1,"install_id":"i1","name":"x","time":"2026-11-02T08:20:00Z"}`).body, "accepted")
	require.Contains(t, b.due("holding"), "event e2", "a released install is not held again")
	audit := b.ask("GET", "/v1/audit", "operator", "").body
	require.Contains(t, audit, store.ActReview)
	require.Contains(t, audit, store.ActHoldsRead)
	require.NotContains(t, audit, `i1"`, "the audit log names nobody")
}

func TestHoldsAreRejected(t *testing.T) {
	t.Parallel()
	b := setupHolds(t)
	a := b.ask("POST", "/v1/installs:reject", "operator", `{"app_id":1,"install_id":"i1","reason":"click_flooding"}`)
	require.JSONEq(t, `{"review":"rejected","deliveries":2}`, a.body)
	b.now.Set(monday.Add(3 * 24 * time.Hour))
	require.Equal(t, []string{"install i2"}, b.due("holding"))
	require.Contains(t, b.post("/v1/events", "s2s", `{"id":"e2","app_id":1,"install_id":"i1","name":"x","time":"2026-11-02T08:20:00Z"}`).body, "accepted")
	require.NotContains(t, b.due("holding"), "event e2")
	require.NotContains(t, b.due("at-once"), "event e2", "nothing more of it goes anywhere")
	refused := b.ask("GET", "/v1/deliveries?state=refused", "operator", "").body
	require.Contains(t, refused, `"reason":"rejected_click_flooding"`)
}

// Nobody looked: what is held is sent all the same, when its hold ends.
func TestHoldsEnd(t *testing.T) {
	t.Parallel()
	b := setupHolds(t)
	b.now.Set(monday.Add(2*24*time.Hour - time.Minute))
	require.Equal(t, []string{"install i2"}, b.due("holding"))
	b.now.Set(monday.Add(2 * 24 * time.Hour))
	require.ElementsMatch(t, []string{"install i1", "event e1", "install i2"}, b.due("holding"))
	require.Contains(t, b.ask("GET", "/v1/holds", "operator", "").body, `"data":[]`)
}

func TestHoldsPage(t *testing.T) {
	t.Parallel()
	b := setupHolds(t)
	first := b.ask("GET", "/v1/holds?limit=1&app=1", "operator", "")
	cursor, ok := first.at(t, "next_cursor").(string)
	require.True(t, ok, first.body)
	second := b.ask("GET", "/v1/holds?limit=1&app=1&cursor="+cursor, "operator", "")
	require.Contains(t, second.body, `"next_cursor":null`)
	require.NotEqual(t, first.body, second.body)
	require.Contains(t, b.ask("GET", "/v1/holds?app=2", "operator", "").body, `"data":[]`)
	require.Equal(t, 400, b.ask("GET", "/v1/holds?cursor=x", "operator", "").status)
}

func TestReviewRefuses(t *testing.T) {
	t.Parallel()
	b := setupHolds(t)
	for _, c := range []struct{ verb, body, want string }{
		{"release", `{"app_id":1,"install_id":"nobody"}`, "404 unknown_install install_id"},
		{"release", `{"app_id":2,"install_id":"i1"}`, "404 unknown_install install_id"},
		{"release", `{"install_id":"i1"}`, "422 invalid app_id"},
		{"release", `{"app_id":1}`, "422 invalid install_id"},
		{"release", `{"app_id":1,"install_id":"i1","reason":"x"}`, "422 invalid reason"},
		{"reject", `{"app_id":1,"install_id":"i1"}`, "422 invalid reason"},
		{"reject", `{"app_id":1,"install_id":"i1","reason":"Looks bad!"}`, "422 invalid reason"},
	} {
		a := b.ask("POST", "/v1/installs:"+c.verb, "operator", c.body)
		require.Equal(t, c.want, fmt.Sprint(a.status, " ", a.at(t, "code"), " ", a.at(t, "field")), c.body)
	}
}
