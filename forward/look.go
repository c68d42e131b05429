package forward

import (
	"context"
	"fmt"
	"time"
)

// pollEvery bounds how late another process's rows are noticed.
const pollEvery = time.Second

// tick looks at the whole outbox once: it ends what expired, pokes the lanes that
// have something due, and returns how long there is nothing to do.
func (d *Deliverer) tick(ctx context.Context, due func(*lane)) time.Duration {
	lanes, queue, err := d.look(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.Log.Error("forward: the outbox cannot be read; trying again", "error", err)
		}
		return pollEvery
	}
	now, wait := d.Clock.Now(), pollEvery
	for _, q := range queue {
		l := lanes[q.DestinationID]
		if l == nil || q.Next.IsZero() {
			continue
		}
		at, ok := l.next()
		if !ok {
			continue
		}
		if at = later(at, q.Next); at.After(now) {
			wait = min(wait, at.Sub(now))
			continue
		}
		due(l)
	}
	return wait
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// look expires, reads the destinations and their queues, and sets the gauges.
func (d *Deliverer) look(ctx context.Context) (map[string]*lane, []Due, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	now := d.Clock.Now()
	expired, err := d.Outbox.Expire(ctx, now)
	if err != nil {
		return nil, nil, fmt.Errorf("expire deliveries: %w", err)
	}
	for _, e := range expired {
		d.Metrics.expired(e.DestinationID, e.Rows)
		d.Log.Warn("forward: deliveries expired", "destination", e.DestinationID, "rows", e.Rows)
	}
	all, err := d.Outbox.Destinations(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read destinations: %w", err)
	}
	queue, err := d.Outbox.Due(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read queues: %w", err)
	}
	oldest := make(map[string]time.Time, len(queue))
	for _, q := range queue {
		oldest[q.DestinationID] = q.Oldest
	}
	lanes := make(map[string]*lane, len(all))
	for _, r := range all {
		lanes[r.Destination.ID] = d.lane(r)
		d.Metrics.waiting(r.Destination.ID, oldest[r.Destination.ID], now)
		d.Metrics.state(r)
		d.Metrics.keyMissing(r.Destination.ID, !r.KeyMissingAt.IsZero() && now.Sub(r.KeyMissingAt) < 2*keyWait)
	}
	return lanes, queue, nil
}

// lane returns the destination's lane, with its newest definition. One that stands
// still as this process first sees it is told of: a restart is no silence.
func (d *Deliverer) lane(r Registered) *lane {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes[r.Destination.ID]
	if l == nil {
		l = newLane(r.Destination.ID)
		d.lanes[r.Destination.ID] = l
		if state, _ := r.State(); state != DestinationActive {
			d.announce(r)
		}
	}
	if err := l.set(r); err != nil {
		d.Log.Error("forward: a stored definition cannot be used; edit the destination", "destination", l.id, "error", err)
	}
	return l
}
