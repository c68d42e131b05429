package store

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/safehttp"
)

// counted is the real outbox, and how often it was asked.
type counted struct {
	forward.Outbox
	claims, exchanges, wants atomic.Int64
}

func (c *counted) Claim(ctx context.Context, id string, limit int, now time.Time, lease time.Duration) ([]forward.Delivery, error) {
	c.claims.Add(1)
	return c.Outbox.Claim(ctx, id, limit, now, lease)
}

func (c *counted) Exchange(ctx context.Context, done []forward.Settlement, wants []forward.Want) (forward.Settled, error) {
	c.exchanges.Add(1)
	c.wants.Add(int64(len(wants)))
	return c.Outbox.Exchange(ctx, done, wants)
}

func (q queue) delivererOn(o forward.Outbox) *forward.Deliverer {
	client := safehttp.NewClient(safehttp.Options{AllowPrivate: loopback})
	q.t.Cleanup(client.CloseIdleConnections)
	return forward.NewDeliverer(forward.Options{Outbox: o, Client: client, Clock: q.now})
}

// TestSlotsAreHandedOn: a long queue is worked with one claim at its beginning and one
// at its end; between them what settles also claims. Never are there more requests at a
// time than in_flight, and each delivery is sent once.
func TestSlotsAreHandedOn(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, always(http.StatusOK))
		q.save("d", r.url(), func(d *forward.Destination) { d.InFlight = 3 })
		q.put(120)
		o := &counted{Outbox: q.s}
		d := q.delivererOn(o)
		q.deliver(d, 120)
		ids, requests := r.requests()
		require.Equal(t, []int{120, 120}, []int{ids, requests})
		require.LessOrEqual(t, r.most.Load(), int64(3))
		require.LessOrEqual(t, o.claims.Load(), int64(5))
		require.GreaterOrEqual(t, o.wants.Load(), int64(120/3-1))
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 120}, q.counts("d"))
	})
}

// TestHandedOnWithinTheRate: slots that are handed on are counted against the rate, too.
func TestHandedOnWithinTheRate(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, always(http.StatusOK))
		q.save("d", r.url(), func(d *forward.Destination) { d.Rate = "100/s" })
		q.put(50)
		d := q.delivererOn(q.s)
		sent := 0
		for passes := 0; sent < 50; passes++ {
			n, err := d.DeliverDue(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, n, 10, "a tenth of a second's worth")
			require.Less(t, passes, 12)
			sent += n
			q.now.Advance(100 * time.Millisecond)
		}
	})
}

// TestStandStillInALongQueue: who wants everything to stand still need not wait for the
// queue's end, though what settles claims anew; and then it goes on.
func TestStandStillInALongQueue(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		asked := make(chan struct{}, 400)
		r := newReceiver(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{} })
		q.save("d", r.url(), nil)
		q.put(300)
		d := q.delivererOn(q.s)
		ended := make(chan error, 1)
		go func() {
			_, err := d.DeliverDue(t.Context())
			ended <- err
		}()
		<-asked
		require.NoError(t, d.StandStill(func() error {
			require.Equal(t, []string{"0"}, dump(t, q.s.main, `SELECT COUNT(*) FROM outbox WHERE leased_until IS NOT NULL`), "all is settled")
			require.Positive(t, q.counts("d")[forward.StatePending])
			q.now.Advance(time.Hour)
			return nil
		}))
		require.NoError(t, <-ended)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 300}, q.counts("d"))
		_, requests := r.requests()
		require.Equal(t, 300, requests)
	})
}

// TestHeldBackFromWhatIsWithdrawn: a delivery that is stopped while others of its
// destination are on their way is not sent: nothing is claimed before it may be sent.
func TestHeldBackFromWhatIsWithdrawn(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r, arrived, open := gate(t)
		q.save("d", r.url(), func(d *forward.Destination) { d.InFlight = 2; d.Timeout = time.Minute })
		q.put(20)
		d := q.delivererOn(q.s)
		ended := make(chan error, 1)
		go func() {
			_, err := d.DeliverDue(t.Context())
			ended <- err
		}()
		<-arrived
		<-arrived
		require.Equal(t, []string{"2"}, dump(t, q.s.main, `SELECT COUNT(*) FROM outbox WHERE leased_until IS NOT NULL`), "no more than are sent")
		exec(t, q.s.main, `UPDATE outbox SET state = 'refused', reason = ?, settled_at = ?, leased_until = NULL WHERE state = 'pending' AND leased_until IS NULL`,
			consentWithdrawn, ms(q.now.Now()))
		open()
		require.NoError(t, <-ended)
		_, requests := r.requests()
		require.Equal(t, 2, requests)
	})
}
