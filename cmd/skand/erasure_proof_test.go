package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/internal/store"
)

// proof is a real server with three real receivers that repeat what they are sent:
// one takes it, one refuses it, one is down.
type proof struct {
	t          *testing.T
	p          *program
	admin, s2s *target
	mu         sync.Mutex
	heard      []string // requests, as they came
}

const proofApp = 525463029

// person is somebody of whom everything is told.
type person struct{ idfa, idfv, install, click, event string }

// stem is what all ids of persons begin with, and nothing else has.
const stem = "6D92078A-C0DE-4BA4-AE5B"

func newPerson(n int) person {
	id := func(kind int) string { return fmt.Sprintf("%s-%06X%06X", stem, 0xE7DC00+kind, 0xFACE00+n) }
	return person{id(1), id(2), "install-" + id(3), "click-" + id(4), "event-" + id(5)}
}

func newProof(t *testing.T, args ...string) *proof {
	t.Helper()
	f := &proof{t: t}
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what broke off was not heard
		said := r.URL.String() + " " + string(body)
		f.mu.Lock()
		f.heard = append(f.heard, said)
		f.mu.Unlock()
		w.WriteHeader(map[string]int{"/ok": 200, "/refused": 400, "/down": 503}[r.URL.Path])
		_, _ = fmt.Fprintf(w, "you sent %s", said) // a sender that went away needs no echo
	}))
	t.Cleanup(sink.Close)
	f.p = serveProgram(t, append(args, "--log-level", "debug")...)
	f.admin = &target{server: f.p.Admin, token: testAdminToken}
	var destinations []any
	for _, name := range []string{"ok", "refused", "down"} {
		destinations = append(destinations, map[string]any{
			"id": name, "app_id": proofApp, "network_id": "proof.example", "scope": "all", "kinds": []string{"install", "event"}, "method": "GET", "enabled": true,
			"url": sink.URL + "/" + name + "?a={idfa}&v={idfv}&e={event_id}&c={click_id}&n={event_name}",
		})
	}
	var ignored any
	require.NoError(t, f.admin.post(t.Context(), "/v1/apply", map[string]any{
		"apps": []any{map[string]any{"app_id": proofApp}}, "destinations": destinations,
		"forward": map[string]any{"allow_private_cidrs": []string{"127.0.0.0/8"}},
	}, &ignored))
	var token struct {
		Token string `json:"token"`
	}
	require.NoError(t, f.admin.post(t.Context(), "/v1/tokens", map[string]any{"name": "backend", "role": "none", "scopes": []string{"s2s"}}, &token))
	f.s2s = &target{server: f.p.Public, token: token.Token}
	return f
}

// report tells of a person what there is to tell. authorized: of the device, too.
func (f *proof) report(w person, att, campaign string) {
	f.t.Helper()
	now := clock.Real{}.Now()
	at := func(m int) string { return now.Add(time.Duration(m) * time.Minute).UTC().Format(time.RFC3339) }
	for _, item := range []struct {
		path string
		body map[string]any
	}{
		{"/v1/clicks", map[string]any{"id": w.click, "app_id": proofApp, "network_id": "net.example", "time": at(-9), "idfa": w.idfa, "campaign_id": campaign}},
		{"/v1/installs", map[string]any{"id": w.install, "app_id": proofApp, "time": at(-8), "click_id": w.click, "idfa": w.idfa, "idfv": w.idfv, "att_status": att}},
		{"/v1/events", map[string]any{"id": w.event, "app_id": proofApp, "install_id": w.install, "name": "purchase", "time": at(-7),
			"properties": map[string]any{"of": w.install}}},
	} {
		var answer map[string]any
		require.NoError(f.t, f.s2s.post(f.t.Context(), item.path, item.body, &answer), item.path)
		require.Equal(f.t, "accepted", answer["status"], "%v", answer)
	}
}

func (f *proof) deliveries() []store.Delivery {
	f.t.Helper()
	raw, err := f.admin.get(f.t.Context(), "/v1/deliveries?limit=1000")
	require.NoError(f.t, err)
	var page struct {
		Data []store.Delivery `json:"data"`
	}
	require.NoError(f.t, json.Unmarshal(raw, &page))
	return page.Data
}

// await waits until everything has been tried.
func (f *proof) await(deliveries int) {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		all := f.deliveries()
		for _, d := range all {
			if len(d.Log) == 0 {
				return false
			}
		}
		return len(all) == deliveries
	}, time.Minute, 50*time.Millisecond)
}

func (f *proof) erase(who map[string]any) store.Erasure {
	f.t.Helper()
	body, err := json.Marshal(who)
	require.NoError(f.t, err)
	raw, err := f.admin.call(f.t.Context(), http.MethodDelete, "/v1/subjects", body)
	require.NoError(f.t, err)
	var e store.Erasure
	require.NoError(f.t, json.Unmarshal(raw, &e))
	return e
}

// TestErasureLeavesNoByte: what identifies somebody is in clear in no file of the
// database and in no line of the log, neither before the erasure nor after it; and
// after it nothing is left of the rows, sealed or not.
func TestErasureLeavesNoByte(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		prove(t, []string{dir}, func() {}, "--db", "sqlite:"+dir)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dir, err := os.MkdirTemp("", "skand-proof-*") // t.TempDir can't be reached by PostgreSQL's user
		require.NoError(t, err)
		require.NoError(t, os.Chmod(dir, 0o777))
		server := pgtest.NewServerIn(t, pgtest.Folders{Data: dir})
		t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
		flush := func() { require.NoError(t, server.Execute("CHECKPOINT")) }
		prove(t, []string{dir}, flush, "--db", server.URL(), "--published", server.URL())
	})
}

func prove(t *testing.T, folders []string, flush func(), args ...string) {
	t.Helper()
	f := newProof(t, args...)
	const marker = "campaign-in-clear-77"
	gone, denied, stays := newPerson(1), newPerson(2), newPerson(3)
	f.report(gone, "authorized", "c1")
	f.report(denied, "denied", "c2")
	f.report(stays, "authorized", marker)
	f.await(18)

	// It was there: receivers heard it, and the attempts still tell of it.
	f.mu.Lock()
	heard := strings.Join(f.heard, "\n")
	f.mu.Unlock()
	for _, id := range []string{gone.idfa, gone.idfv, gone.install, gone.click, gone.event, denied.install} {
		require.Contains(t, heard, id)
	}
	require.NotContains(t, heard, denied.idfa)
	require.NotContains(t, heard, denied.idfv)
	states := map[string]int{}
	echoes := 0
	for _, d := range f.deliveries() {
		states[d.DestinationID+" "+string(d.State)]++
		if strings.Contains(d.Log[0].Answer, gone.event) {
			echoes++
		}
	}
	require.Equal(t, map[string]int{"ok delivered": 6, "refused refused": 6, "down pending": 6}, states)
	require.Equal(t, 3, echoes)

	flush()
	before, size := scan(t, folders, f.p.log.String(), stem, marker)
	require.NotEmpty(t, before[marker], "the scan finds what is written in clear")
	delete(before, marker)
	require.Empty(t, before, "before the erasure")

	e := f.erase(map[string]any{"idfa": strings.ToLower(gone.idfa)})
	require.Equal(t, []int{1, 1, 1, 6, 6}, []int{e.Installs, e.Events, e.Clicks, e.Deliveries, min(e.Attempts, 6)})
	d := f.erase(map[string]any{"idfv": denied.idfv, "app_id": proofApp})
	require.Equal(t, []int{1, 1, 1, 6, 6}, []int{d.Installs, d.Events, d.Clicks, d.Deliveries, min(d.Attempts, 6)})
	require.Zero(t, f.erase(map[string]any{"idfa": gone.idfa}).Installs)
	require.Len(t, f.deliveries(), 6, "of the one who stays")

	flush()
	after, again := scan(t, folders, f.p.log.String(), stem, marker)
	require.NotEmpty(t, after[marker])
	delete(after, marker)
	require.Empty(t, after, "after the erasure")
	t.Logf("ids in every form: in clear nowhere in %.1f MB before and %.1f MB after the erasure", float64(size)/1e6, float64(again)/1e6)
}
