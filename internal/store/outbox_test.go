package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
)

// queue is a store with one destination "d" of app 1, and a hand to fill it.
type queue struct {
	t   *testing.T
	s   *Store
	now *clock.Movable
}

func eachQueue(t *testing.T, test func(t *testing.T, q queue)) {
	t.Helper()
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		q := queue{t, s, now}
		q.save("d", "https://h.example/?c={click_id}", nil)
		test(t, q)
	})
}

func (q queue) save(id, url string, change func(*forward.Destination)) bool {
	q.t.Helper()
	d := forward.Destination{
		ID: id, AppID: 1, NetworkID: "net.example", Scope: forward.ScopeAll, Enabled: true, URL: url,
		Kinds: []string{forward.KindEvent}, Timeout: 5 * time.Second,
	}.WithDefaults()
	if change != nil {
		change(&d)
	}
	changed, err := q.s.SaveDestination(q.t.Context(), d, q.now.Now())
	require.NoError(q.t, err)
	return changed
}

// put routes n events to every destination and returns how many rows are new.
func (q queue) put(n int) int {
	q.t.Helper()
	written := 0
	err := q.s.main.in(q.t.Context(), func(t *tx) error {
		dests, err := destinations(q.t.Context(), t, 1)
		require.NoError(q.t, err)
		var all []forward.Delivery
		for i := range n {
			all = append(all, forward.Route(forward.Conversion{
				Kind: forward.KindEvent, DedupKey: fmt.Sprintf("event:%d", i), AppID: 1, OccurredAt: start,
				Fields: map[string]string{"event_name": "purchase", "click_id": fmt.Sprintf("c%d", i)},
			}, dests, q.now.Now())...)
		}
		written, err = q.s.enqueue(q.t.Context(), t, all)
		return err
	})
	require.NoError(q.t, err)
	return written
}

func (q queue) claim(limit int) []forward.Delivery {
	q.t.Helper()
	got, err := q.s.Claim(q.t.Context(), "d", limit, q.now.Now(), time.Minute)
	require.NoError(q.t, err)
	return got
}

func (q queue) settle(d forward.Delivery, class forward.Class, state forward.State, due time.Time) error {
	return settleOnce(q.t.Context(), q.s, forward.Settlement{
		Attempt: forward.Attempt{
			DeliveryID: d.ID, AppID: d.AppID, Attempt: d.Attempts, At: q.now.Now(), Duration: 20 * time.Millisecond,
			Class: class, Status: 200, Reason: "why", Answer: "ok", TemplateVersion: 1,
		},
		DestinationID: d.DestinationID, Fence: d.Fence, Turn: d.Turn, State: state, DueAt: due,
	})
}

var errFenced = errors.New("claimed again since")

// settleOnce settles one attempt and says whether its fence was passed.
func settleOnce(ctx context.Context, s *Store, st forward.Settlement) error {
	done, err := s.Settle(ctx, []forward.Settlement{st})
	if err == nil && len(done.Fenced) > 0 {
		return errFenced
	}
	return err
}

func (q queue) one(id string) Delivery {
	q.t.Helper()
	page, _, err := q.s.Deliveries(q.t.Context(), DeliveryFilter{DeliveryID: id}, "", 10)
	require.NoError(q.t, err)
	require.Len(q.t, page, 1)
	return page[0]
}

func (q queue) counts(destination string) map[forward.State]int {
	q.t.Helper()
	all, err := q.s.DeliveryCounts(q.t.Context())
	require.NoError(q.t, err)
	return all[destination]
}

func TestEnqueueOnce(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.save("e", "https://e.example/", nil)
		require.Equal(t, 500, q.put(250), "two destinations, several chunks")
		require.Equal(t, 2, q.put(251), "only the new one")
		require.Zero(t, q.put(251))
		require.Equal(t, map[forward.State]int{forward.StatePending: 251}, q.counts("e"))
		err := q.s.main.in(t.Context(), func(t *tx) error {
			n, err := q.s.enqueue(context.Background(), t, nil)
			require.Zero(q.t, n)
			return err
		})
		require.NoError(t, err)
	})
}

func TestClaimLeaseAndFence(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(3)
		first := q.claim(2)
		require.Len(t, first, 2)
		require.Equal(t, 1, first[0].Attempts)
		require.Equal(t, "purchase", first[0].EventName)
		require.Contains(t, first[0].Fields, "click_id")
		require.Equal(t, start, first[0].CreatedAt)
		require.Equal(t, start.Add(7*24*time.Hour), first[0].ExpiresAt)
		require.Len(t, q.claim(9), 1, "claimed rows are not claimed again")
		require.Empty(t, q.claim(9))

		q.now.Advance(time.Minute) // the lease lapses
		again := q.claim(9)
		require.Len(t, again, 3)
		for _, d := range again {
			require.Equal(t, 2, d.Attempts)
		}
		require.ErrorIs(t, q.settle(first[0], forward.ClassOK, forward.StateDelivered, time.Time{}), errFenced)
		d := q.one(first[0].ID)
		require.Equal(t, forward.StatePending, d.State, "a stale settlement changes nothing")
		require.Len(t, d.Log, 1, "but its attempt was made")
		for _, d := range again {
			require.NoError(t, q.settle(d, forward.ClassOK, forward.StateDelivered, time.Time{}))
			require.ErrorIs(t, q.settle(d, forward.ClassOK, forward.StateDelivered, time.Time{}), errFenced, "once only")
		}
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 3}, q.counts("d"))
	})
}

func TestClaimsBesideEachOther(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(60)
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[string]int{}
		for range 6 {
			wg.Go(func() {
				for {
					got, err := q.s.Claim(t.Context(), "d", 4, start, time.Hour)
					if err != nil || len(got) == 0 {
						mu.Lock()
						defer mu.Unlock()
						seen["errors"] += map[bool]int{true: 1}[err != nil]
						return
					}
					mu.Lock()
					for _, d := range got {
						seen[d.ID]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		require.Zero(t, seen["errors"])
		delete(seen, "errors")
		require.Len(t, seen, 60)
		for id, n := range seen {
			require.Equal(t, 1, n, id)
		}
	})
}

func TestReleaseIsNotCharged(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(1)
		first := q.claim(1)
		require.NoError(t, q.s.Release(t.Context(), first, q.now.Now()))
		require.ErrorIs(t, q.settle(first[0], forward.ClassOK, forward.StateDelivered, time.Time{}), errFenced)
		second := q.claim(1)
		require.Equal(t, 1, second[0].Attempts)
		require.NoError(t, q.s.Release(t.Context(), first, q.now.Now()), "an old claim has nothing to give back")
		require.NoError(t, q.settle(second[0], forward.ClassOK, forward.StateDelivered, time.Time{}))
	})
}

func TestDueAndExpire(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		due, err := q.s.Due(t.Context())
		require.NoError(t, err)
		require.Empty(t, due)
		q.put(2)
		q.now.Advance(time.Hour)
		d := q.claim(1)[0]
		later := q.now.Now().Add(time.Hour)
		require.NoError(t, q.settle(d, forward.ClassRetry, forward.StatePending, later))
		require.Equal(t, d.DueAt, start)
		require.Equal(t, later, q.one(d.ID).DueAt)
		other := q.claim(9)
		require.Len(t, other, 1, "what waits for its retry is not due")
		due, err = q.s.Due(t.Context())
		require.NoError(t, err)
		require.Equal(t, []forward.Due{{DestinationID: "d", Next: q.now.Now().Add(time.Minute), Oldest: start}}, due)

		q.now.Set(start.Add(7*24*time.Hour - time.Second))
		held := q.claim(9)
		require.Len(t, held, 2)
		require.NoError(t, q.settle(held[0], forward.ClassHeld, forward.StateHeld, time.Time{}))
		expired, err := q.s.Expire(t.Context(), q.now.Now())
		require.NoError(t, err)
		require.Empty(t, expired)
		q.now.Advance(time.Second)
		expired, err = q.s.Expire(t.Context(), q.now.Now())
		require.NoError(t, err)
		require.Equal(t, []forward.Expired{{DestinationID: "d", Rows: 1}}, expired, "a row under its lease is let finish")
		require.NoError(t, q.settle(held[1], forward.ClassRetry, forward.StatePending, q.now.Now()))
		require.Empty(t, q.claim(9), "nothing is attempted after its time")
		_, err = q.s.Expire(t.Context(), q.now.Now())
		require.NoError(t, err)
		require.Equal(t, map[forward.State]int{forward.StateExpired: 2}, q.counts("d"))
	})
}

func TestEditReleasesWhatWaits(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(3)
		all := q.claim(3)
		require.NoError(t, q.settle(all[0], forward.ClassHeld, forward.StateHeld, time.Time{}))
		require.NoError(t, q.settle(all[1], forward.ClassGone, forward.StateGone, time.Time{}))
		regs, err := q.s.Destinations(t.Context())
		require.NoError(t, err)
		require.Equal(t, "why", regs[0].DisabledReason)
		require.False(t, regs[0].Active())
		q.now.Advance(time.Hour)
		require.Empty(t, q.claim(9), "disabled")

		require.False(t, q.save("d", "https://h.example/?c={click_id}", nil), "the same again is no edit")
		require.Empty(t, q.claim(9))
		require.True(t, q.save("d", "https://h.example/new?c={click_id}", nil))
		regs, err = q.s.Destinations(t.Context())
		require.NoError(t, err)
		require.True(t, regs[0].Active())
		require.Equal(t, 2, regs[0].TemplateVersion)
		// An answer to the old URL says nothing about the new one.
		require.NoError(t, q.settle(all[2], forward.ClassGone, forward.StateGone, time.Time{}))
		require.Len(t, q.claim(9), 3)
		regs, err = q.s.Destinations(t.Context())
		require.NoError(t, err)
		require.True(t, regs[0].Active())

		_, err = q.s.SaveDestination(t.Context(), forward.Destination{ID: "d", AppID: 2}, q.now.Now())
		require.ErrorContains(t, err, "app_id: is 1 and cannot change")
	})
}

func TestListDeliveries(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.save("e", "https://e.example/", nil)
		q.put(7)
		require.NoError(t, q.settle(q.claim(1)[0], forward.ClassRefused, forward.StateRefused, time.Time{}))
		seen, cursor := map[string]bool{}, ""
		for pages := 1; ; pages++ {
			page, next, err := q.s.Deliveries(t.Context(), DeliveryFilter{AppID: 1}, cursor, 4)
			require.NoError(t, err)
			for _, d := range page {
				require.False(t, seen[d.ID])
				seen[d.ID] = true
			}
			if cursor = next; next == "" {
				require.Equal(t, 4, pages)
				break
			}
		}
		require.Len(t, seen, 14)
		page, _, err := q.s.Deliveries(t.Context(), DeliveryFilter{DestinationID: "d", State: forward.StateRefused}, "", 4)
		require.NoError(t, err)
		require.Len(t, page, 1)
		require.Equal(t, "why", page[0].Reason)
		require.Equal(t, start.Add(20*time.Millisecond), *page[0].SettledAt)
		require.Equal(t, []forward.Attempt{{
			DeliveryID: page[0].ID, AppID: 1, Attempt: 1, At: start, Duration: 20 * time.Millisecond,
			Class: forward.ClassRefused, Status: 200, Reason: "why", Answer: "ok", TemplateVersion: 1,
		}}, page[0].Log)
		_, _, err = q.s.Deliveries(t.Context(), DeliveryFilter{}, "nonsense", 4)
		require.ErrorContains(t, err, "cursor")
	})
}
