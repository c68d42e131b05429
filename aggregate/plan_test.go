package aggregate

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func history(entries ...SettingsAt) []SettingsAt { return entries }

func entry(t *testing.T, from string, change func(*Settings)) SettingsAt {
	t.Helper()
	s := DefaultSettings()
	change(&s)
	return SettingsAt{EffectiveFrom: at(t, from), Settings: s}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	weekly := func(*Settings) {}
	daily := func(s *Settings) { s.Window = Day }
	euro := func(s *Settings) { s.Currency = "EUR" }
	created := entry(t, "2026-11-04T10:00:00Z", weekly)
	for _, c := range []struct {
		name      string
		history   []SettingsAt
		lastEnd   string
		at        string // first row counted since; "" none
		now       string
		due       bool
		start     string
		takenFrom string
		err       string
	}{
		{name: "before the seal delay is over", history: history(created), at: "2026-11-18T12:00:00Z", now: "2026-11-23T00:59:59.999Z"},
		{name: "at the seal delay", history: history(created), at: "2026-11-18T12:00:00Z", now: "2026-11-23T01:00:00Z", due: true, start: "2026-11-16T00:00:00Z"},
		{name: "the first window is that of the earliest row", history: history(created), at: "2026-11-04T12:00:00Z", now: "2027-01-01T00:00:00Z", due: true, start: "2026-11-02T00:00:00Z"},
		{name: "years without rows are one step", history: history(created), lastEnd: "2026-11-09T00:00:00Z", at: "2031-01-01T00:00:00Z", now: "2031-02-01T00:00:00Z", due: true, start: "2030-12-30T00:00:00Z"},
		{name: "week to day", history: history(created, entry(t, "2026-11-16T00:00:00Z", daily)), lastEnd: "2026-11-16T00:00:00Z", at: "2026-11-17T05:00:00Z", now: "2026-11-18T01:00:00Z", due: true, start: "2026-11-17T00:00:00Z"},
		{name: "a week that began under weeks stays one", history: history(created, entry(t, "2026-11-16T00:00:00Z", daily)), at: "2026-11-15T05:00:00Z", now: "2026-11-18T01:00:00Z", due: true, start: "2026-11-09T00:00:00Z"},
		{name: "a change within a week is refused", history: history(created, entry(t, "2026-11-18T00:00:00Z", daily), entry(t, "2026-11-20T00:00:00Z", weekly)), lastEnd: "2026-11-20T00:00:00Z", at: "2026-11-20T05:00:00Z", now: "2027-01-01T00:00:00Z", err: "overlaps the ledger's last one, which ends 2026-11-20"},
		{name: "nothing new, nothing closed since", history: history(created), lastEnd: "2026-11-23T00:00:00Z", now: "2026-11-25T00:00:00Z"},
		{name: "nothing new: the last closed window is tried", history: history(created), lastEnd: "2026-11-09T00:00:00Z", now: "2026-11-25T00:00:00Z", due: true, start: "2026-11-16T00:00:00Z"},
		{name: "another currency takes only its own rows", history: history(created, entry(t, "2026-11-16T00:00:00Z", euro)), lastEnd: "2026-11-16T00:00:00Z", at: "2026-11-18T12:00:00Z", now: "2026-12-01T00:00:00Z", due: true, start: "2026-11-16T00:00:00Z", takenFrom: "2026-11-16T00:00:00Z"},
		{name: "and the old one until then", history: history(created, entry(t, "2026-11-16T00:00:00Z", euro)), lastEnd: "2026-11-09T00:00:00Z", at: "2026-11-10T12:00:00Z", now: "2026-12-01T00:00:00Z", due: true, start: "2026-11-09T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := Open{Dataset: installs, History: c.history}
			if c.lastEnd != "" {
				o.LastEnd = at(t, c.lastEnd)
			}
			var first time.Time
			if c.at != "" {
				first = at(t, c.at)
			}
			p, due, err := o.plan(first, c.at != "", at(t, c.now))
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.due, due)
			if !c.due {
				return
			}
			require.Equal(t, at(t, c.start), p.window.Start)
			require.Equal(t, p.window.End, p.taken.End)
			require.Equal(t, c.at == "", p.waiting)
			if c.takenFrom == "" {
				require.True(t, p.taken.Start.IsZero())
				return
			}
			require.Equal(t, at(t, c.takenFrom), p.taken.Start)
		})
	}
}

func TestReleaseOfPlan(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-23T01:00:00Z")
	w := WindowAt(Week, at(t, "2026-11-16T00:00:00Z"))
	p := plan{window: w, settings: DefaultSettings(), taken: Window{End: w.End}}
	o := Open{Dataset: installs, Lab: true, CarriedStarts: []time.Time{w.Start.AddDate(0, 0, -14), w.Start.AddDate(0, 0, -7)}}

	batch := Batch{Groups: []Counted{payers(20)}}
	r := o.release(p, Cut(installs, p.settings, batch), Digest(batch.Groups), now)
	require.Equal(t, "525463029.0.install.production.2026-11-16.week.cohort.base.0", r.ID)
	require.Equal(t, StatePrepared, r.State)
	require.Equal(t, w.Start.AddDate(0, 0, -14), r.WindowStart, "the first carried window")
	require.Equal(t, 20, r.Installs)
	require.True(t, r.Lab)

	// It rests as JSON between the two phases and must come back as it was.
	kept, err := json.Marshal(r)
	require.NoError(t, err)
	var back Release
	require.NoError(t, json.Unmarshal(kept, &back))
	require.Equal(t, string(kept), asJSON(t, back))
	require.Equal(t, "31", back.Rows[0].RevenueEst.String())

	// The ledger keeps the line without what it publishes.
	r.Remainders, r.Values, r.Events = make([]Remainder, 1), make([]ValueBin, 1), make([]EventCount, 1)
	line := r.Line()
	require.Empty(t, line.Rows)
	require.Empty(t, line.Remainders)
	require.Empty(t, line.Values)
	require.Empty(t, line.Events)
	require.Equal(t, r.ID, line.ID)
	require.Len(t, r.Rows, 1)

	// Windows carried in another currency are not this release's.
	p.taken.Start = w.Start.AddDate(0, 0, -7)
	r = o.release(p, Cut(installs, p.settings, batch), "", now)
	require.Equal(t, w.Start.AddDate(0, 0, -7), r.WindowStart)

	r = o.release(p, Cut(installs, p.settings, Batch{Groups: []Counted{payers(19)}}), "", now)
	require.Equal(t, StateCarried, r.State)
	require.Empty(t, r.Rows)
	require.Equal(t, 19, r.Carried)
	require.Equal(t, w.Start, r.WindowStart)
}

func TestInTheWayNamesBoth(t *testing.T) {
	t.Parallel()
	err := &InTheWayError{Release: "new", Window: WindowAt(Week, at(t, "2026-11-16T00:00:00Z")), InTheWay: "old", State: StateCarried}
	for _, part := range []string{"new", "old", "carried", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"} {
		require.ErrorContains(t, err, part)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	a, b := payers(20), valued(7, ValueNull)
	want := Digest([]Counted{a, b})
	require.Equal(t, want, Digest([]Counted{b, a}), "order")
	one, rest := a, a
	one.N, rest.N = 1, 19
	require.Equal(t, want, Digest([]Counted{one, b, rest}), "grouping")
	same := a
	same.RevenueMax = moneyAt("2")
	require.Equal(t, want, Digest([]Counted{same, b}), "spelling of money")
	for name, change := range map[string]func(*Counted){
		"n":       func(c *Counted) { c.N++ },
		"source":  func(c *Counted) { c.Source = "40" },
		"kind":    func(c *Counted) { c.Kind = ValueNull },
		"payer":   func(c *Counted) { c.Payer = false },
		"revenue": func(c *Counted) { c.RevenueEst = money("1.56") },
		"open":    func(c *Counted) { c.RevenueMax = nil },
		"value":   func(c *Counted) { c.Fine++ },
		"clamped": func(c *Counted) { c.Clamped = true },
		"again":   func(c *Counted) { c.Redownload = true },
		"unsure":  func(c *Counted) { c.Ambiguous = true },
		"version": func(c *Counted) { c.SchemaVersion = 2 },
	} {
		changed := a
		change(&changed)
		require.NotEqual(t, want, Digest([]Counted{changed, b}), name)
	}
}
