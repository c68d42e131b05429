package attack

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/noise"
	"skand/internal/store"
)

// funnel is what the consenting people of the weekly app are followed through.
var funnel = [][]string{{"level_10", "purchase"}}

// reportedCampaigns are campaigns of network steady that the app's own reports name.
var reportedCampaigns = []apply.Campaign{{Source: "1101", CampaignID: "c1101"}, {Source: "1102", CampaignID: "c1102"}, {Source: "1103", CampaignID: "c1103"}}

// reported is a crowd of consenting people of one week: the weekly app's, as it reports
// them beside Apple's postbacks.
type reported struct {
	tag, network, campaign string // network "": organic
	n, levels, payers      int    // the first of them reach a level, and pay
}

// crowdsReported have what the attacks look for on the other side too: one payer, all
// but one, few who leave a funnel, crowds and networks below k, and a week that shrinks.
func crowdsReported(number int) []reported {
	return []reported{
		{"a", steady, "c1101", 20 + number%3, 12, 6},
		{"b", steady, "c1102", 24, 23, 1},
		{"c", steady, "c1103", 22, 22, 21},
		{"d", steady, "c13", 9, 4, 2},
		{"e", steady, "unknown", 19 + number%3, 6, 0},
		{"f", rich, "r1", 21, 8, 2},
		{"g", victim, "v1", 2, 1, 1},
		{"h", "", "", 70 + 3*number, 9, 3},
	}
}

// report hands a week's clicks, installs and events to the intake, in batches.
func (w *world) report(number int) {
	w.t.Helper()
	intake := &conversion.Intake{Store: w.store}
	now := w.now.Now()
	var clicks []*conversion.Click
	var installs []*conversion.Install
	var events []*conversion.Event
	for _, c := range crowdsReported(number) {
		for i := range c.n {
			id := fmt.Sprintf("%d.%s.%d", number, c.tag, i)
			install := &conversion.Install{ID: id, AppID: weeklyApp, Time: now, ATTStatus: conversion.ATTAuthorized}
			if c.network != "" {
				install.ClickID = "c" + id
				clicks = append(clicks, &conversion.Click{
					ID: "c" + id, AppID: weeklyApp, NetworkID: c.network, CampaignID: c.campaign, Time: now.Add(-day / 8),
				})
			}
			installs = append(installs, install)
			if i < c.levels {
				events = append(events, &conversion.Event{ID: id + "l", AppID: weeklyApp, InstallID: id, Name: "level_10", Time: now})
			}
			if i < c.payers {
				paid := decimal.New(int64(99+i), -2)
				events = append(events, &conversion.Event{
					ID: id + "p", AppID: weeklyApp, InstallID: id, Name: "purchase", Time: now, Revenue: &paid, Currency: "USD",
				})
			}
		}
	}
	taken := func(answers []conversion.Taken, err error) {
		w.t.Helper()
		require.NoError(w.t, err)
		for _, a := range answers {
			require.Truef(w.t, a.Accepted, "%+v", a)
		}
	}
	taken(intake.Clicks(w.t.Context(), clicks))
	taken(intake.Installs(w.t.Context(), installs))
	taken(intake.Events(w.t.Context(), events))
}

// sealConsented seals the side of consenting people, and puts both sides together.
func (w *world) sealConsented() {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	sealer := &aggregate.Sealer{Store: store.Deterministic{Store: w.store}, Published: w.store, Clock: w.now, Log: log}
	_, err := sealer.Run(w.t.Context())
	require.NoError(w.t, err)
	combiner := &aggregate.Combiner{Store: w.store, Published: w.store, Clock: w.now, Log: log}
	_, err = combiner.Run(w.t.Context())
	require.NoError(w.t, err)
}

// seededNoise is as wide as the real noise and the same on every database, so that what
// both publish can be compared.
type seededNoise struct {
	*rand.Rand
	noise.Laplace
}

func newNoise() *seededNoise { return &seededNoise{Rand: rand.New(rand.NewPCG(5, 0))} }

// Count implements aggregate.Noise.
func (s *seededNoise) Count(n int, _ float64) (int, error) { return n + s.IntN(9) - 4, nil }

// everySideIsThere: the attacks on consented installs, on both sides together and on
// noised views have something to attack.
func (w *world) everySideIsThere(t *testing.T) {
	t.Helper()
	last := w.snapshots[len(w.snapshots)-1]
	for _, name := range []string{"deterministic_cohort", "deterministic_event", "funnel", "combined", "cohort_crossing", "cohort_modeled", "cohort_modeled_rollup", "model_check", "cohort_modeled_explained"} {
		t.Logf("%s: %d lines", name, len(last.tables[name].lines))
		require.NotEmpty(t, last.tables[name].lines, name)
	}
}
