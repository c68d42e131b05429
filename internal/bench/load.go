package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"skand/internal/clock"
)

// Figures are those of one load.
type Figures struct {
	Rate float64       `json:"rate"` // answers per second
	P50  time.Duration `json:"p50_ns"`
	P99  time.Duration `json:"p99_ns"`
	N    int           `json:"n"`
}

// feed hands out requests. With again it begins anew at the end; without, the end
// of the list ends the load.
type feed struct {
	requests [][]byte
	next     *atomic.Int64
	again    bool
}

func (f feed) take() ([]byte, bool) {
	i := int(f.next.Add(1) - 1)
	if f.again {
		i %= len(f.requests)
	}
	if i >= len(f.requests) {
		return nil, false
	}
	return f.requests[i], true
}

// load is a closed loop: each connection sends its next request when it has the
// answer to the last. It lasts for a duration, or, if that is 0, until the feed
// ends. With every set it is an open one: all connections together send no more
// than one request in that time.
type load struct {
	addr  string
	conns int
	last  time.Duration
	every time.Duration
	feed  feed
	want  string // the status in each answer, which has to be a 200; "": any answer will do
}

func (l load) run(ctx context.Context) (Figures, error) {
	conns, err := l.dial(ctx)
	defer func() {
		for _, c := range conns {
			_ = c.c.Close() // the measurement is over
		}
	}()
	if err != nil {
		return Figures{}, err
	}
	took := make([][]time.Duration, len(conns))
	g, ctx := errgroup.WithContext(ctx)
	began := now()
	for i, c := range conns {
		g.Go(func() error {
			var err error
			took[i], err = c.loop(ctx, l, began, i)
			return err
		})
	}
	err = g.Wait()
	elapsed := now().Sub(began)
	if err != nil {
		return Figures{}, err
	}
	return figures(slices.Concat(took...), elapsed)
}

func (l load) dial(ctx context.Context) ([]*conn, error) {
	var conns []*conn
	for range l.conns {
		c, err := dial(ctx, l.addr)
		if err != nil {
			return conns, fmt.Errorf("connect: %w", err)
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func (c *conn) loop(ctx context.Context, l load, began time.Time, i int) ([]time.Duration, error) {
	took := make([]time.Duration, 0, 1024)
	for n := i; ; n += l.conns { // the n-th request of an open load
		l.await(ctx, began.Add(time.Duration(n)*l.every))
		sent := now()
		if ctx.Err() != nil || l.last > 0 && sent.Sub(began) >= l.last {
			return took, nil
		}
		r, ok := l.feed.take()
		if !ok {
			return took, nil
		}
		status, body, err := c.do(r)
		if err != nil {
			return nil, err
		}
		if l.want != "" && (status != 200 || !bytes.Contains(body, []byte(`"status":"`+l.want+`"`))) {
			return nil, fmt.Errorf("answer %d %s, want 200 %s", status, bytes.TrimSpace(body), l.want)
		}
		took = append(took, now().Sub(sent))
	}
}

func (l load) await(ctx context.Context, slot time.Time) {
	if l.every == 0 {
		return
	}
	if early := slot.Sub(now()); early > 0 {
		select {
		case <-clock.Real{}.After(early):
		case <-ctx.Done():
		}
	}
}

func figures(took []time.Duration, elapsed time.Duration) (Figures, error) {
	if len(took) == 0 {
		return Figures{}, errors.New("no request was answered")
	}
	slices.Sort(took)
	return Figures{
		Rate: float64(len(took)) / elapsed.Seconds(), N: len(took),
		P50: quantile(took, 0.50), P99: quantile(took, 0.99),
	}, nil
}
