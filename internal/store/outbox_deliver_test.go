package store

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/safehttp"
)

const pulse = 20 * time.Millisecond // how often an awaited condition is looked at

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// receiver is a real HTTP server that counts what it was sent by delivery id.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int // delivery id -> requests

	open, most atomic.Int64 // requests now, and the most at a time
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{seen: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.seen[req.URL.Query().Get("id")]++
		r.most.Store(max(r.most.Load(), r.open.Add(1)))
		r.mu.Unlock()
		defer r.open.Add(-1)
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() (ids, requests int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.seen {
		requests += n
	}
	return len(r.seen), requests
}

func (r *receiver) url() string { return r.URL + "/pb?c={click_id}&e={event_name}&id={delivery_id}" }

func always(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// failFirst fails the first request for each delivery.
func failFirst(status int, header, value string) http.HandlerFunc {
	var known sync.Map
	return func(w http.ResponseWriter, r *http.Request) {
		if _, again := known.LoadOrStore(r.URL.Query().Get("id"), true); !again {
			w.Header().Set(header, value)
			w.WriteHeader(status)
		}
	}
}

func (q queue) deliverer(allow []netip.Prefix, reg prometheus.Registerer, log *slog.Logger) *forward.Deliverer {
	client := safehttp.NewClient(safehttp.Options{AllowPrivate: allow})
	q.t.Cleanup(client.CloseIdleConnections)
	return forward.NewDeliverer(forward.Options{
		Outbox: q.s, Client: client, Clock: q.now, Metrics: forward.NewMetrics(reg), Log: log,
	})
}

// metric reads the one counter or gauge of a family that has a label of this value.
func metric(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetValue() == label {
					return m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	t.Fatalf("no %s of %q", name, label)
	return 0
}

func (q queue) deliver(d *forward.Deliverer, want int) {
	q.t.Helper()
	n, err := d.DeliverDue(q.t.Context())
	require.NoError(q.t, err)
	require.Equal(q.t, want, n)
}

func TestDeliverConserves(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, failFirst(http.StatusInternalServerError, "X", ""))
		q.save("d", r.url(), nil)
		reg := prometheus.NewRegistry()
		d := q.deliverer(loopback, reg, nil)
		require.Equal(t, 9, q.put(9), "one more and the breaker opens")
		q.deliver(d, 9)
		q.deliver(d, 0)
		require.Equal(t, map[forward.State]int{forward.StatePending: 9}, q.counts("d"))
		q.now.Advance(37 * time.Second) // past the first step and its jitter
		q.deliver(d, 9)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 9}, q.counts("d"))
		ids, requests := r.requests()
		require.Equal(t, []int{9, 18}, []int{ids, requests})
		page, _, err := q.s.Deliveries(t.Context(), DeliveryFilter{}, "", 1)
		require.NoError(t, err)
		require.Equal(t, []forward.Class{forward.ClassRetry, forward.ClassOK}, []forward.Class{page[0].Log[0].Class, page[0].Log[1].Class})
		require.InDelta(t, 9, metric(t, reg, "skand_deliveries_total", "ok"), 0)
		require.InDelta(t, 9, metric(t, reg, "skand_deliveries_total", "retry"), 0)
		require.InDelta(t, 37, metric(t, reg, "skand_oldest_due_seconds", "d"), 0)
		q.deliver(d, 0)
		require.InDelta(t, 0, metric(t, reg, "skand_oldest_due_seconds", "d"), 0)
	})
}

func TestDeliverOutcomes(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		redirected := newReceiver(t, always(http.StatusOK))
		for name, answer := range map[string]http.HandlerFunc{
			"moved":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, redirected.URL, http.StatusFound) },
			"bad":    always(http.StatusBadRequest),
			"closed": always(http.StatusForbidden),
			"gone":   always(http.StatusGone),
			"busy":   failFirst(http.StatusTooManyRequests, "Retry-After", "600"),
		} {
			q.save(name, newReceiver(t, answer).url(), nil)
		}
		q.save("inside", "http://10.255.255.1:9/?id={delivery_id}", nil)
		q.save("path", "https://h.example/{campaign_id}", nil) // has no value
		q.save("d", "https://h.example/", func(d *forward.Destination) { d.Enabled = false })
		logged := &strings.Builder{}
		d := q.deliverer(loopback, nil, slog.New(slog.NewTextHandler(logged, nil)))
		require.Equal(t, 7, q.put(1))
		q.deliver(d, 7)
		for name, want := range map[string]forward.State{
			"moved": forward.StateRefused, "bad": forward.StateRefused, "closed": forward.StateHeld,
			"gone": forward.StateGone, "busy": forward.StatePending, "inside": forward.StateRefused, "path": forward.StateRefused,
		} {
			require.Equal(t, map[forward.State]int{want: 1}, q.counts(name), name)
		}
		_, requests := redirected.requests()
		require.Zero(t, requests, "a redirect is never followed")
		require.Contains(t, logged.String(), "the destination is disabled")
		require.Contains(t, logged.String(), "address 10.255.255.1 is refused")
		require.NotContains(t, logged.String(), "/pb?", "no URL is logged")

		q.now.Advance(9 * time.Minute)
		q.deliver(d, 0) // Retry-After asked for ten
		q.now.Advance(time.Minute)
		q.deliver(d, 1)
		ok := newReceiver(t, always(http.StatusNoContent))
		for _, name := range []string{"closed", "gone"} {
			require.True(t, q.save(name, ok.url(), nil))
		}
		q.deliver(d, 2)
		_, requests = ok.requests()
		require.Equal(t, 2, requests, "an edit releases what was held or gone")
	})
}

// TestKilledBetweenSendAndSettle: the claim of a process that died is worked again
// after its lease, under the same delivery id.
func TestKilledBetweenSendAndSettle(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, always(http.StatusOK))
		q.save("d", r.url(), nil)
		q.put(1)
		dead := q.claim(1)[0]
		resp, err := http.Get(r.URL + "/pb?id=" + dead.ID) // sent, and then killed
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		d := q.deliverer(loopback, nil, nil)
		q.deliver(d, 0)
		q.now.Advance(time.Minute)
		q.deliver(d, 1)
		ids, requests := r.requests()
		require.Equal(t, []int{1, 2}, []int{ids, requests}, "twice under one id")
		require.Equal(t, 2, q.one(dead.ID).Attempts)
	})
}

// TestRunSlowDestination: an endpoint that never answers delays nobody else, no
// more than in_flight requests reach it, and a shutdown gives its rows back.
func TestRunSlowDestination(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		stuck := make(chan struct{})
		slow := newReceiver(t, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-stuck:
			case <-r.Context().Done():
			}
		})
		fast := newReceiver(t, always(http.StatusOK))
		t.Cleanup(func() { close(stuck) })
		q.save("d", slow.url(), func(d *forward.Destination) { d.InFlight = 2; d.Timeout = time.Minute })
		q.save("fast", fast.url(), nil)
		d := forward.NewDeliverer(forward.Options{
			Outbox: q.s, Client: safehttp.NewClient(safehttp.Options{AllowPrivate: loopback}), Clock: q.now, Drain: time.Millisecond,
		})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		q.put(20)
		d.Wake()
		require.Eventually(t, func() bool {
			_, n := slow.requests()
			return q.counts("fast")[forward.StateDelivered] == 20 && n == 2
		}, time.Minute, pulse)
		stop()
		require.NoError(t, <-ended)
		_, requests := slow.requests()
		require.Equal(t, 2, requests)
		claimed := q.claim(20)
		require.Len(t, claimed, 20, "released, due at once")
		for _, c := range claimed {
			require.Equal(t, 1, c.Attempts, "our shutdown is not charged")
		}
	})
}

// TestRunWakesByItsClock: the retry happens when the clock says so, unasked.
func TestRunWakesByItsClock(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, failFirst(http.StatusBadGateway, "X", ""))
		q.save("d", r.url(), nil)
		q.put(4)
		d := q.deliverer(loopback, nil, nil)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		require.Eventually(t, func() bool {
			if _, n := r.requests(); n >= 4 && q.now.Waiting() > 0 {
				q.now.Advance(5 * time.Second)
			}
			return q.counts("d")[forward.StateDelivered] == 4
		}, time.Minute, pulse)
		stop()
		require.NoError(t, <-ended)
		ids, requests := r.requests()
		require.Equal(t, []int{4, 8}, []int{ids, requests})
	})
}

// TestStoreDownIsNotCharged: a deliverer whose store fails goes on when it is back.
func TestStoreDownIsNotCharged(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		r := newReceiver(t, always(http.StatusOK))
		q.save("d", r.url(), nil)
		q.put(1)
		down := &flaky{Outbox: q.s}
		down.fail(true)
		d := forward.NewDeliverer(forward.Options{
			Outbox: down, Client: safehttp.NewClient(safehttp.Options{AllowPrivate: loopback}), Clock: q.now,
		})
		_, err := d.DeliverDue(t.Context())
		require.ErrorIs(t, err, errDown)
		down.fail(false)
		q.deliver(d, 1)
		page, _, err := q.s.Deliveries(t.Context(), DeliveryFilter{}, "", 1)
		require.NoError(t, err)
		require.Equal(t, 1, page[0].Attempts)
	})
}
