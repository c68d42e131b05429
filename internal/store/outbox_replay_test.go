package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/forward"
)

// ended puts n deliveries and brings each to an end in a state.
func (q queue) ended(n int, states ...forward.State) []forward.Delivery {
	q.t.Helper()
	q.put(n)
	got := q.claim(n)
	require.Len(q.t, got, n)
	class := map[forward.State]forward.Class{
		forward.StateDelivered: forward.ClassOK, forward.StateRefused: forward.ClassRefused, forward.StateHeld: forward.ClassHeld,
	}
	for i, d := range got {
		state := states[i%len(states)]
		require.NoError(q.t, q.settle(d, class[state], state, time.Time{}))
	}
	return got
}

func (q queue) replay(r DeliveryReplay) DeliveryReplayed {
	q.t.Helper()
	done, err := q.s.ReplayDeliveries(q.t.Context(), r)
	require.NoError(q.t, err)
	return done
}

// TestReplayGoesOutAgain: under the same id, counted on, with a new life, and only what
// was asked for.
func TestReplayGoesOutAgain(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		all := q.ended(9, forward.StateDelivered, forward.StateRefused, forward.StateHeld)
		q.now.Advance(20 * 24 * time.Hour) // past what they had to live
		before := q.dumpOutbox()
		dry := q.replay(DeliveryReplay{Filter: DeliveryFilter{State: forward.StateRefused}, DryRun: true})
		require.Equal(t, map[forward.State]int64{forward.StateRefused: 3}, dry.ByState)
		require.True(t, dry.DryRun && dry.Finished)
		require.Equal(t, before, q.dumpOutbox(), "a dry run changes nothing")

		done := q.replay(DeliveryReplay{Filter: DeliveryFilter{DestinationID: "d"}})
		require.EqualValues(t, 6, done.Replayed)
		require.Equal(t, map[forward.State]int64{forward.StateRefused: 3, forward.StateHeld: 3}, done.ByState, "what was delivered is not sent again unasked")
		again := q.claim(100)
		require.Len(t, again, 6)
		byID := map[string]forward.Delivery{}
		for _, d := range all {
			byID[d.ID] = d
		}
		for _, d := range again {
			require.Contains(t, byID, d.ID, "the same id, so that the receiver knows it")
			require.Equal(t, 2, d.Attempts, "attempts are counted on")
			require.Equal(t, q.now.Now().Add(7*24*time.Hour), d.ExpiresAt)
			require.Equal(t, byID[d.ID].Fields, d.Fields)
			require.NoError(t, q.settle(d, forward.ClassOK, forward.StateDelivered, time.Time{}))
		}
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 9}, q.counts("d"))
		require.Equal(t, map[ReplayRefusal]int64{ReplayDelivered: 1, ReplayNoDelivery: 1}, q.replay(DeliveryReplay{IDs: []string{all[0].ID, "nobody"}}).LeftOut)
		require.EqualValues(t, 1, q.replay(DeliveryReplay{IDs: []string{all[0].ID}, Delivered: true}).Replayed)
		require.Equal(t, map[ReplayRefusal]int64{ReplayWaits: 1}, q.replay(DeliveryReplay{IDs: []string{all[0].ID}, Delivered: true}).LeftOut)
		lines, _, err := q.s.AuditLog(t.Context(), AuditFilter{Action: ActDeliveriesReplay}, "", 10)
		require.NoError(t, err)
		require.Len(t, lines, 4, "a dry run did nothing")
	})
}

func (q queue) dumpOutbox() []string {
	q.t.Helper()
	return dump(q.t, q.s.main, `SELECT id, state, due_at, expires_at, attempts, fence FROM outbox ORDER BY id`)
}

// TestReplayLeavesOut what retention has emptied and what nobody takes any more.
func TestReplayLeavesOut(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.ended(2, forward.StateRefused)
		q.now.Advance(settledFields + time.Hour)
		_, err := q.s.Retain(t.Context())
		require.NoError(t, err)
		all := DeliveryReplay{Filter: DeliveryFilter{State: forward.StateRefused}}
		require.Equal(t, map[ReplayRefusal]int64{ReplayEmptied: 2}, q.replay(all).LeftOut, "nothing is left to send")
		q.exec(`DELETE FROM destination`)
		require.Equal(t, map[ReplayRefusal]int64{ReplayGiven: 2}, q.replay(all).LeftOut)
		require.Empty(t, q.claim(9))
	})
}

// TestReplayAsksForConsentAgain: what was allowed when a conversion came may not be now.
func TestReplayAsksForConsentAgain(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		for _, tag := range []string{"a", "b", "c", "e"} {
			for _, step := range c.story(tag) {
				_, err := step()
				require.NoError(t, err)
			}
		}
		c.sql(`UPDATE outbox SET state = 'refused', settled_at = 1, status = 422`)
		total := len(c.outbox())
		deny := func(id string, change func(*conversion.ConsentReport)) {
			r := &conversion.ConsentReport{AppID: testApp, InstallID: id, Time: hour(1)}
			change(r)
			c.take(r)
		}
		c.now.Advance(2 * time.Hour)
		deny("ia", func(r *conversion.ConsentReport) { r.Limited = ptr(true) })
		deny("ib", func(r *conversion.ConsentReport) { r.ATTStatus = "denied" })
		_, err := c.s.ReviewInstall(t.Context(), Review{AppID: testApp, InstallID: "ic", Rejected: true, Reason: "farm"})
		require.NoError(t, err)
		done, err := c.s.ReplayDeliveries(t.Context(), DeliveryReplay{Filter: DeliveryFilter{State: forward.StateRefused}})
		require.NoError(t, err)
		each := int64(total / 4)
		require.Equal(t, map[ReplayRefusal]int64{ReplayConsent: each, ReplayRejected: each}, done.LeftOut)
		require.Equal(t, 2*each, done.Replayed)
		stripped, whole := 0, 0
		for _, row := range c.dump(`SELECT subject, fields FROM outbox WHERE state = 'pending'`) {
			subject, sealed := row[:len(c.hash(hashInstall, "ib"))], row[len(c.hash(hashInstall, "ib"))+1:]
			fields, err := c.s.openFields(sealed)
			require.NoError(t, err)
			if subject == c.hash(hashInstall, "ib") {
				stripped++
				require.Empty(t, fields["idfa"]+fields["idfv"]+fields["ip"], "not allowed any more")
				continue
			}
			require.Equal(t, c.hash(hashInstall, "ie"), subject)
			whole++
		}
		require.EqualValues(t, each, stripped)
		require.EqualValues(t, each, whole)
	})
}

// TestReplayGoesOnWhereItStopped: stopped after any batch, by a cancelled context or by
// a bound, the same key does the rest; each delivery is moved once, whoever runs beside.
func TestReplayGoesOnWhereItStopped(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		const n = 5*replayBatch + 17
		q.put(n)
		q.exec(`UPDATE outbox SET state = 'refused', settled_at = 1, status = 400`)
		ask := DeliveryReplay{Filter: DeliveryFilter{State: forward.StateRefused}, Key: "k1", Batches: 1}
		random := rand.New(rand.NewPCG(7, 8))
		var done DeliveryReplayed
		for calls := 0; !done.Finished; calls++ {
			require.Less(t, calls, 20)
			if random.IntN(2) == 0 {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, err := q.s.ReplayDeliveries(ctx, ask)
				require.Error(t, err)
			}
			done = q.replay(ask)
			require.EqualValues(t, done.Replayed, q.counts("d")[forward.StatePending], "what is said is what is done")
		}
		require.EqualValues(t, n, done.Replayed)
		require.Equal(t, []string{"1"}, dump(t, q.s.main, `SELECT MAX(fence) FROM outbox`), "each once")
		require.Equal(t, done, q.replay(ask), "asked again it is as it was")
		require.Equal(t, []string{"1"}, dump(t, q.s.main, `SELECT MAX(fence) FROM outbox`))
		ask.Delivered = true
		_, err := q.s.ReplayDeliveries(t.Context(), ask)
		require.ErrorIs(t, err, ErrReplayKey)

		q.exec(`UPDATE outbox SET state = 'refused', settled_at = 2, fence = 0`)
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = q.s.ReplayDeliveries(t.Context(), DeliveryReplay{Filter: ask.Filter, Key: "k2"})
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.True(t, err == nil || errors.Is(err, ErrReplayBusy), "%v", err)
		}
		last := q.replay(DeliveryReplay{Filter: ask.Filter, Key: "k2"})
		require.True(t, last.Finished)
		require.EqualValues(t, n, last.Replayed, fmt.Sprint(last))
		require.Equal(t, []string{"1"}, dump(t, q.s.main, `SELECT MAX(fence) FROM outbox`))
		require.Equal(t, map[forward.State]int{forward.StatePending: n}, q.counts("d"))
	})
}
