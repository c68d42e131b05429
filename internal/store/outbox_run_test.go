package store

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
)

// gate is a receiver that says when a request has arrived and answers when told.
func gate(t *testing.T) (r *receiver, arrived <-chan struct{}, open func()) {
	t.Helper()
	in, out := make(chan struct{}, 16), make(chan struct{})
	r = newReceiver(t, func(http.ResponseWriter, *http.Request) {
		in <- struct{}{}
		<-out
	})
	closed := false
	open = func() {
		if !closed {
			closed = true
			close(out)
		}
	}
	t.Cleanup(open) // before the server closes, which waits for its requests
	return r, in, open
}

func (q queue) run(d *forward.Deliverer) (stop func(), ended <-chan error) {
	ctx, cancel := context.WithCancel(q.t.Context())
	q.t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return cancel, done
}

// TestShutdownDrains: what is in flight at a shutdown is let finish and counts.
func TestShutdownDrains(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r, arrived, open := gate(t)
		q.save("d", r.url(), func(d *forward.Destination) { d.InFlight = 1; d.Timeout = time.Minute })
		q.put(2)
		stop, ended := q.run(q.deliverer(loopback, nil, nil))
		<-arrived
		stop()
		open()
		require.NoError(t, <-ended)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 1, forward.StatePending: 1}, q.counts("d"),
			"nothing new is claimed")
	})
}

// TestDeliverDueBesideRun: a pass returns when all that was due is settled, also
// what a loop took before it, and both together keep to in_flight.
func TestDeliverDueBesideRun(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r, arrived, open := gate(t)
		q.save("d", r.url(), func(d *forward.Destination) { d.InFlight = 1; d.Timeout = time.Minute })
		q.put(1)
		d := q.deliverer(loopback, nil, nil)
		stop, ended := q.run(d)
		<-arrived
		q.put(3)
		passed := make(chan error, 1)
		go func() {
			_, err := d.DeliverDue(t.Context())
			passed <- err
		}()
		open()
		require.NoError(t, <-passed)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 3}, q.counts("d"))
		require.Equal(t, int64(1), r.most.Load())
		stop()
		require.NoError(t, <-ended)
	})
}
