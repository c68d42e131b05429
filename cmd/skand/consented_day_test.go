package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/network"
	"skand/internal/clock"
	"skand/internal/config"
)

// TestScriptedDay lets the real program live through a day of clicks, installs,
// events and changes of mind, and asks of each: is every install decided as the
// reference says, did nothing that identifies leave for a person who refused, and
// did everyone hear of each conversion once?
func TestScriptedDay(t *testing.T) {
	t.Parallel()
	clicks := 10_000
	if raced || testing.Short() {
		clicks = 1_000
	}
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		r := newDayRun(t, cfg, newDay(6, clicks))
		for step := range daySteps {
			r.setClock(stepNow(step))
			r.send(r.w.steps[step])
			r.deliver()
		}
		for range 12 { // what the failing network refused comes again
			r.setClock(r.app.clock.Now().Add(2 * time.Hour))
			r.deliver()
		}
		r.checkDecisions()
		r.checkHeard(true)
		r.checkNobodyElse()
		r.tell()
	})
}

// dayRun is the program with the world around it.
type dayRun struct {
	t     *testing.T
	app   *App
	w     *dayWorld
	ref   *dayReference
	sinks map[string]*network.Server
	to    target // the public listener, with the backend's token

	owners  map[string]*dayDevice // of each identifier
	made    map[string]string     // ids that the program made for events, and what they are in the reference
	looked  map[string]int        // hits looked at, by sink
	heard   map[string]int        // conversions that a sink took
	answers map[string]int
	named   int // hits that name a device
}

// failing is the network that refuses one delivery in five at first.
const failing = "gamma.example"

func newDayRun(t *testing.T, cfg config.Config, w *dayWorld) *dayRun {
	r := &dayRun{
		t: t, app: startDayApp(t, cfg), w: w, ref: newDayReference(w.tests), sinks: map[string]*network.Server{},
		owners: map[string]*dayDevice{}, made: map[string]string{}, looked: map[string]int{}, heard: map[string]int{}, answers: map[string]int{},
	}
	for _, d := range w.devices {
		for _, id := range []string{d.idfa, d.idfv, d.ip} {
			r.owners[strings.ToLower(id)] = d
		}
	}
	for _, name := range []string{"alpha.example", "beta.example", failing, "books"} {
		s, err := network.New(name)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		r.sinks[name] = s
	}
	r.sinks[failing].FailShare(0.2, 6)
	r.configure()
	return r
}

// startDayApp runs a whole App whose lab clock stands still between moves. What it
// has to deliver it delivers when it is told to.
func startDayApp(t *testing.T, cfg config.Config) *App {
	t.Helper()
	cfg.Public, cfg.Admin, cfg.Lab = "127.0.0.1:0", "127.0.0.1:0", true
	cfg.AdminToken = testAdminToken
	cfg.Roles = []string{config.RoleReceive, config.RoleAdmin}
	require.NoError(t, cfg.Validate())
	app, err := NewApp(t.Context(), cfg, clock.NewManual(dayStart), slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	require.NoError(t, app.Listen())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, app.Close())
	})
	return app
}

// configure tells the program of the app, its networks with their windows, the rates,
// and where everything goes. delta.example stays unknown to it.
func (r *dayRun) configure() {
	const url = "/pb?click={click_id}&e={event_name}&i={event_id}&idfa={idfa}&idfv={idfv}&ip={ip}&test={is_test}&id={delivery_id}"
	common := map[string]any{"app_id": dayApp, "kinds": []string{"install", "event"}, "send_revenue": true}
	var destinations []any
	for name, s := range r.sinks {
		d := maps.Clone(common)
		d["id"], d["url"], d["network_id"], d["scope"] = name, s.URL()+url, name, "attributed"
		if name == "books" {
			// Not without a network: such a destination hears only of who consented.
			d["network_id"], d["scope"] = "books.example", "all"
		}
		destinations = append(destinations, d)
	}
	admin := target{server: r.app.AdminURL(), token: testAdminToken}
	var ignored any
	require.NoError(r.t, admin.post(r.t.Context(), "/v1/apply", map[string]any{
		"apps": []any{map[string]any{
			"app_id": dayApp, "name": "Puzzle", "currency": "USD", "test_devices": r.w.tests,
			"events": []any{
				map[string]any{"name": "purchase", "window": "8h", "min_value": "5"},
				map[string]any{"name": "level_10", "window": "6h"}, map[string]any{"name": "login"},
			},
		}},
		"networks": []any{
			map[string]any{"network_id": "alpha.example"},
			map[string]any{"network_id": "beta.example", "click_window": "48h", "view_window": "2h"},
			map[string]any{"network_id": "gamma.example", "click_window": "14d", "view_window": "3d"},
		},
		"rates": []any{
			map[string]any{"date": "2026-11-13", "currency": "EUR", "rate": "1"},
			map[string]any{"date": "2026-11-13", "currency": "USD", "rate": "1.25"},
			map[string]any{"date": "2026-11-13", "currency": "JPY", "rate": "187.5"},
		},
		"destinations": destinations,
		"forward":      map[string]any{"allow_private_cidrs": []string{"127.0.0.0/8"}},
	}, &ignored))
	var token struct {
		Token string `json:"token"`
	}
	require.NoError(r.t, admin.post(r.t.Context(), "/v1/tokens",
		map[string]any{"name": "backend", "role": "none", "scopes": []string{"s2s"}}, &token))
	r.to = target{server: r.app.PublicURL(), token: token.Token}
}

func (r *dayRun) setClock(to time.Time) {
	admin := target{server: r.app.AdminURL(), token: testAdminToken}
	var ignored any
	require.NoError(r.t, admin.post(r.t.Context(), "/v1/lab/clock", map[string]any{"set": to}, &ignored))
	r.ref.now = to.UnixMilli()
}

// checkDecisions compares every install with the reference, as operators see it.
func (r *dayRun) checkDecisions() {
	require.NotEmpty(r.t, r.ref.installs)
	for _, in := range r.ref.installs {
		seen := r.look(in)
		d := seen.Decision
		require.Equal(r.t, in.is, refDecision{
			Attributed: d.Attributed, Click: d.ClickID, Network: d.NetworkID, Campaign: d.CampaignID, Action: d.Interaction,
			Method: d.Method, Reason: d.Reason, Flags: strings.Join(d.Flags, ","), Reengaged: d.ReengagedBy, Test: seen.IsTest,
		}, "install %s of app %d: %+v", in.id, in.app, d)
		if in.bare {
			require.Empty(r.t, seen.Identifiers, "of %s nothing that identifies may be kept", in.id)
		} else {
			require.Len(r.t, seen.Identifiers, 3, "of %s all may be kept", in.id)
		}
	}
}

// dayView is an install as the documentation shows it.
type dayView struct {
	IsTest      bool     `json:"is_test"`
	Identifiers []string `json:"identifiers"`
	Decision    struct {
		Attributed  bool     `json:"attributed"`
		ClickID     string   `json:"click_id"`
		NetworkID   string   `json:"network_id"`
		CampaignID  string   `json:"campaign_id"`
		Method      string   `json:"method"`
		Interaction string   `json:"interaction"`
		Reason      string   `json:"reason"`
		Flags       []string `json:"flags"`
		ReengagedBy string   `json:"reengaged_by"`
	} `json:"decision"`
}

func (r *dayRun) look(in *refInstall) (v dayView) {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet,
		fmt.Sprintf("%s/v1/installs?app_id=%d&id=%s", r.app.AdminURL(), in.app, in.id), nil)
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+testAdminToken)
	resp, err := postClient.Do(req)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, resp.Body.Close()) }()
	said, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, resp.StatusCode, "%s", said)
	require.NoError(r.t, json.Unmarshal(said, &v))
	return v
}

// tell says what the day was like, and that nothing that matters was missing in it.
func (r *dayRun) tell() {
	reasons := map[string]int{}
	for _, in := range r.ref.installs {
		reasons[in.is.Reason]++
		for _, f := range strings.Split(in.is.Flags, ",") {
			if f != "" {
				reasons["!"+f]++
			}
		}
		if in.is.Reengaged != "" {
			reasons["re-engaged"]++
		}
		if in.is.Test {
			reasons["test"]++
		}
	}
	for _, want := range []string{
		"click_id", "idfa", "no_click_id", "no_touch", "click_unknown", "click_already_used", "click_after_install", "outside_window",
		"reinstall", "known_device", "!click_to_install_under_10s", "!reused_click_id", "!after_window", "!duplicate", "re-engaged", "test",
	} {
		require.Positive(r.t, reasons[want], want)
	}
	for _, want := range []string{"accepted", "duplicate", "in_the_future", "too_late"} {
		require.Positive(r.t, r.answers[want], want)
	}
	r.t.Logf("%d clicks, %d installs, %d events, %d changes of consent; answers %v; decisions %v",
		len(r.ref.clicks), len(r.ref.installs), len(r.ref.events), len(r.ref.changes)-len(r.ref.installs), r.answers, reasons)
	r.t.Logf("%d conversions heard by %d destinations, each once; %d requests named a device that may be named",
		len(r.heard), len(r.sinks), r.named)
	require.Positive(r.t, r.named)
	for _, sink := range slices.Sorted(maps.Keys(r.sinks)) {
		require.Positive(r.t, r.looked[sink], sink)
	}
}
