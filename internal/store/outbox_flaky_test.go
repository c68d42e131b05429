package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"skand/forward"
)

var errDown = errors.New("the store is down")

// flaky is the real outbox behind a line that can be cut.
type flaky struct {
	forward.Outbox
	cut atomic.Bool
}

func (f *flaky) fail(yes bool) { f.cut.Store(yes) }

func (f *flaky) Claim(ctx context.Context, id string, limit int, now time.Time, lease time.Duration) ([]forward.Delivery, error) {
	if f.cut.Load() {
		return nil, errDown
	}
	return f.Outbox.Claim(ctx, id, limit, now, lease)
}
