package store

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
)

func (q queue) registered(id string) forward.Registered {
	q.t.Helper()
	all, err := q.s.Destinations(q.t.Context())
	require.NoError(q.t, err)
	for _, r := range all {
		if r.Destination.ID == id {
			return r
		}
	}
	q.t.Fatalf("no destination %q", id)
	return forward.Registered{}
}

func (q queue) state() forward.DestinationState {
	state, _ := q.registered("d").State()
	return state
}

// settled makes the settlement of an attempt at d that ends now.
func (q queue) settled(d forward.Delivery, class forward.Class, state forward.State, status int) forward.Settlement {
	return forward.Settlement{
		Attempt: forward.Attempt{DeliveryID: d.ID, AppID: d.AppID, Attempt: d.Attempts, At: q.now.Now(), Class: class,
			Status: status, Reason: "why", TemplateVersion: 1},
		DestinationID: d.DestinationID, Fence: d.Fence, Turn: d.Turn, State: state, DueAt: q.now.Now().Add(30 * time.Second),
	}
}

func (q queue) fails(all ...forward.Delivery) forward.Settled {
	q.t.Helper()
	var batch []forward.Settlement
	for _, d := range all {
		batch = append(batch, q.settled(d, forward.ClassRetry, forward.StatePending, 503))
	}
	done, err := q.s.Settle(q.t.Context(), batch)
	require.NoError(q.t, err)
	return done
}

// open makes ten rows of twelve fail in one batch and returns the other two, claimed
// before the breaker opened.
func (q queue) open() (late []forward.Delivery) {
	q.t.Helper()
	q.put(12)
	all := q.claim(12)
	require.Len(q.t, all, 12)
	done := q.fails(all[:10]...)
	require.Len(q.t, done.Turned, 1)
	require.Equal(q.t, forward.DestinationOpen, q.state())
	return all[10:]
}

func TestStandingIsKept(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := rand.New(rand.NewPCG(1, 2))
		when := func() time.Time {
			if r.IntN(3) == 0 {
				return time.Time{}
			}
			return start.Add(time.Duration(r.IntN(1e9)) * time.Millisecond)
		}
		for range 20 {
			want := forward.Standing{
				PausedReason: []string{"", "ten held"}[r.IntN(2)], DisabledReason: []string{"", "410"}[r.IntN(2)], DisabledBy: []string{"", "ann"}[r.IntN(2)],
				Since: when(), Breaker: forward.Breaker{Turn: r.Int64N(99), Failures: r.IntN(20), FailingSince: when(), OpenedAt: when(),
					Probes: r.IntN(9), ProbeAt: when(), Held: r.IntN(9)},
			}
			require.NoError(t, q.s.main.in(t.Context(), func(t *tx) error { return saveStanding(q.t.Context(), t, "d", want) }))
			require.Equal(t, want, q.registered("d").Standing())
		}
		require.NoError(t, q.s.KeyMissing(t.Context(), "d", start))
		require.Equal(t, start, q.registered("d").KeyMissingAt)
	})
}

func TestBreakerInTheStore(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		late := q.open()
		q.now.Advance(29 * time.Second)
		require.Empty(t, q.claim(9), "nothing before the probe")
		q.now.Advance(time.Second)
		probe := q.claim(9)
		require.Len(t, probe, 1, "and then one row")
		require.Empty(t, q.claim(9))

		// What was under way as it opened says nothing any more, but its rows settle.
		require.Empty(t, q.fails(late[0]).Turned)
		done, err := q.s.Settle(t.Context(), []forward.Settlement{q.settled(late[1], forward.ClassOK, forward.StateDelivered, 200)})
		require.NoError(t, err)
		require.Empty(t, done.Turned)
		require.Equal(t, forward.StateDelivered, q.one(late[1].ID).State)
		require.Equal(t, 10, q.registered("d").Breaker.Failures)

		require.Empty(t, q.fails(probe...).Turned)
		require.Equal(t, q.now.Now().Add(2*time.Minute), q.registered("d").Breaker.ProbeAt)
		q.now.Advance(2 * time.Minute)
		probe = q.claim(9)
		require.Len(t, probe, 1)
		done, err = q.s.Settle(t.Context(), []forward.Settlement{q.settled(probe[0], forward.ClassOK, forward.StateDelivered, 200)})
		require.NoError(t, err)
		require.Len(t, done.Turned, 1)
		require.Equal(t, forward.DestinationActive, q.state())
		require.Len(t, q.claim(99), 10, "all that waited is due")
	})
}

// TestOneProbeForAll: however many processes look at an open breaker, one row goes out;
// and where the one who had it dies, another probe follows its lease.
func TestOneProbeForAll(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.open()
		q.now.Advance(30 * time.Second)
		var mu sync.Mutex
		var wg sync.WaitGroup
		claimed, faults := 0, []error{}
		for range 8 {
			wg.Go(func() {
				got, err := q.s.Claim(t.Context(), "d", 4, q.now.Now(), time.Minute)
				mu.Lock()
				defer mu.Unlock()
				claimed += len(got)
				if err != nil {
					faults = append(faults, err)
				}
			})
		}
		wg.Wait()
		require.Empty(t, faults)
		require.Equal(t, 1, claimed)
		q.now.Advance(59 * time.Second)
		require.Empty(t, q.claim(4))
		q.now.Advance(time.Second)
		require.Len(t, q.claim(4), 1, "its lease has lapsed")
	})
}

// TestProbeWaitsForARow: a claim that finds no row leaves the probe due.
func TestProbeWaitsForARow(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(10)
		q.fails(q.claim(10)...)
		_, err := q.s.main.w.ExecContext(t.Context(), q.s.main.q(`UPDATE outbox SET due_at = ?`), ms(start.Add(time.Hour)))
		require.NoError(t, err)
		q.now.Advance(30 * time.Second)
		require.Empty(t, q.claim(4))
		require.Equal(t, q.now.Now(), q.registered("d").Breaker.ProbeAt)
		q.now.Advance(time.Hour)
		require.Len(t, q.claim(4), 1)
	})
}

// TestLateComplaints: held and gone of a turn that somebody's act has ended are due
// again at once; where the destination stands still, they wait with the others.
func TestLateComplaints(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(3)
		all := q.claim(3)
		_, err := q.s.ActOnDestination(t.Context(), "d", ActDestinationResume, "")
		require.NoError(t, err)
		gone := q.settled(all[0], forward.ClassGone, forward.StateGone, 410)
		held := q.settled(all[1], forward.ClassHeld, forward.StateHeld, 401)
		done, err := q.s.Settle(t.Context(), []forward.Settlement{gone, held})
		require.NoError(t, err)
		require.Empty(t, done)
		require.Equal(t, forward.DestinationActive, q.state())
		again := q.claim(9)
		require.Len(t, again, 2)

		_, err = q.s.ActOnDestination(t.Context(), "d", ActDestinationDisable, "stop")
		require.NoError(t, err)
		_, err = q.s.Settle(t.Context(), []forward.Settlement{q.settled(again[0], forward.ClassGone, forward.StateGone, 410)})
		require.NoError(t, err)
		require.Equal(t, forward.StateGone, q.one(again[0].ID).State)
		require.Equal(t, "stop", q.registered("d").DisabledReason, "and the reason stays the operator's")
		acted, err := q.s.ActOnDestination(t.Context(), "d", ActDestinationEnable, "")
		require.NoError(t, err)
		require.Equal(t, 1, acted.Deliveries, "what is under way is left alone")
		require.Len(t, q.claim(9), 1)
	})
}

// TestSuccessLocksNothing: an answer that changes nothing settles while somebody else
// holds the destination's row.
func TestSuccessLocksNothing(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		if q.s.main.dialect != postgres {
			return // one writer: there is nothing to wait for
		}
		q.put(1)
		d := q.claim(1)[0]
		require.NoError(t, q.s.main.in(t.Context(), func(x *tx) error {
			_, _, err := readStanding(t.Context(), x, "d", x.forUpdate())
			require.NoError(t, err)
			return q.settle(d, forward.ClassOK, forward.StateDelivered, time.Time{})
		}))
		require.Equal(t, forward.StateDelivered, q.one(d.ID).State)
	})
}

// TestSettleBesideEachOther: batches with the same destinations, in other orders, from
// several processes: every failure is counted or of an ended turn, and nobody waits for
// ever.
func TestSettleBesideEachOther(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.save("e", "https://e.example/", nil)
		q.put(40)
		var all []forward.Settlement
		for _, id := range []string{"d", "e"} {
			got, err := q.s.Claim(t.Context(), id, 40, q.now.Now(), time.Minute)
			require.NoError(t, err)
			for _, d := range got {
				all = append(all, q.settled(d, forward.ClassRetry, forward.StatePending, 503))
			}
		}
		require.Len(t, all, 80)
		rand.New(rand.NewPCG(5, 5)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var mu sync.Mutex
		var wg sync.WaitGroup
		turned, faults := []string{}, []error{}
		for i := range 8 {
			wg.Go(func() {
				done, err := q.s.Settle(t.Context(), all[i*10:i*10+10])
				mu.Lock()
				defer mu.Unlock()
				for _, r := range done.Turned {
					turned = append(turned, r.Destination.ID)
				}
				if err != nil {
					faults = append(faults, err)
				}
			})
		}
		wg.Wait()
		require.Empty(t, faults)
		require.ElementsMatch(t, []string{"d", "e"}, turned, "told of once")
		for _, id := range []string{"d", "e"} {
			require.Equal(t, 10, q.registered(id).Breaker.Failures, "the others were under way as it opened")
		}
	})
}

// TestUnreadableRowStandsAside: a row that cannot be opened is our own fault. It is not
// charged, and the others are sent.
func TestUnreadableRowStandsAside(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(3)
		broken := q.claim(1)
		require.NoError(t, q.s.Release(t.Context(), broken, q.now.Now()))
		_, err := q.s.main.w.ExecContext(t.Context(), q.s.main.q(`UPDATE outbox SET fields = 'v1.broken' WHERE id = ?`), broken[0].ID)
		require.NoError(t, err)
		got, err := q.s.Claim(t.Context(), "d", 9, q.now.Now(), time.Minute)
		require.ErrorContains(t, err, fmt.Sprintf("fields of delivery %s", broken[0].ID))
		require.Len(t, got, 2)
		require.Zero(t, q.one(broken[0].ID).Attempts)
		require.Equal(t, q.now.Now().Add(putBack), q.one(broken[0].ID).DueAt)
	})
}

// TestTwoDeliverersShare: two processes on one store make each delivery once, and both
// mind the breaker that one of them opens.
func TestTwoDeliverersShare(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		s, r := q.switched(200)
		q.put(60)
		one, other := q.deliverer(loopback, nil, nil), q.deliverer(loopback, nil, nil)
		both := func() (n int) {
			var wg sync.WaitGroup
			var sum atomic.Int64
			for _, d := range []*forward.Deliverer{one, other} {
				wg.Go(func() {
					n, err := d.DeliverDue(t.Context())
					if err != nil {
						t.Error(err)
					}
					sum.Add(int64(n))
				})
			}
			wg.Wait()
			return int(sum.Load())
		}
		require.Equal(t, 60, both())
		ids, requests := r.requests()
		require.Equal(t, []int{60, 60}, []int{ids, requests})
		s.status.Store(500)
		q.put(160)
		require.LessOrEqual(t, both(), 10+2*2*4, "ten and what was in flight")
		require.Equal(t, forward.DestinationOpen, q.state())
		require.Zero(t, both())
		q.now.Advance(30 * time.Second)
		require.Equal(t, 1, both(), "one probe, of one of them")
	})
}
