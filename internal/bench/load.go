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
// ends. Each answer has to be a 200 whose status begins with want.
type load struct {
	addr  string
	conns int
	last  time.Duration
	feed  feed
	want  string
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
	want := []byte(`"status":"` + l.want)
	g, ctx := errgroup.WithContext(ctx)
	began := now()
	for i, c := range conns {
		g.Go(func() error {
			var err error
			took[i], err = c.loop(ctx, l, began, want)
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

func (c *conn) loop(ctx context.Context, l load, began time.Time, want []byte) ([]time.Duration, error) {
	took := make([]time.Duration, 0, 1024)
	sent := now()
	for ctx.Err() == nil && (l.last == 0 || sent.Sub(began) < l.last) {
		r, ok := l.feed.take()
		if !ok {
			break
		}
		status, body, err := c.do(r)
		if err != nil {
			return nil, err
		}
		if status != 200 || !bytes.Contains(body, want) {
			return nil, fmt.Errorf("answer %d %s, want 200 with %s", status, bytes.TrimSpace(body), want)
		}
		answered := now()
		took = append(took, answered.Sub(sent))
		sent = answered
	}
	return took, nil
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
