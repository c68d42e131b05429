package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
)

func TestReplayDeliveriesFlags(t *testing.T) {
	t.Parallel()
	r, err := (&replayAsk{Filter: &replayBy{Destination: "acme", State: "refused", From: "2026-11-01", To: "2026-11-02T03:00:00Z"}, Key: "k"}).replay()
	require.NoError(t, err)
	require.Equal(t, "acme", r.Filter.DestinationID)
	require.Equal(t, forward.StateRefused, r.Filter.State)
	require.Equal(t, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), r.Filter.From)
	require.Equal(t, time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC), r.Filter.To)
	r, err = (&replayAsk{IDs: []string{"b", "a", "b"}}).replay()
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, r.IDs)
	for want, by := range map[string]replayBy{
		"--state": {State: "lost"}, "--state \"pending\"": {State: "pending"}, "--delivered": {State: "delivered"}, "--from": {From: "monday"},
	} {
		_, err := (&replayAsk{Filter: &by}).replay()
		require.ErrorContains(t, err, want)
	}
	_, err = (&replayAsk{Filter: &replayBy{State: "delivered"}, Delivered: true}).replay()
	require.NoError(t, err)
}

// TestReplayReachesTheReceiverAgain: what a receiver refused is found in the log, shown
// by health and metrics, and sent again by the command under the id that it had.
func TestReplayReachesTheReceiverAgain(t *testing.T) {
	t.Parallel()
	heard, refuse := make(chan string, 9), make(chan bool, 2)
	refuse <- true
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-refuse:
			w.WriteHeader(http.StatusUnprocessableEntity)
		default:
		}
		heard <- r.URL.Query().Get("id")
	}))
	t.Cleanup(receiver.Close)
	db := "sqlite:" + t.TempDir()
	p := serveProgram(t, "--lab", "--db", db)
	ask := func(method, base, path, token, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Less(t, resp.StatusCode, 300, "%s: %s", path, text)
		return string(text)
	}
	ask("POST", p.Admin, "/v1/apply", testAdminToken, fmt.Sprintf(`{"apps":[{"app_id":1}],"networks":[{"network_id":"n.example"}],
		"forward":{"allow_private_cidrs":["127.0.0.0/8"]},
		"destinations":[{"id":"acme","app_id":1,"network_id":"n.example","scope":"all","kinds":["install"],"url":"%s/?id={delivery_id}"}]}`, receiver.URL))
	code, plain, errs := runSkand(t, "token", "create", "--scope", "s2s", "--name", "app", "--db", db)
	require.Zero(t, code, errs)
	now := clock.Real{}.Now().UTC().Format(time.RFC3339)
	ask("POST", p.Public, "/v1/installs", strings.TrimSpace(plain), `{"id":"i1","app_id":1,"time":"`+now+`","att_status":"authorized"}`)
	id := <-heard
	list := "/v1/deliveries?conversion=i1"
	require.Eventually(t, func() bool { return strings.Contains(ask("GET", p.Admin, list, testAdminToken, ""), `"refused"`) }, 10*time.Second, 20*time.Millisecond)

	at := []string{"--server", p.Admin, "--token", testAdminToken}
	replay := func(more ...string) (done struct{ Replayed int }) {
		t.Helper()
		code, said, errs := runSkand(t, append(append([]string{"replay", "deliveries", "--destination", "acme", "--state", "refused"}, at...), more...)...)
		require.Zero(t, code, errs)
		require.NoError(t, json.NewDecoder(bytes.NewBufferString(said)).Decode(&done))
		return done
	}
	require.Equal(t, 1, replay("--dry-run").Replayed)
	require.Equal(t, 1, replay().Replayed)
	require.Equal(t, id, <-heard, "under the id that it had")
	require.Eventually(t, func() bool { return strings.Contains(ask("GET", p.Admin, list, testAdminToken, ""), `"delivered"`) }, 10*time.Second, 20*time.Millisecond)
	require.Zero(t, replay().Replayed)

	code, said, errs := runSkand(t, append([]string{"replay", "deliveries", id, "00000000-0000-0000-0000-000000000000", "--dry-run"}, at...)...)
	require.Zero(t, code, errs)
	require.Contains(t, said, `"left_out":{"delivered":1,"no_such_delivery":1}`)
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{2, `replay deliveries: --state "lost": want refused`, []string{"--state", "lost"}},
		{2, "replay deliveries: what was delivered is sent again only with --delivered", []string{"--state", "delivered"}},
		{2, `replay deliveries: --from "monday": want a day`, []string{"--from", "monday"}},
		{2, "replay deliveries: name deliveries, or pick them", nil},
		{2, "replay deliveries: name deliveries, or pick them", []string{id, "--destination", "acme"}},
		{1, "give --token, or set SKAND_TOKEN", []string{"--destination", "acme", "--token", "skand_wrong"}},
	} {
		code, out, errs := runSkand(t, append(append([]string{"replay", "deliveries"}, at...), c.args...)...)
		require.Equal(t, c.code, code, "%v %s", c.args, errs)
		require.Contains(t, errs, c.says)
		require.NotContains(t, errs, "--key", "nothing was begun")
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
		require.Empty(t, out)
	}

	code, _, errs = runSkand(t, append([]string{"job", "run", "health"}, at...)...)
	require.Zero(t, code, errs)
	health := ask("GET", p.Admin, "/v1/destinations/acme/health", testAdminToken, "")
	require.Contains(t, health, `"delivery_rate":1,`)
	require.Contains(t, health, `"retry_rate":0.5`)
	require.Contains(t, health, `"by_status":{"200":1,"422":1}`)
	require.NotContains(t, ask("GET", p.Admin, "/metrics", testAdminToken, ""), "skand_alerts{")
	code, _, errs = runSkand(t, "replay", "deliveries", "--db", db)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "--destination")
	code, said, errs = runSkand(t, "replay", "--dry-run", "--db", db)
	require.Zero(t, code, errs)
	require.Contains(t, said, "{", "verifying again works as before")
}
