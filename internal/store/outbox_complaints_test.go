package store

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/safehttp"
)

// What peers are complained of: one dead destination slows all (TestRunSlowDestination),
// destinations that are disabled in silence, retries that vanish, deliveries stuck for
// days.

// switched answers what it is set to.
type switched struct{ status atomic.Int64 }

func (s *switched) answer(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(int(s.status.Load()))
}

func (q queue) switched(status int64) (*switched, *receiver) {
	s := &switched{}
	s.status.Store(status)
	r := newReceiver(q.t, s.answer)
	q.save("d", r.url(), nil)
	return s, r
}

// untilState passes over what is due, step after step, until the state is s.
func (q queue) untilState(d *forward.Deliverer, step time.Duration, s forward.DestinationState) {
	q.t.Helper()
	for range 1000 {
		_, err := d.DeliverDue(q.t.Context())
		require.NoError(q.t, err)
		if q.state() == s {
			return
		}
		q.now.Advance(step)
	}
	q.t.Fatalf("never became %s", s)
}

func TestComplaintNothingIsDisabledSilently(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		s, r := q.switched(503)
		q.save("d", r.url(), func(d *forward.Destination) { d.Expires = 30 * 24 * time.Hour })
		reg, logged := prometheus.NewRegistry(), &strings.Builder{}
		d := q.deliverer(loopback, reg, slog.New(slog.NewTextHandler(logged, nil)))
		errors := func(text string) int {
			return strings.Count(logged.String(), `level=ERROR msg="forward: the destination `+text)
		}
		q.put(40)
		q.untilState(d, 40*time.Second, forward.DestinationOpen)
		require.Equal(t, 1, errors("fails"))
		require.InDelta(t, 1, metric(t, reg, "skand_breaker_open", "d"), 0)
		q.untilState(d, time.Hour, forward.DestinationDisabled)
		require.GreaterOrEqual(t, q.now.Now().Sub(start), 72*time.Hour)
		require.Equal(t, 1, errors("is disabled"))
		require.Contains(t, logged.String(), "nothing succeeded for 72 hours: the receiver answered 503")
		require.InDelta(t, 1, metric(t, reg, "skand_destination_disabled", "d"), 0)
		require.InDelta(t, 0, metric(t, reg, "skand_breaker_open", "d"), 0)
		_, requests := r.requests()
		require.Less(t, requests, 10+4+80, "probes only")

		s.status.Store(401)
		_, err := q.s.ActOnDestination(t.Context(), "d", ActDestinationEnable, "")
		require.NoError(t, err)
		q.untilState(d, time.Second, forward.DestinationPaused)
		require.Equal(t, 1, errors("is paused"))
		require.InDelta(t, 1, metric(t, reg, "skand_destination_paused", "d"), 0)
		require.Contains(t, logged.String(), "ten deliveries in a row were held: the receiver answered 401")

		s.status.Store(410)
		_, err = q.s.ActOnDestination(t.Context(), "d", ActDestinationResume, "")
		require.NoError(t, err)
		q.deliver(d, 4)
		require.Equal(t, forward.DestinationDisabled, q.state())
		require.Equal(t, 2, errors("is disabled"))

		again := &strings.Builder{}
		_, err = q.deliverer(loopback, nil, slog.New(slog.NewTextHandler(again, nil))).DeliverDue(t.Context())
		require.NoError(t, err)
		require.Contains(t, again.String(), "level=ERROR", "a process that starts says it again")

		s.status.Store(200)
		acted, err := q.s.ActOnDestination(t.Context(), "d", ActDestinationEnable, "")
		require.NoError(t, err)
		require.Equal(t, 4, acted.Deliveries, "the others are due already")
		q.deliver(d, 40)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 40}, q.counts("d"), "and nothing was lost")
	})
}

// TestComplaintRetriesVanish: whatever happens to a destination between two attempts,
// every delivery that has not expired is made in the end.
func TestComplaintRetriesVanish(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		s, r := q.switched(500)
		total := 0
		put := func(n int) {
			total += n
			require.Equal(t, n, q.put(total))
		}
		act := func(action string) {
			_, err := q.s.ActOnDestination(t.Context(), "d", action, "")
			require.NoError(t, err)
		}
		conserved := func(when string) {
			sum := 0
			for state, n := range q.counts("d") {
				require.NotContains(t, []forward.State{forward.StateRefused, forward.StateExpired}, state, when)
				sum += n
			}
			require.Equal(t, total, sum, when)
		}
		for i, change := range []func(d *forward.Deliverer){
			func(*forward.Deliverer) {}, // another process only
			func(*forward.Deliverer) { act(ActDestinationDisable); put(2); act(ActDestinationEnable) },
			func(*forward.Deliverer) {
				q.save("d", r.url(), func(d *forward.Destination) { d.Enabled = false })
				q.save("d", r.url(), nil)
			},
			func(*forward.Deliverer) { q.save("d", r.url()+"&edited=1", nil) },
			func(d *forward.Deliverer) { s.status.Store(403); q.untilState(d, time.Hour, forward.DestinationPaused) },
			func(d *forward.Deliverer) { act(ActDestinationResume); s.status.Store(500) },
			func(d *forward.Deliverer) { q.untilState(d, time.Minute, forward.DestinationOpen) },
			func(d *forward.Deliverer) { act(ActDestinationResume); put(1) },
			func(d *forward.Deliverer) { q.claim(3); q.now.Advance(2 * time.Minute) }, // killed with three claims
			func(d *forward.Deliverer) {
				s.status.Store(410)
				q.untilState(d, time.Hour, forward.DestinationDisabled)
				act(ActDestinationEnable)
				s.status.Store(502)
			},
		} {
			put(4)
			d := q.deliverer(loopback, nil, nil) // a restart each time
			_, err := d.DeliverDue(t.Context())
			require.NoError(t, err)
			change(d)
			conserved(fmt.Sprint("step ", i))
			q.now.Advance(time.Minute)
		}
		s.status.Store(200)
		act(ActDestinationResume)
		d := q.deliverer(loopback, nil, nil)
		for range 3 {
			_, err := d.DeliverDue(t.Context())
			require.NoError(t, err)
			q.now.Advance(time.Minute)
		}
		require.Equal(t, map[forward.State]int{forward.StateDelivered: total}, q.counts("d"))
		ids, _ := r.requests()
		require.Equal(t, total, ids)
	})
}

// TestComplaintStuckForDays: a claim whose process died is taken up after its lease,
// also when its destination was stopped meanwhile, and so is a probe.
func TestComplaintStuckForDays(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		_, r := q.switched(200)
		q.put(5)
		require.Len(t, q.claim(5), 5, "and then the process dies")
		_, err := q.s.ActOnDestination(t.Context(), "d", ActDestinationDisable, "")
		require.NoError(t, err)
		d := q.deliverer(loopback, nil, nil)
		q.now.Advance(24 * time.Hour)
		q.deliver(d, 0)
		acted, err := q.s.ActOnDestination(t.Context(), "d", ActDestinationEnable, "")
		require.NoError(t, err)
		require.Zero(t, acted.Deliveries, "they are due already")
		q.deliver(d, 5)
		_, requests := r.requests()
		require.Equal(t, 5, requests)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 5}, q.counts("d"))
	})
}

// forgetful has no secret until it is given one.
type forgetful struct{ known atomic.Bool }

func (f *forgetful) Apply(_ context.Context, _ forward.Destination, _ string, _ time.Time, r *forward.Rendered) ([]string, error) {
	if !f.known.Load() {
		return nil, fmt.Errorf("%w: FOO is not set", forward.ErrKeyMissing)
	}
	r.Header.Set("Authorization", "Bearer t0ken-value")
	return []string{"t0ken-value"}, nil
}

func TestKeyMissingIsNotCharged(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, "hello ", r.Header.Get("Authorization"))
		})
		q.save("d", r.url(), nil)
		q.put(6)
		keys, reg, logged := &forgetful{}, prometheus.NewRegistry(), &strings.Builder{}
		d := forward.NewDeliverer(forward.Options{
			Outbox: q.s, Client: safehttp.NewClient(safehttp.Options{AllowPrivate: loopback}), Clock: q.now,
			Credentials: keys, Metrics: forward.NewMetrics(reg), Log: slog.New(slog.NewTextHandler(logged, nil)),
		})
		_, err := d.DeliverDue(t.Context())
		require.NoError(t, err)
		q.deliver(d, 0)
		require.Equal(t, start, q.registered("d").KeyMissingAt)
		require.Equal(t, 1, strings.Count(logged.String(), "deliveries wait, for"), "once for all of its rows")
		require.InDelta(t, 1, metric(t, reg, "skand_destination_key_missing", "d"), 0)
		page, _, err := q.s.Deliveries(t.Context(), DeliveryFilter{}, "", 10)
		require.NoError(t, err)
		for _, one := range page {
			require.Equal(t, []any{forward.StatePending, 0, 0}, []any{one.State, one.Attempts, len(one.Log)})
		}
		keys.known.Store(true)
		q.now.Advance(time.Minute)
		q.deliver(d, 6)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 6}, q.counts("d"))
		require.NotContains(t, q.one(page[0].ID).Log[0].Answer, "t0ken-value")
		q.now.Advance(2 * time.Minute)
		q.deliver(d, 0)
		require.InDelta(t, 0, metric(t, reg, "skand_destination_key_missing", "d"), 0)
	})
}

// TestSchedulesEnd: a preset that ends refuses, after a 5xx only; what never reached
// the receiver is sent again under each.
func TestSchedulesEnd(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		closed := newReceiver(t, always(http.StatusOK))
		dead := closed.url()
		closed.Close()
		for name, url := range map[string]string{
			"down": newReceiver(t, always(http.StatusServiceUnavailable)).url(),
			"busy": newReceiver(t, always(http.StatusTooManyRequests)).url(), "dead": dead,
		} {
			q.save(name, url, func(d *forward.Destination) { d.Schedule = forward.Schedule4x15m })
		}
		q.save("d", "https://h.example/", func(d *forward.Destination) { d.Enabled = false })
		q.put(1)
		d := q.deliverer(loopback, nil, nil)
		q.deliver(d, 3)
		require.Equal(t, map[forward.State]int{forward.StateRefused: 1}, q.counts("busy"))
		for range 3 {
			q.now.Advance(18 * time.Minute)
			q.deliver(d, 2)
		}
		require.Equal(t, map[forward.State]int{forward.StatePending: 1}, q.counts("dead"))
		q.now.Advance(18 * time.Minute)
		q.deliver(d, 2)
		reasons := map[string]string{}
		page, _, err := q.s.Deliveries(t.Context(), DeliveryFilter{}, "", 10)
		require.NoError(t, err)
		for _, one := range page {
			require.Equal(t, forward.StateRefused, one.State)
			require.Equal(t, forward.ClassRetry, one.Log[0].Class, "the class says what the answer meant")
			reasons[one.DestinationID] = one.Reason
		}
		require.Equal(t, "the receiver answered 503 Service Unavailable; the schedule 4x15m has ended", reasons["down"])
		require.Equal(t, "the receiver answered 429 Too Many Requests; the schedule 4x15m sends again only after a 5xx", reasons["busy"])
		require.Contains(t, reasons["dead"], "the schedule 4x15m has ended")
	})
}

// TestRateHoldsBack: a pass sends what the rate has; the rest stays due and unclaimed,
// and goes as time goes.
func TestRateHoldsBack(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, always(http.StatusOK))
		q.save("d", r.url(), func(d *forward.Destination) { d.Rate = "20/s" })
		q.put(9)
		d := q.deliverer(loopback, nil, nil)
		q.deliver(d, 2)
		q.deliver(d, 0)
		require.Len(t, q.claim(9), 7, "none is held while it waits for its turn")
		q.now.Advance(time.Minute)
		stop, ended := q.run(d)
		require.Eventually(t, func() bool {
			if q.now.Waiting() > 0 {
				q.now.Advance(50 * time.Millisecond)
			}
			return q.counts("d")[forward.StateDelivered] == 9
		}, time.Minute, pulse)
		stop()
		require.NoError(t, <-ended)
	})
}
