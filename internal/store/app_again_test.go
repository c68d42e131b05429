package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/apply"
)

// TestDeleteAppAndAddItAgain: what waited is not published while the app is gone; added
// again with another k, b and window, it goes on where the ledger ends, under the rules
// that its windows began under, and no window gets a second release.
func TestDeleteAppAndAddItAgain(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		week := func(n int) time.Time { return start.Add(time.Duration(n) * weekLong) }
		in.register(nil)
		in.crowd(crowd{tag: "sealed", n: 30, at: week(0)})
		in.nextWeek()
		require.Equal(t, 30, in.seal().Installs)
		in.crowd(crowd{tag: "open", n: 11, at: week(1)})
		in.deleteApp(AppDeletion{})
		published, ledger := in.published(), in.ledgerLines()

		in.crowd(crowd{tag: "late", n: 25, at: week(0)}) // as if the first window had been counted anew
		in.crowd(crowd{tag: "meanwhile", n: 13, at: week(2)})
		for range 3 {
			in.nextWeek()
			require.Zero(t, in.seal())
		}
		require.Equal(t, published, in.published())
		require.Equal(t, ledger, in.ledgerLines())
		require.Equal(t, int64(49), in.countAll().Waiting)

		toggled := func(a *apply.App) { a.K, a.B, a.Window = ptr(12), ptr(4), "day" }
		changes := in.register(toggled)
		boundary := aggregate.WindowAt(aggregate.Week, in.now.Now()).End
		require.Len(t, changes, 2, "the app, and its settings from the next window on")
		require.Equal(t, Change{
			What: fmt.Sprintf("app %d settings", testApp), Action: "update",
			Detail: "from " + boundary.Format(time.RFC3339) + ", the next window not yet begun", appID: testApp,
		}, changes[1])
		require.Equal(t, aggregate.Report{Published: 2, Installs: 49}, in.seal())
		require.Equal(t, []string{
			line("2026-11-02", "week", "published", 30, 0), line("2026-11-09", "week", "published", 36, 0),
			line("2026-11-16", "week", "published", 13, 0),
		}, in.ledgerLines(), "11 in their week, under the k of 10 it began with; the late ones join them")
		require.Equal(t, published, in.published()[:len(published)], "not a byte of the first release")

		in.crowd(crowd{tag: "small", n: 11, at: boundary})
		in.crowd(crowd{tag: "large", n: 12, at: boundary.Add(24 * time.Hour)})
		in.now.Set(boundary.Add(49 * time.Hour))
		require.Equal(t, aggregate.Report{Published: 1, Carried: 1, Installs: 23}, in.seal(), "new windows, and only they, have the new k")
		lines := in.ledgerLines()
		require.Equal(t, []string{line("2026-12-07", "day", "carried", 0, 11), line("2026-12-08", "day", "published", 23, 0)}, lines[3:])
		require.Equal(t, published, in.published()[:len(published)])
	})
}

// TestDeletionNeverResetsTheLedger: an app deleted and added again at random, each time
// as somebody would who wants a window cut twice. After every run nothing that was
// published has changed, windows of the ledger never overlap, no install is published
// while the app is gone, and published and waiting installs are those that were counted.
func TestDeletionNeverResetsTheLedger(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		r := rand.New(rand.NewPCG(5, 23))
		there, counted, deleted := false, int64(0), 0
		seen := map[string]bool{}
		for step := range 100 {
			switch {
			case !there:
				in.register(func(a *apply.App) {
					a.K, a.B, a.Depth = ptr(10+r.IntN(5)), ptr(3+r.IntN(3)), ptr(2+r.IntN(3))
					a.Window = []string{"day", "week"}[r.IntN(2)]
				})
				there = r.IntN(4) > 0
				if there {
					break
				}
				fallthrough // gone again before anybody sealed
			case r.IntN(3) == 0:
				in.deleteApp(AppDeletion{})
				there = false
				deleted++
			}
			n := r.IntN(30)
			if n > 0 {
				at := in.now.Now().Add(-time.Duration(r.IntN(1+r.IntN(20*24))) * time.Hour) // late rows too
				in.crowd(crowd{tag: fmt.Sprint(step), n: n, at: at, source: fmt.Sprint(1000 + 1111*r.IntN(3))})
				counted += int64(n)
			}
			in.now.Advance(time.Duration(r.IntN(70)) * time.Hour)
			ledger := len(in.ledgerLines())
			in.seal()
			if !there {
				require.Len(t, in.ledgerLines(), ledger, "step %d: a deleted app is not sealed", step)
			}
			rows := in.published()
			for row := range seen {
				require.Contains(t, rows, row, "step %d", step)
			}
			for _, row := range rows {
				seen[row] = true
			}
			require.Len(t, rows, len(seen))
			c := in.countAll()
			require.Equal(t, counted, c.Published+c.Waiting, "step %d", step)
		}
		require.Greater(t, deleted, 10)
		spans := in.dump(`SELECT window_start, window_end FROM release_ledger ORDER BY window_start`)
		require.Greater(t, len(spans), 10)
		last := ""
		for _, span := range spans {
			from, to, _ := strings.Cut(span, "|")
			require.LessOrEqual(t, last, from)
			last = to
		}
	})
}

// vanishing deletes the app under the sealer's hands: once it has read the rows.
type vanishing struct {
	*Store
	deleted bool
}

func (v *vanishing) Counted(ctx context.Context, d aggregate.Dataset, w aggregate.Window) (aggregate.Batch, error) {
	b, err := v.Store.Counted(ctx, d, w)
	if err == nil && !v.deleted {
		v.deleted = true
		_, err = v.DeleteApp(ctx, d.AppID, AppDeletion{Match: whatever})
	}
	return b, err
}

// TestDeleteAppWhileItIsSealed: the sealer that has an app in hand leaves no line of it.
func TestDeleteAppWhileItIsSealed(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.crowd(crowd{tag: "a", n: 30, at: start})
		in.nextWeek()
		s := in.sealer()
		s.Store = &vanishing{Store: in.s}
		_, err := s.Run(t.Context())
		require.ErrorIs(t, err, ErrNoApp)
		require.ErrorContains(t, err, fmt.Sprintf("app %d was deleted meanwhile", testApp))
		require.Empty(t, in.ledgerLines())
		require.Empty(t, in.published())
		require.Zero(t, in.seal())
		in.register(nil)
		require.Equal(t, 30, in.seal().Installs)
	})
}

// unreachable is a published store that is away.
type unreachable struct{}

func (unreachable) Publish(context.Context, aggregate.Release) error { return errors.New("away") }

// TestDeleteAppFinishesWhatWasSealed: a release in the ledger may be half published, so
// it is finished even after its app is gone and its rows are erased.
func TestDeleteAppFinishesWhatWasSealed(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.crowd(crowd{tag: "a", n: 30, at: start})
		in.nextWeek()
		s := in.sealer()
		s.Published = unreachable{}
		_, err := s.Run(t.Context())
		require.ErrorContains(t, err, "away")
		in.deleteApp(AppDeletion{Erase: true})
		require.Equal(t, aggregate.Report{Finished: 1, Installs: 30}, in.seal())
		require.Equal(t, []string{line("2026-11-02", "week", "published", 30, 0)}, in.ledgerLines())
		require.Len(t, slices.Compact(in.published()), 1)
	})
}
