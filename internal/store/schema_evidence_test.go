package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/clock"
)

// lived reports an install and its events, each "name hours revenue currency".
func (in inbox) lived(app int64, id string, at time.Time, change func(*conversion.Install), events ...string) {
	in.t.Helper()
	k := conversion.Intake{Store: in.s}
	i := conversion.Install{ID: id, AppID: app, Time: at}
	if change != nil {
		change(&i)
	}
	_, err := k.Install(in.t.Context(), &i)
	require.NoError(in.t, err)
	for n, text := range events {
		f := strings.Fields(text + " - -")
		hours, err := time.ParseDuration(f[1])
		require.NoError(in.t, err)
		e := conversion.Event{ID: fmt.Sprint(id, "/", n), AppID: app, InstallID: id, Name: f[0], Time: at.Add(hours)}
		if f[2] != "-" {
			e.Revenue, e.Currency = ptr(decimal.RequireFromString(f[2])), f[3]
		}
		_, err = k.Event(in.t.Context(), &e)
		require.NoError(in.t, err)
	}
}

// evidence is what a look finds: a line for each week, and one for each install.
func (in inbox) evidence(q EvidenceQuery) []string {
	in.t.Helper()
	q.AppID = testApp
	weeks, err := in.s.ConsentedWeeks(in.t.Context(), q)
	require.NoError(in.t, err)
	out := []string{}
	for _, w := range weeks {
		out = append(out, fmt.Sprintf("%s k%d b%d %s: %d limited, %d late, %d in other currency, %d refunds, cut %t",
			w.From.Format(time.DateOnly), w.K, w.B, w.Currency, w.Limited, w.Late, w.OtherCurrency, w.Refunds, w.Cut))
		for _, i := range w.Installs {
			line := ""
			for _, e := range i.Events {
				line += fmt.Sprintf("%s %s %s; ", e.Name, e.Time.Format("02T15"), e.Revenue)
			}
			out = append(out, line)
		}
	}
	return out
}

func TestEvidenceEnd(t *testing.T) {
	t.Parallel()
	for now, want := range map[time.Time]string{
		start.AddDate(0, 0, 35):                                            "2026-10-26",
		start.AddDate(0, 0, 35).Add(time.Hour - time.Millisecond):          "2026-10-26",
		start.AddDate(0, 0, 35).Add(time.Hour):                             "2026-11-02",
		start.AddDate(0, 0, 42).Add(time.Hour - time.Millisecond).Local():  "2026-11-02",
		start.AddDate(0, 0, 42).In(time.FixedZone("east", 14*3600)):        "2026-11-02",
		start.AddDate(0, 0, 42).Add(time.Hour).In(time.FixedZone("", -99)): "2026-11-09",
	} {
		require.Equal(t, want, EvidenceEnd(now).Format(time.DateOnly), now)
	}
}

func TestConsentedWeeks(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		_, err := in.s.ConsentedWeeks(t.Context(), EvidenceQuery{AppID: testApp, From: start.AddDate(0, 0, -7), To: start})
		require.ErrorIs(t, err, ErrNoApp)
		in.register(nil)
		second := start.AddDate(0, 0, 7)
		hour := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
		in.lived(testApp, "before", start.Add(-time.Millisecond), nil)
		in.lived(testApp, "a", hour(0), nil,
			"buy 30h 123456789012.123456789 USD", "first_launch 9h", "open -1h", "end 839h", "past 840h", "buy 31h 5 EUR", "buy 32h -3 USD", "buy 33h 0 EUR")
		in.lived(testApp, "b", hour(5), func(i *conversion.Install) { i.Limited = true }, "buy 1h 7 USD")
		in.lived(testApp, "c", hour(4), nil)
		in.lived(testApp, "d", second, nil, "buy 1h 2 USD")
		in.lived(testApp+1, "a", hour(1), nil, "buy 1h 8 USD")
		in.now.Set(second.AddDate(0, 0, 35)) // the first week has settled, the second has not quite
		in.lived(testApp, "e", hour(6), nil, "buy 1h 9 USD")
		_, err = (&conversion.Intake{Store: in.s}).Event(t.Context(), &conversion.Event{ID: "slow", AppID: testApp, InstallID: "c", Name: "open", Time: hour(5)})
		require.NoError(t, err)
		both := EvidenceQuery{From: start, To: second.AddDate(0, 0, 7)}
		want := []string{
			"2026-11-09 k10 b3 USD: 0 limited, 0 late, 0 in other currency, 0 refunds, cut false",
			"first_launch 09T00 0; buy 09T01 2; ",
			"2026-11-02 k10 b3 USD: 1 limited, 0 late, 1 in other currency, 1 refunds, cut false",
			"first_launch 02T04 0; ",
			"first_launch 02T00 0; open 01T23 0; buy 03T06 123456789012.123456789; buy 03T07 0; buy 03T09 0; end 06T23 0; ",
		}
		want[2] = strings.Replace(want[2], "0 late", "1 late", 1)
		require.Equal(t, want, in.evidence(both))
		both.Late = true
		late := in.evidence(both)
		require.Equal(t, []string{"first_launch 02T06 0; buy 02T07 9; ", "first_launch 02T04 0; open 02T05 0; "}, late[3:5])
		require.Len(t, late, 6)
		both.Late = false

		in.now.Advance(7 * 24 * time.Hour)
		in.lived(testApp, "f", second, nil)
		want[0] = "2026-11-09 k10 b3 USD: 0 limited, 1 late, 0 in other currency, 0 refunds, cut false"
		want[2] = "2026-11-02 k10 b3 USD: 1 limited, 1 late, 1 in other currency, 1 refunds, cut false"
		require.Equal(t, want, in.evidence(both), "what has settled stays")
		in.register(func(a *apply.App) { a.K, a.B = ptr(30), ptr(9) })
		require.Equal(t, want, in.evidence(both), "each week is seen under its own settings")
	})
}

// What is looked at is bounded, and never depends on what was asked for beside it.
func TestConsentedWeeksAreBounded(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for week := range 3 {
			for n := range 4 {
				in.lived(testApp, fmt.Sprint(week, n), start.AddDate(0, 0, 7*week).Add(time.Duration(n)*time.Hour), func(i *conversion.Install) {
					i.Limited = n == 2
				}, "open 1h", "open 2h")
			}
		}
		installs := func(bounds evidenceBounds) string {
			weeks, err := in.s.ConsentedWeeks(t.Context(), EvidenceQuery{
				AppID: testApp, From: start, To: start.AddDate(0, 0, 21), Late: true, bounds: bounds})
			require.NoError(t, err)
			said := ""
			for _, w := range weeks {
				events := 0
				for _, i := range w.Installs {
					events += len(i.Events) - 1
				}
				said += fmt.Sprintf("%d/%d/%t ", len(w.Installs), events, w.Cut)
			}
			return said
		}
		for bounds, want := range map[evidenceBounds]string{
			{}:       "3/6/false 3/6/false 3/6/false ",
			{9, 99}:  "3/6/false 3/6/false 3/6/false ",
			{8, 99}:  "3/6/false 3/6/false ",
			{5, 99}:  "3/6/false ",
			{3, 99}:  "2/4/true ",
			{99, 12}: "3/6/false 3/6/false ",
			{99, 8}:  "3/6/false ",
			{99, 7}:  "2/4/true ", // the events of the one who shares nothing count while reading
			{99, 5}:  "1/2/true ",
			{99, 3}:  "1/2/true ",
			{99, 1}:  "0/0/true ",
		} {
			require.Equal(t, want, installs(bounds), "%+v", bounds)
		}
	})
}

// TestEvidenceLooksUpByApp: a look reads the installs of the app and their events,
// never those of other apps.
func TestEvidenceLooksUpByApp(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Main: migratedSQLite(t), Lab: Lab, Clock: clock.NewManual(start)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for _, text := range []string{evidenceInstallsSQL, evidenceEventsSQL} {
		plan := strings.Join(dump(t, s.main, "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...), "\n")
		require.NotContains(t, plan, "SCAN ", plan)
		require.Contains(t, plan, "(app_id=?", plan)
		if strings.Contains(text, "event e") {
			require.Contains(t, plan, "SEARCH e USING INDEX event_install (app_id=? AND install_id=?)", plan)
		}
	}
}
