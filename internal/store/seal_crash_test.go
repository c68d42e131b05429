package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/forward"
	"skand/internal/apply"
)

var errCrash = errors.New("crash")

// mortal is a store whose process dies at one call: before its effect or after it.
type mortal struct {
	*Store
	dies    int
	after   bool
	effects []bool // of the calls so far: whether they change anything
}

func (m *mortal) call(effect bool, f func() error) error {
	m.effects = append(m.effects, effect)
	switch {
	case len(m.effects) != m.dies:
		return f()
	case m.after:
		return errors.Join(f(), errCrash)
	default:
		return errCrash
	}
}

func (m *mortal) Open(ctx context.Context) (open []aggregate.Open, err error) {
	err = m.call(false, func() error { open, err = m.Store.Open(ctx); return err })
	return open, err
}

func (m *mortal) NextCounted(ctx context.Context, d aggregate.Dataset, from time.Time) (at time.Time, ok bool, err error) {
	err = m.call(false, func() error { at, ok, err = m.Store.NextCounted(ctx, d, from); return err })
	return at, ok, err
}

func (m *mortal) Counted(ctx context.Context, d aggregate.Dataset, w aggregate.Window) (b aggregate.Batch, err error) {
	err = m.call(false, func() error { b, err = m.Store.Counted(ctx, d, w); return err })
	return b, err
}

func (m *mortal) Pending(ctx context.Context) (r []aggregate.Release, err error) {
	err = m.call(false, func() error { r, err = m.Store.Pending(ctx); return err })
	return r, err
}

func (m *mortal) Prepare(ctx context.Context, r aggregate.Release) error {
	return m.call(true, func() error { return m.Store.Prepare(ctx, r) })
}

func (m *mortal) Publish(ctx context.Context, r aggregate.Release) error {
	return m.call(true, func() error { return m.Store.Publish(ctx, r) })
}

func (m *mortal) MarkPublished(ctx context.Context, id string) error {
	return m.call(true, func() error { return m.Store.MarkPublished(ctx, id) })
}

// fortunes are two apps over five weeks: windows that publish, that are carried,
// that have no row, late rows, and a change to days and to another currency.
func (in inbox) fortunes(week int) {
	at := start.Add(time.Duration(week) * weekLong)
	add := func(tag string, n int, app int64, after time.Duration) {
		in.crowd(crowd{
			tag: fmt.Sprint(week, tag), n: n, app: app, at: at.Add(after), payer: n%2 == 0,
			revenue: fmt.Sprintf("%d.%02d", n, week), source: fmt.Sprint(1000 + n), version: int(app - 1),
		})
	}
	switch week {
	case 0:
		add("a", 14, 1, 0)
		add("b", 11, 1, 30*time.Hour)
		add("c", 4, 2, time.Hour)
	case 1:
		add("late", 3, 1, -time.Millisecond)
		add("d", 3, 2, time.Hour)
	case 3:
		add("e", 12, 1, 0)
		add("f", 13, 1, 25*time.Hour)
		add("g", 8, 2, 50*time.Hour)
	case 4:
		add("late", 16, 2, -time.Millisecond)
	}
}

type fate struct {
	effects                           []bool // of each call
	published, releases, rows, outbox []string
	measures                          map[string][]string
}

// live runs the five weeks on emptied stores, with a death at call dies.
func (in inbox) live(dies int, after bool) fate {
	in.t.Helper()
	for _, table := range []string{"counted_postback", "release_ledger", "outbox", "app", "app_setting"} {
		in.sql(`DELETE FROM ` + table)
	}
	for _, table := range []string{"cohort_value", "cohort_event", "cohort_remainder", "cohort", "release"} {
		_, err := in.s.pub.w.ExecContext(in.t.Context(), `DELETE FROM `+in.s.pub.table(table))
		require.NoError(in.t, err)
	}
	in.now.Set(start)
	apps := []apply.App{
		{AppID: 1, K: ptr(10), B: ptr(3)},
		{AppID: 2, K: ptr(10), B: ptr(3), Schema: purchases("1", "2", "3", "4", "5")}, // it has histograms
	}
	in.apply(&apply.Bundle{Apps: apps})
	m := &mortal{Store: in.s, dies: dies, after: after}
	s := in.sealer()
	s.Store, s.Published = m, m
	var sealed []string
	for week := range 5 {
		in.fortunes(week)
		if week == 2 {
			apps[0].Window, apps[0].Currency = "day", "EUR"
			in.apply(&apply.Bundle{Apps: apps})
			continue
		}
		in.now.Set(start.Add(time.Duration(week+1)*weekLong + time.Hour))
		for tries := 0; ; tries++ {
			_, err := s.Run(in.t.Context())
			if err == nil {
				break
			}
			require.ErrorIs(in.t, err, errCrash)
			require.Less(in.t, tries, 1)
		}
		rows := in.dump(`SELECT * FROM counted_postback WHERE sealed_in IS NOT NULL ORDER BY app_id, identity`)
		for _, row := range sealed {
			require.True(in.t, slices.Contains(rows, row), "sealed rows never change: %s", row)
		}
		sealed = rows
	}
	c := in.countAll()
	require.Equal(in.t, c.Counted["install"], c.Published+c.Waiting, "published + carried = counted")
	require.Equal(in.t, c.Sealed, c.Published)
	return fate{
		effects: m.effects, published: in.published(), rows: sealed, measures: in.measures(),
		releases: in.dump(`SELECT release_id, state, installs, carried FROM release_ledger ORDER BY release_id`),
		outbox:   in.outbox(),
	}
}

// outbox is what waits to be sent, opened: the same fields are sealed otherwise each time.
func (in inbox) outbox() []string {
	rows := in.dump(`SELECT dedup_key, kind, fields FROM outbox ORDER BY dedup_key`)
	for i, row := range rows {
		named, sealed, ok := strings.Cut(row, "|v1.")
		require.True(in.t, ok, row)
		fields, err := in.s.openFields("v1." + sealed)
		require.NoError(in.t, err)
		rows[i] = fmt.Sprint(named, " ", fields)
	}
	return rows
}

// TestSealSurvivesEveryCrash kills the sealer at each of its calls, before and
// after the effect. The next run ends in the same published bytes, the same marks
// on the rows and the same deliveries as a life without a crash.
func TestSealSurvivesEveryCrash(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for app := int64(1); app <= 2; app++ {
			_, err := in.s.SaveDestination(t.Context(), forward.Destination{
				ID: fmt.Sprint("modeled", app), AppID: app, NetworkID: testNetwork, Enabled: true, URL: "https://h.example/",
				Kinds: []string{forward.KindModeled}, SendRevenue: true,
			}, start)
			require.NoError(t, err)
		}
		quiet := in.live(0, false)
		require.Equal(t, []string{
			"1.0.install.production.2026-11-02.week.cohort.base.0|published|25|0",
			"1.0.install.production.2026-11-23.day.cohort.base.0|published|12|0", // not the three late ones, in dollars
			"1.0.install.production.2026-11-24.day.cohort.base.0|published|13|0",
			"2.0.install.production.2026-11-02.week.cohort.base.0|carried|0|4",
			"2.0.install.production.2026-11-09.week.cohort.base.0|carried|0|7",
			"2.0.install.production.2026-11-23.week.cohort.base.0|published|15|0",
			"2.0.install.production.2026-11-30.week.cohort.base.0|published|16|0",
		}, quiet.releases)
		require.NotEmpty(t, quiet.outbox)
		require.NotEmpty(t, quiet.measures["cohort_value"])
		for call, effect := range quiet.effects {
			for _, after := range []bool{false, true} {
				if after && !effect || raced && (!after || call%2 == 0) {
					continue // what a death finds done is what the last effect before it did
				}
				f := in.live(call+1, after)
				f.effects = quiet.effects
				require.Equal(t, quiet, f, "death at call %d, after its effect: %t", call+1, after)
			}
		}
	})
}
