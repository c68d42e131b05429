package store

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/internal/apply"
)

func (in inbox) sealConsented() aggregate.Report {
	in.t.Helper()
	s := &aggregate.Sealer{Store: Deterministic{in.s}, Published: in.s, Clock: in.now, Log: slog.New(slog.DiscardHandler)}
	r, err := s.Run(in.t.Context())
	require.NoError(in.t, err)
	return r
}

// told is what a published table says, in the order of its lines.
func (in inbox) told(columns, table string) []string {
	in.t.Helper()
	return dump(in.t, in.s.pub, `SELECT `+columns+` FROM `+in.s.pub.table(table)+` ORDER BY 1, 2, 3`)
}

// phones are consenting people who installed, and did the same.
type phones struct {
	tag, campaign string // campaign "": organic
	n             int
	did           []string // names of events; "purchase" brings 1.25
	after         time.Duration
	change        func(*conversion.Install)
}

func (c consented) phones(p phones) {
	c.t.Helper()
	ctx, now := c.t.Context(), c.now.Now()
	for i := range p.n {
		id := fmt.Sprint(p.tag, ".", i)
		in := conversion.Install{ID: id, AppID: testApp, Time: now, ATTStatus: conversion.ATTAuthorized}
		if p.campaign != "" {
			in.ClickID = "c" + id
			_, err := c.Click(ctx, &conversion.Click{ID: "c" + id, AppID: testApp, NetworkID: testNetwork, Time: now.Add(-time.Hour), CampaignID: p.campaign})
			require.NoError(c.t, err)
		}
		if p.change != nil {
			p.change(&in)
		}
		_, err := c.Install(ctx, &in)
		require.NoError(c.t, err)
		c.do(id, now.Add(p.after), p.did...)
	}
}

// do is what an install does at a time, reported then.
func (c consented) do(id string, when time.Time, names ...string) {
	c.t.Helper()
	for _, name := range names {
		e := conversion.Event{ID: id + name, AppID: testApp, InstallID: id, Name: name, Time: when}
		if name == "purchase" {
			e.Revenue, e.Currency = ptr(decimal.RequireFromString("1.25")), "USD"
		}
		_, err := c.Event(c.t.Context(), &e)
		require.NoError(c.t, err)
	}
}

// funnelApp has one funnel, and a network whose campaigns are sources.
func (in inbox) funnelApp(change func(*apply.App)) {
	in.t.Helper()
	in.register(func(a *apply.App) {
		a.Funnel = [][]string{{"level_10", "purchase"}}
		if change != nil {
			change(a)
		}
	})
	day := func(s string) *string { return &s }
	in.apply(&apply.Bundle{Networks: []apply.Network{{NetworkID: testNetwork, Campaigns: []apply.Campaign{
		{Source: "5239", CampaignID: "spring"},
		{Source: "5241", CampaignID: "old", To: day("2026-10-31")},
		{Source: "6117", CampaignID: "both"}, {Source: "6217", CampaignID: "both"},
	}}}})
}

// TestDeterministicEndToEnd: clicks, installs and events come in; a week and its horizon
// later rows of at least k stand in the published store, once.
func TestDeterministicEndToEnd(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.funnelApp(nil)
		c.now.Set(start.Add(time.Hour))
		c.phones(phones{tag: "buy", campaign: "spring", n: 6, did: []string{"level_10", "purchase"}})
		c.phones(phones{tag: "play", campaign: "spring", n: 5, did: []string{"level_10"}})
		c.phones(phones{tag: "none", campaign: "spring", n: 9})
		c.phones(phones{tag: "past", campaign: "old", n: 10})      // no source any more
		c.phones(phones{tag: "two", campaign: "both", n: 12})      // 17 is what both end in
		c.phones(phones{tag: "org", n: 14, did: []string{"open"}}) // no ad; an event that no funnel has
		for tag, change := range map[string]func(*conversion.Install){
			"limited": func(i *conversion.Install) { i.Limited = true },
			"refused": func(i *conversion.Install) { i.GDPRApplies = true },
		} {
			c.phones(phones{tag: tag, n: 11, change: change})
		}
		c.phones(phones{tag: "test", n: 11})
		c.sql(`UPDATE install SET is_test = TRUE WHERE id = ?`, c.hash("install", "test.0"))
		for i := 1; i < 11; i++ {
			c.sql(`UPDATE install SET review = 'rejected' WHERE id = ?`, c.hash("install", fmt.Sprint("test.", i)))
		}

		c.now.Set(start.Add(weekLong + aggregate.Horizon + time.Hour - time.Millisecond))
		require.Zero(t, c.sealConsented(), "what the last installs do is not known yet")
		c.now.Advance(time.Millisecond)
		require.Equal(t, aggregate.Report{Published: 1, Installs: 56}, c.sealConsented())
		require.ElementsMatch(t, []string{
			testNetwork + "|17|<nil>|withheld|12|0|0|72",
			testNetwork + "|39|239|src4|20|6|7.5|72",
			testNetwork + "|<nil>|<nil>|withheld|10|0|0|72",
			"organic|<nil>|<nil>|network|14|0|0|72",
		}, told(c, "network_id, source_2, source_3, level, installs, payers, revenue_est, horizon_hours", "deterministic_cohort"))
		require.Equal(t, []string{"39|level_10|11|7.5", "39|purchase|6|7.5"},
			only(told(c, "source_2, event_name, installs, revenue_est", "deterministic_event"), "39"))
		require.Equal(t, []string{"39|0|<nil>|20", "39|1|level_10|11", "39|2|purchase|6"},
			only(told(c, "source_2, stage, event_name, installs", "funnel"), "39"))
		require.Empty(t, c.told("release_id, row_id, level, installs", "cohort"), "no postback has part in it")
		require.Equal(t, []string{fmt.Sprintf("%d.0.deterministic.production.2026-11-02.week.deterministic.base.0|published|56|0", testApp)},
			c.ledgerLines())

		// What comes later takes the next window; what was published stays.
		first := c.told("row_id, installs, payers, revenue_est", "deterministic_cohort")
		c.do("none.0", start.Add(2*time.Hour), "purchase")
		require.Zero(t, c.sealConsented())
		c.phones(phones{tag: "late", campaign: "spring", n: 10})
		c.now.Set(start.Add(2*weekLong + aggregate.Horizon + time.Hour))
		require.Equal(t, aggregate.Report{Published: 1, Installs: 10}, c.sealConsented())
		require.Subset(t, c.told("row_id, installs, payers, revenue_est", "deterministic_cohort"), first)
		require.Equal(t, []string{"66"}, c.dump(`SELECT COUNT(*) FROM install WHERE sealed_in IS NOT NULL`))
	})
}

func told(c consented, columns, table string) []string {
	lines := c.told(columns, table)
	for i, l := range lines { // PostgreSQL keeps the scale of an amount
		lines[i] = strings.ReplaceAll(l, "7.50", "7.5")
	}
	return lines
}

func only(lines []string, prefix string) (out []string) {
	for _, l := range lines {
		if strings.HasPrefix(l, prefix) {
			out = append(out, l)
		}
	}
	return out
}

// TestDeterministicHorizon: what is done 72 hours after the install still counts, and
// not a millisecond later; an amount is clamped at the schema's cap.
func TestDeterministicHorizon(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.funnelApp(func(a *apply.App) {
			a.Schema = []byte(strings.Replace(string(purchases("1")), `{"currency": "USD"`, `{"currency": "USD", "revenue_cap": "1"`, 1))
		})
		c.now.Set(start.Add(time.Hour))
		c.phones(phones{tag: "in", campaign: "spring", n: 12})
		c.phones(phones{tag: "out", campaign: "spring", n: 12})
		c.now.Advance(aggregate.Horizon + time.Hour)
		for i := range 12 {
			c.do(fmt.Sprint("in.", i), start.Add(time.Hour+aggregate.Horizon), "purchase")
			c.do(fmt.Sprint("out.", i), start.Add(time.Hour+aggregate.Horizon+time.Millisecond), "purchase")
		}
		c.now.Set(start.Add(weekLong + aggregate.Horizon + time.Hour))
		require.Equal(t, 24, c.sealConsented().Installs)
		require.Equal(t, []string{"24|12|12|12"}, c.told("installs, payers, CAST(revenue_min AS INTEGER), CAST(revenue_max AS INTEGER)", "deterministic_cohort"))
	})
}

// TestDeterministicCarries: fewer than k wait, and come with those of a later window;
// who is erased meanwhile is not among them.
func TestDeterministicCarries(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.funnelApp(nil)
		c.now.Set(start.Add(time.Hour))
		c.phones(phones{tag: "few", campaign: "spring", n: 7})
		c.now.Set(start.Add(weekLong + aggregate.Horizon + time.Hour))
		require.Equal(t, aggregate.Report{Carried: 1}, c.sealConsented())
		require.Empty(t, c.told("row_id, installs, payers, revenue_est", "deterministic_cohort"))
		c.sql(`DELETE FROM install WHERE id = ?`, c.hash("install", "few.0"))
		c.phones(phones{tag: "more", campaign: "spring", n: 8})
		c.now.Set(start.Add(2*weekLong + aggregate.Horizon + time.Hour))
		require.Equal(t, aggregate.Report{Published: 1, Installs: 14}, c.sealConsented())
		require.Equal(t, []string{fmt.Sprintf("%d.0.deterministic.production.2026-11-02.week.deterministic.base.0|carried|0|7", testApp),
			fmt.Sprintf("%d.0.deterministic.production.2026-11-09.week.deterministic.base.0|published|14|0", testApp)}, c.ledgerLines())
		require.Contains(t, fmt.Sprint(c.told("window_start, installs, level, payers", "deterministic_cohort")), "2026-11-02")
	})
}

// TestDeterministicPrepareChecks: a release whose installs changed since they were cut
// marks nothing, and a second one for a window is refused.
func TestDeterministicPrepareChecks(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.funnelApp(nil)
		c.now.Set(start.Add(time.Hour))
		c.phones(phones{tag: "a", campaign: "spring", n: 12})
		w := aggregate.WindowAt(aggregate.Week, start)
		d, s := aggregate.DeterministicDataset(testApp), Deterministic{c.s}
		b, err := s.Counted(t.Context(), d, w)
		require.NoError(t, err)
		r := aggregate.Release{
			ID: "r", Dataset: d, View: aggregate.ViewDeterministic, Kind: aggregate.ReleaseBase, Window: w, Taken: w,
			State: aggregate.StatePrepared, Digest: aggregate.Digest(b.Groups), Settings: aggregate.DefaultSettings(),
		}
		c.do("a.0", c.now.Now(), "purchase")
		require.ErrorIs(t, s.Prepare(t.Context(), r), aggregate.ErrRowsChanged)
		require.Empty(t, c.ledgerLines())
		b, err = s.Counted(t.Context(), d, w)
		require.NoError(t, err)
		r.Digest = aggregate.Digest(b.Groups)
		require.NoError(t, s.Prepare(t.Context(), r))
		pending, err := s.Pending(t.Context())
		require.NoError(t, err)
		require.Len(t, pending, 1)
		var refused *aggregate.InTheWayError
		r.ID = "again"
		require.ErrorAs(t, s.Prepare(t.Context(), r), &refused)
		require.Equal(t, "r", refused.InTheWay)
	})
}

// TestDeterministicKilledBetweenPhases: what was prepared is published by the next run,
// once, whatever happened to its installs in between.
func TestDeterministicKilledBetweenPhases(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.funnelApp(nil)
		c.now.Set(start.Add(time.Hour))
		c.phones(phones{tag: "a", campaign: "spring", n: 12, did: []string{"level_10"}})
		c.now.Set(start.Add(weekLong + aggregate.Horizon + time.Hour))
		killed := &aggregate.Sealer{Store: Deterministic{c.s}, Published: failing{}, Clock: c.now, Log: slog.New(slog.DiscardHandler)}
		_, err := killed.Run(t.Context())
		require.Error(t, err)
		require.Empty(t, c.told("row_id, installs, payers, level", "deterministic_cohort"))
		c.sql(`DELETE FROM install`)
		require.Equal(t, aggregate.Report{Finished: 1, Installs: 12}, c.sealConsented())
		require.Equal(t, []string{"12|0|src4"}, c.told("installs, payers, level", "deterministic_cohort")[:1])
		require.Zero(t, c.sealConsented())
		_, err = (&aggregate.Redecoder{Store: c.s, Published: c.s, Clock: c.now, Log: slog.New(slog.DiscardHandler)}).Redecode(
			t.Context(), fmt.Sprintf("%d.0.deterministic.production.2026-11-02.week.deterministic.base.0", testApp), 1)
		require.Error(t, err, "there is nothing to read by another schema")
	})
}

// TestDeterministicLooksAtOpenInstallsOnly: the sealer runs every few minutes, and most
// installs were sealed long ago.
func TestDeterministicLooksAtOpenInstallsOnly(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		explain := `EXPLAIN QUERY PLAN `
		if in.s.main.dialect == postgres {
			explain = `EXPLAIN `
			in.sql(`INSERT INTO install (app_id, id, installed_at, received_at, click_id, network_id, campaign_id, decision, reason, method,
				interaction, flags, is_test, att_status, limited, gdpr, consent_at, decided_at, detail, body, sealed_in)
				SELECT 1, CAST(i AS TEXT), i, i, '', '', '', '', '', '', '', '', FALSE, '', FALSE, '', 0, 0, '', '', 'r' FROM generate_series(1, 5000) AS i`)
			in.sql(`ANALYZE install`)
		}
		for _, text := range []string{openConsentedSQL, `SELECT MIN(received_at) FROM install WHERE app_id = 1 AND received_at >= 5 AND ` + sealableInstall} {
			require.Contains(t, strings.Join(in.dump(explain+text), "\n"), "install_open")
		}
	})
}
