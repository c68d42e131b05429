package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"skand/internal/clock"
)

const (
	sinks        = 6
	sinkInFlight = 4 // the default of a destination
	// sinkPause is what a receiver nearby takes, where it is not at once; the slow one
	// takes sinkSlower times as long.
	sinkPause  = 2 * time.Millisecond
	sinkSlower = 25
)

// sink is six networks' endpoints on the loopback that answer 200 and note when.
type sink struct {
	servers [sinks]*http.Server
	urls    [sinks]string
	pauses  [sinks]atomic.Int64 // nanoseconds
	got     [sinks]atomic.Int64 // since await

	mu      sync.Mutex
	all     int64         // answers since await
	tenth   chan struct{} // closed when a tenth of them is there
	want    [sinks]int64
	at      [sinks][]time.Time // of each answer, since await
	changed chan struct{}      // closed and replaced when an endpoint has its number
}

func newSink() (*sink, error) {
	s := &sink{changed: make(chan struct{})}
	for i := range sinks {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.urls[i] = "http://" + l.Addr().String()
		s.servers[i] = &http.Server{ReadHeaderTimeout: answerWait, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pause := time.Duration(s.pauses[i].Load()); pause > 0 {
				select {
				case <-clock.Real{}.After(pause):
				case <-r.Context().Done():
				}
			}
			s.note(i)
			w.WriteHeader(http.StatusOK)
		})}
		go func() { _ = s.servers[i].Serve(l) }() // until close
	}
	return s, nil
}

func (s *sink) close() error {
	var errs []error
	for _, srv := range s.servers {
		if srv != nil {
			errs = append(errs, srv.Close())
		}
	}
	return errors.Join(errs...)
}

// pause sets how long each endpoint takes; the last one may take slower times as long.
func (s *sink) pause(d time.Duration, slower int) {
	for i := range sinks {
		s.pauses[i].Store(int64(d))
	}
	s.pauses[sinks-1].Store(int64(d) * int64(slower))
}

func (s *sink) note(i int) {
	at := now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[i] = append(s.at[i], at)
	if s.all++; s.all == s.tenthOf() {
		close(s.tenth)
	}
	if s.got[i].Add(1) == s.want[i] {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// expect begins anew: each endpoint is to get n requests.
func (s *sink) expect(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.tenth = 0, make(chan struct{})
	for i := range sinks {
		s.got[i].Store(0)
		s.want[i], s.at[i] = int64(n), make([]time.Time, 0, n)
	}
}

// tenthOf is how many answers are a tenth of all.
func (s *sink) tenthOf() (n int64) {
	for _, want := range s.want {
		n += want
	}
	return max(1, n/10)
}

// begun waits until a tenth of all requests has come, and returns how many are left:
// what starts is no part of what is measured from then on.
func (s *sink) begun(ctx context.Context) (left int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, sinkWait)
	defer cancel()
	s.mu.Lock()
	tenth := s.tenth
	s.mu.Unlock()
	select {
	case <-tenth:
	case <-ctx.Done():
		return 0, fmt.Errorf("too few requests arrived: %w", ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, want := range s.want {
		left += want
	}
	return left - s.all, nil
}

const sinkWait = 5 * time.Minute

// await waits until the first many endpoints have what they were to get.
func (s *sink) await(ctx context.Context, many int) error {
	ctx, cancel := context.WithTimeout(ctx, sinkWait)
	defer cancel()
	for {
		s.mu.Lock()
		changed, missing := s.changed, int64(0)
		for i := range many {
			missing += max(0, s.want[i]-s.got[i].Load())
		}
		s.mu.Unlock()
		if missing == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d requests did not arrive: %w", missing, ctx.Err())
		}
	}
}

// rate is requests per second at the first many endpoints together, from a tenth of
// them to nine tenths: what starts or ends is no part of it.
func (s *sink) rate(many int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []time.Time
	for i := range many {
		all = append(all, s.at[i]...)
	}
	slices.SortFunc(all, time.Time.Compare)
	from, to := len(all)/10, len(all)-1-len(all)/10
	return float64(to-from) / all[to].Sub(all[from]).Seconds()
}

// drive is the bare loop: at each endpoint as many workers as skand has requests in
// flight, each asking again as soon as it has its answer. It keeps nothing.
func (s *sink) drive(ctx context.Context, n int) error {
	client := &http.Client{Timeout: answerWait, Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for i := range sinks {
		var next atomic.Int64
		for range sinkInFlight {
			wg.Go(func() {
				for {
					k := next.Add(1)
					if k > int64(n) || ctx.Err() != nil {
						return
					}
					if err := ask(ctx, client, fmt.Sprintf("%s/pb?id=00000000-0000-5000-8000-%012d&e=install&t=%d&n=1", s.urls[i], k, k)); err != nil {
						mu.Lock()
						failed = errors.Join(failed, err)
						mu.Unlock()
						return
					}
				}
			})
		}
	}
	wg.Wait()
	return errors.Join(failed, ctx.Err())
}

func ask(ctx context.Context, client *http.Client, target string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the sink answered %s", resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}
