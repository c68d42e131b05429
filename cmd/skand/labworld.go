package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"skand/aggregate"
	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/fixtures/network"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/internal/store"
	"skand/skan"
)

const (
	demoApp      = 525463029 // the app of the sample schema
	labStep      = 3 * time.Hour
	labFortnight = 14 * 24 * time.Hour
)

// labWorld is everything around a running lab: a simulated Apple in front, phones,
// an app's backend, two fake networks behind. It talks to the App over HTTP only,
// as the world does.
type labWorld struct {
	app      *App
	public   string
	admin    string
	token    string // bootstrap admin
	s2s      string // token of scopes s2s and relay
	apple    *apple.Apple
	networks []*network.Server
	start    time.Time // a Monday, so that weeks begin with it
	seed     uint64
	installs int

	sent    map[traffic.Status]int // bodies by the state that the truth says
	answers map[traffic.Answer]int
	truth   map[string]int // counted identities by what they are
	lines   []traffic.Line
	posted  int // S2S lines
	moves   int
	onMove  func(at time.Time) error
}

// newLabWorld starts the networks and tells the app of them. The app listens.
func newLabWorld(ctx context.Context, app *App, token string, seed uint64, installs int) (*labWorld, error) {
	w := &labWorld{
		app: app, public: app.PublicURL(), admin: app.AdminURL(), token: token, seed: seed, installs: installs,
		sent: map[traffic.Status]int{}, answers: map[traffic.Answer]int{}, truth: map[string]int{},
	}
	var err error
	if w.apple, err = apple.FromSeed(seed); err != nil {
		return nil, err
	}
	for _, id := range []string{"example123.skadnetwork", "demo456.skadnetwork"} {
		n, err := network.New(id)
		if err != nil {
			return nil, errors.Join(err, w.close())
		}
		w.networks = append(w.networks, n)
	}
	w.start = aggregate.WindowAt(aggregate.Week, app.clock.Now()).End
	if err := w.set(ctx, w.start); err != nil {
		return nil, errors.Join(err, w.close())
	}
	if err := w.configure(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *labWorld) close() error {
	var errs []error
	for _, n := range w.networks {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

func (w *labWorld) networkIDs() []string {
	ids := make([]string, len(w.networks))
	for i, n := range w.networks {
		ids[i] = n.Name()
	}
	return ids
}

// configure applies the app with its schema, the networks with two destinations
// each, and the keys of the simulated Apple; and makes the backend's token.
func (w *labWorld) configure(ctx context.Context) error {
	keys, err := traffic.TrustedKeys(w.apple)
	if err != nil {
		return err
	}
	b := apply.Bundle{
		Apps:    []apply.App{{AppID: demoApp, Name: "Puzzle", BundleID: "com.example.puzzle", Currency: "USD", Schema: fixtures.PuzzleSchemaJSON()}},
		Forward: &apply.Forward{AllowPrivateCIDRs: []string{"127.0.0.0/8"}},
	}
	for _, k := range keys {
		b.TrustedKeys = append(b.TrustedKeys, apply.TrustedKey{Name: k.Name, KID: k.KID, SPKI: k.SPKI, Environment: string(k.Environment)})
	}
	raw := map[string]any{"apps": b.Apps, "forward": b.Forward, "trusted_keys": b.TrustedKeys}
	var networks, destinations []map[string]any
	for i, n := range w.networks {
		networks = append(networks, map[string]any{"network_id": n.Name(), "name": fmt.Sprintf("Network %d", i+1), "short_form": "last"})
		common := map[string]any{"network_id": n.Name(), "app_id": demoApp, "scope": "attributed", "method": "GET", "send_revenue": true}
		for id, more := range map[string]map[string]any{
			fmt.Sprintf("network-%d-events", i+1): {
				"kinds": []string{"install", "event"},
				"url":   n.URL() + "/pb?click={click_id}&e={event_name}&rev={revenue}&cur={currency}&idfa={idfa}&id={delivery_id}",
			},
			fmt.Sprintf("network-%d-modeled", i+1): {
				"kinds": []string{"modeled"},
				"url": n.URL() + "/modeled?e={event_name}&n={count}&low={count_low}&high={count_high}&rev={revenue}" +
					"&source={source_identifier}&from={window_start}&row={row_id}&modeled={is_modeled}&id={delivery_id}",
			},
		} {
			d := map[string]any{"id": id}
			for _, m := range []map[string]any{common, more} {
				for k, v := range m {
					d[k] = v
				}
			}
			destinations = append(destinations, d)
		}
	}
	raw["networks"], raw["destinations"] = networks, destinations
	if err := w.call(ctx, "/v1/apply", raw, nil); err != nil {
		return fmt.Errorf("configure the lab: %w", err)
	}
	var token struct {
		Token string `json:"token"`
	}
	err = w.call(ctx, "/v1/tokens", map[string]any{"name": "backend and relays", "role": "none", "scopes": []string{"s2s", "relay"}}, &token)
	w.s2s = token.Token
	return err
}

// set moves the lab's clock to t; due jobs have run when it returns.
func (w *labWorld) set(ctx context.Context, t time.Time) error {
	w.moves++
	err := w.call(ctx, "/v1/lab/clock", map[string]any{"set": t}, nil)
	if err != nil || w.onMove == nil {
		return err
	}
	return w.onMove(t)
}

func (w *labWorld) call(ctx context.Context, path string, body, into any) error {
	t := &target{server: w.admin, token: w.token}
	var ignored any
	if into == nil {
		into = &ignored
	}
	return t.post(ctx, path, body, into)
}

// errPlayed ends the traffic at the end of the play.
var errPlayed = errors.New("played")

// play lets the time until end pass: everything that arrives in a step of the lab's
// time is posted, then the clock moves on.
func (w *labWorld) play(ctx context.Context, end time.Time) error {
	doc, err := fixtures.PuzzleSchema()
	if err != nil {
		return err
	}
	consented := traffic.Consented{
		Seed: w.seed, AppID: demoApp, Networks: w.networkIDs(), N: w.installs / 8, From: w.start, To: w.start.Add(labFortnight),
		Schema: doc, Duplicates: 0.05, Late: 0.05,
	}
	if w.lines, _, err = consented.Lines(); err != nil {
		return err
	}
	sim := traffic.Simulator{
		Seed: w.seed, AppID: demoApp, Networks: w.networkIDs(), N: w.installs, From: w.start, To: w.start.Add(labFortnight),
		Schema: doc, Apple: w.apple, Noise: traffic.DefaultNoise(),
	}
	s := &stepper{w: w, ctx: ctx, next: w.start.Add(labStep)}
	s.poster = traffic.NewPoster(ctx, w.public, w.s2s)
	_, err = sim.Each(func(one traffic.Sent) error {
		for !one.At.Before(s.next) {
			if !s.next.Before(end) {
				return errPlayed
			}
			if err := s.step(); err != nil {
				return err
			}
		}
		w.note(one)
		return s.poster.Send(one)
	})
	if err != nil && !errors.Is(err, errPlayed) {
		return err
	}
	for s.next.Before(end) {
		if err := s.step(); err != nil {
			return err
		}
	}
	return s.step()
}

type stepper struct {
	w      *labWorld
	ctx    context.Context
	next   time.Time
	poster *traffic.Poster
}

// step ends a step: what was posted is answered, the backend reports, time moves on.
func (s *stepper) step() error {
	answers, _, err := s.poster.Close()
	if err != nil {
		return err
	}
	for a, n := range answers {
		s.w.answers[a] += n
	}
	if err := s.w.report(s.ctx, s.next); err != nil {
		return err
	}
	if err := s.w.set(s.ctx, s.next); err != nil {
		return err
	}
	s.next = s.next.Add(labStep)
	s.poster = traffic.NewPoster(s.ctx, s.w.public, s.w.s2s)
	return nil
}

func (w *labWorld) note(one traffic.Sent) {
	w.sent[one.Status]++
	if one.Truth == nil || one.Truth.Environment != skan.Production || one.Truth.Test {
		return
	}
	switch {
	case !one.Truth.DidWin:
		w.truth["qualifier"]++
	case one.Truth.Conversion == skan.ConversionReengagement:
		w.truth["reengagement"]++
	default:
		w.truth["install"]++
	}
}

// report posts the backend's items up to a time, in arrays of one kind.
func (w *labWorld) report(ctx context.Context, until time.Time) error {
	for len(w.lines) > 0 && w.lines[0].At.Before(until) {
		n := 1
		for n < len(w.lines) && n < 500 && w.lines[n].Path == w.lines[0].Path && w.lines[n].At.Before(until) {
			n++
		}
		items := make([]json.RawMessage, n)
		for i := range items {
			items[i] = w.lines[i].Body
		}
		t := &target{server: w.public, token: w.s2s}
		var answer struct {
			Results []struct {
				Status  string `json:"status"`
				Message string `json:"message"`
			} `json:"results"`
		}
		if err := t.post(ctx, w.lines[0].Path, items, &answer); err != nil {
			return fmt.Errorf("report to %s: %w", w.lines[0].Path, err)
		}
		for _, r := range answer.Results {
			if r.Status == "rejected" {
				return fmt.Errorf("report to %s: rejected: %s", w.lines[0].Path, r.Message)
			}
		}
		w.posted += n
		w.lines = w.lines[n:]
	}
	return nil
}

// counts asks the app what went through each stage.
func (w *labWorld) counts(ctx context.Context) (store.Counts, error) {
	var c store.Counts
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.admin+"/v1/status", nil)
	if err != nil {
		return c, err
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return c, err
	}
	defer func() { _ = resp.Body.Close() }() // read below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return c, err
	}
	if resp.StatusCode != http.StatusOK {
		return c, fmt.Errorf("ask for the stages: %s: %s", resp.Status, bytes.TrimSpace(body))
	}
	return c, json.Unmarshal(body, &c)
}

// delivered counts what the networks took: deliveries by id, and takes beyond the first.
func (w *labWorld) delivered() (ids, again int) {
	for _, n := range w.networks {
		for _, times := range n.Taken() {
			ids++
			again += times - 1
		}
	}
	return ids, again
}
