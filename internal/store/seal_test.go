package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/apply"
)

const weekLong = 7 * 24 * time.Hour

// ledgerLines are the lines as operators see them: window, state, installs, carried.
func (in inbox) ledgerLines() []string {
	return in.dump(`SELECT release_id, state, installs, carried FROM release_ledger ORDER BY app_id, window_start, release_id`)
}

// line is what ledgerLines says of a window of the test app.
func line(day, kind, state string, installs, carried int) string {
	return fmt.Sprintf("%d.0.install.production.%s.%s.cohort.base.0|%s|%d|%d", testApp, day, kind, state, installs, carried)
}

func TestSealOnceAndLateRowsNext(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.crowd(crowd{tag: "a", n: 30, at: start})
		in.now.Set(start.Add(weekLong + time.Hour - time.Millisecond))
		require.Zero(t, in.seal(), "seal_delay has not passed")
		in.now.Advance(time.Millisecond)
		require.Equal(t, aggregate.Report{Published: 1, Installs: 30}, in.seal())
		first := in.published()
		require.Zero(t, in.seal())

		in.crowd(crowd{tag: "late", n: 12, at: start.Add(time.Hour)}) // committed after its window was sealed
		require.Zero(t, in.seal())
		in.nextWeek()
		require.Equal(t, aggregate.Report{Published: 1, Installs: 12}, in.seal(), "with no row of its own, the next window takes them")
		require.Equal(t, first, in.published()[:len(first)])
		require.Equal(t, []string{
			line("2026-11-02", "week", "published", 30, 0), line("2026-11-09", "week", "published", 12, 0),
		}, in.ledgerLines())
		require.Len(t, in.dump(`SELECT 1 FROM counted_postback WHERE sealed_in LIKE '%2026-11-09%'`), 12)
	})
}

func TestSealSecondReleaseIsRefused(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.crowd(crowd{tag: "a", n: 30, at: start})
		in.crowd(crowd{tag: "few", n: 3, at: start.Add(weekLong)})
		in.nextWeek()
		in.seal()
		in.nextWeek()
		in.seal()
		before, published := in.ledgerLines(), in.published()
		require.Equal(t, line("2026-11-09", "week", "carried", 0, 3), before[1])
		d := aggregate.Dataset{AppID: testApp, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
		for i, state := range []string{"published", "carried"} {
			w := aggregate.WindowAt(aggregate.Week, start.Add(time.Duration(i)*weekLong))
			for _, as := range []string{aggregate.StatePrepared, aggregate.StateCarried} {
				second := aggregate.Release{
					ID: "another-name", Dataset: d, View: aggregate.ViewCohort, Kind: aggregate.ReleaseBase,
					Window: w, Taken: w, State: as, Settings: aggregate.DefaultSettings(),
				}
				var refused *aggregate.InTheWayError
				require.ErrorAs(t, in.s.Prepare(t.Context(), second), &refused)
				require.Equal(t, &aggregate.InTheWayError{
					Release: "another-name", Window: w, State: state,
					InTheWay: aggregate.ReleaseID(d, w, aggregate.ViewCohort, aggregate.ReleaseBase, 0),
				}, refused)
			}
		}
		require.Equal(t, before, in.ledgerLines())
		require.Equal(t, published, in.published())
		// The ledger outlives its app: added again, it is held to it.
		in.sql(`DELETE FROM app`)
		in.crowd(crowd{tag: "again", n: 30, at: start})
		require.Zero(t, in.seal(), "of an app that is not registered nothing is sealed")
		in.register(nil)
		require.Zero(t, in.seal())
		require.Equal(t, published, in.published())
	})
}

// TestSealCarries: what is below k waits, keeps its decode, and appears under the
// start of the first window that was carried.
func TestSealCarries(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for week, n := range []int{4, 3, 2, 6} {
			in.crowd(crowd{tag: fmt.Sprint(week), n: n, at: start.Add(time.Duration(week) * weekLong)})
		}
		for range 3 {
			in.nextWeek()
			require.Equal(t, aggregate.Report{Carried: 1}, in.seal())
		}
		require.Empty(t, in.published())
		require.Empty(t, in.dump(`SELECT 1 FROM counted_postback WHERE sealed_in IS NOT NULL`))
		in.nextWeek()
		require.Equal(t, aggregate.Report{Published: 1, Installs: 15}, in.seal())
		require.Equal(t, []string{
			line("2026-11-02", "week", "carried", 0, 4), line("2026-11-09", "week", "carried", 0, 7),
			line("2026-11-16", "week", "carried", 0, 9), line("2026-11-23", "week", "published", 15, 0),
		}, in.ledgerLines())
		releases, _, err := in.s.Releases(t.Context(), 0, "", 10)
		require.NoError(t, err)
		require.Len(t, releases, 1, "a carried window has no line in the public ledger")
		require.Equal(t, start, time.Time(releases[0].WindowStart))
		require.Equal(t, start.Add(4*weekLong), time.Time(releases[0].WindowEnd))
		require.True(t, releases[0].Lab, "releases of a lab say so")
		require.Contains(t, in.published()[0], "|2026-11-02T00:00:00Z|2026-11-30T00:00:00Z|")

		in.crowd(crowd{tag: "after", n: 20, at: in.now.Now()})
		in.nextWeek()
		in.seal()
		releases, _, err = in.s.Releases(t.Context(), testApp, "", 10)
		require.NoError(t, err)
		require.Equal(t, start.Add(4*weekLong), time.Time(releases[0].WindowStart), "carried starts end with a release")
	})
}

// TestSealChangesFromTheNextWindow: k, window, currency and short_form as they
// were when a window began.
func TestSealChangesFromTheNextWindow(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		network := func(form string) {
			in.apply(&apply.Bundle{Networks: []apply.Network{{NetworkID: testNetwork, ShortForm: form}}})
		}
		network("last")
		weekly := func(tag string, at time.Time) {
			in.crowd(crowd{tag: tag + "1", n: 16, at: at, source: "5239"})
			in.crowd(crowd{tag: tag + "2", n: 15, at: at, source: "3952"})
		}
		weekly("a", start)
		in.now.Advance(time.Hour)
		network("first")
		in.register(func(a *apply.App) { a.K, a.Window, a.Currency = ptr(12), "day", "EUR" })
		in.crowd(crowd{tag: "x", n: 11, at: start.Add(time.Hour), source: "11"}) // k is still 10
		in.nextWeek()
		require.Equal(t, aggregate.Report{Published: 1, Installs: 42}, in.seal())
		column := func(name string) (out []string) {
			for _, row := range in.published() {
				out = append(out, strings.Split(row, "|")[slices.Index(CohortColumns(), name)])
			}
			return out
		}
		require.Equal(t, []string{"11", "39", "52"}, slices.Sorted(slices.Values(column("source_2"))), "short_form last")
		require.Equal(t, []string{"USD", "USD", "USD"}, column("currency"))

		second := start.Add(weekLong)
		weekly("b", second)
		in.crowd(crowd{tag: "y", n: 11, at: second, source: "11"}) // below the new k: with others
		in.now.Set(second.Add(25 * time.Hour))
		require.Equal(t, aggregate.Report{Published: 1, Installs: 42}, in.seal(), "by the day")
		require.Equal(t, []string{"EUR", "EUR"}, column("currency")[3:])
		require.Contains(t, column("source_2")[3:], "52", "short_form first")
		require.Equal(t, []string{
			line("2026-11-02", "week", "published", 42, 0), line("2026-11-09", "day", "published", 42, 0),
		}, in.ledgerLines())
	})
}

// TestSealNeverMixesCurrencies: what was carried in one currency never joins a
// window of another.
func TestSealNeverMixesCurrencies(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.crowd(crowd{tag: "usd", n: 5, at: start})
		in.register(func(a *apply.App) { a.Currency = "EUR" })
		in.nextWeek()
		in.seal()
		in.crowd(crowd{tag: "eur", n: 20, at: in.now.Now()})
		in.nextWeek()
		require.Equal(t, 20, in.seal().Installs)
		in.nextWeek()
		require.Zero(t, in.seal().Installs)
		require.Equal(t, int64(5), in.countAll().Waiting)
	})
}

// TestSealTwoAtOnce: two sealers, should it ever come to that, publish once.
func TestSealTwoAtOnce(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for week := range 4 {
			in.crowd(crowd{tag: fmt.Sprint(week), n: 20 + week, at: start.Add(time.Duration(week) * weekLong)})
		}
		in.now.Advance(5 * weekLong)
		errs := make([]error, 3)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = in.sealer().Run(context.WithoutCancel(t.Context())) })
		}
		wg.Wait()
		for _, err := range errs {
			var refused *aggregate.InTheWayError
			require.True(t, err == nil || errors.As(err, &refused) || errors.Is(err, aggregate.ErrRowsChanged), "%v", err)
		}
		in.seal()
		c := in.countAll()
		require.Equal(t, int64(20+21+22+23), c.Published)
		require.Equal(t, c.Published, c.Sealed)
		require.Len(t, in.published(), 4)
		require.Equal(t, map[string]int64{"published": 4}, c.Releases)
	})
}

// moving lets a row in between the cut and Prepare, as often as it is told to.
type moving struct {
	*Store
	moves int
}

func (m *moving) Counted(ctx context.Context, d aggregate.Dataset, w aggregate.Window) (aggregate.Batch, error) {
	b, err := m.Store.Counted(ctx, d, w)
	if err == nil && m.moves > 0 {
		m.moves--
		err = addCrowd(ctx, m.Store, crowd{tag: fmt.Sprintf("moved %d", m.moves), n: 1, at: start})
	}
	return b, err
}

func TestSealRowsChanged(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.crowd(crowd{tag: "a", n: 20, at: start})
		in.nextWeek()
		restless := in.sealer()
		restless.Store = &moving{in.s, 99}
		_, err := restless.Run(t.Context())
		require.ErrorIs(t, err, aggregate.ErrRowsChanged, "it gives up after some tries")
		require.Empty(t, in.ledgerLines(), "and nothing of them stays")
		require.Empty(t, in.published())
		require.Empty(t, in.dump(`SELECT 1 FROM counted_postback WHERE sealed_in IS NOT NULL`))
		moved := len(in.dump(`SELECT 1 FROM counted_postback`))
		restless.Store = &moving{in.s, 2}
		r, err := restless.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, aggregate.Report{Published: 1, Installs: moved + 2}, r, "what it publishes is what it marks")
		require.Equal(t, int64(moved+2), in.countAll().Sealed)
	})
}
