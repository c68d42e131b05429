package forward

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// work is one Run or one pass. Its three contexts end in this order at a shutdown:
// claiming, sending, and writing down what was sent.
type work struct {
	d       *Deliverer
	ctx     context.Context
	sending context.Context
	storing context.Context
	now     func() time.Time // rows due by then are taken
	pass    bool             // what the rate holds back is left for later
	settler settler
	wg      sync.WaitGroup
}

// loop is the claim loop of one destination.
func (w *work) loop(l *lane) {
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-l.signal:
		}
		if _, err := w.drain(l); err != nil && w.ctx.Err() == nil {
			w.d.Log.Error("forward: claiming failed; trying again", "destination", l.id, "error", err)
		}
	}
}

// drain claims as slots come free, until nothing more is due. Slots and the rate come
// before the claim: no row is held while it waits for either.
func (w *work) drain(l *lane) (claimed int, err error) {
	for w.ctx.Err() == nil {
		e, ok := l.current(w.d.Clock.Now())
		if !ok {
			return claimed, nil
		}
		slots, freed, wait := l.take(w.d.Clock.Now())
		if slots == 0 {
			if freed == nil && w.pass {
				return claimed, nil
			}
			w.await(freed, wait)
			continue
		}
		n, err := w.batch(l, e, slots)
		claimed += n
		if err != nil || n < slots {
			return claimed, err
		}
	}
	return claimed, w.ctx.Err()
}

// await returns when a slot comes back or the rate lets something out again.
func (w *work) await(freed <-chan struct{}, wait time.Duration) {
	var again <-chan time.Time
	if freed == nil {
		again = w.d.Clock.After(wait)
	}
	select {
	case <-freed:
	case <-again:
	case <-w.ctx.Done():
	}
}

// batch claims up to slots rows and lets their attempts begin.
func (w *work) batch(l *lane, e errand, slots int) (int, error) {
	w.d.gate.RLock()
	batch, err := w.claim(e.target.Destination, slots)
	l.giveUnused(slots - len(batch))
	if len(batch) == 0 {
		w.d.gate.RUnlock()
		return 0, err
	}
	var left atomic.Int64
	left.Store(int64(len(batch)))
	for _, delivery := range batch {
		w.wg.Go(func() {
			defer func() {
				if left.Add(-1) == 0 {
					w.d.gate.RUnlock()
				}
			}()
			if !w.attempt(l, e, delivery) {
				l.give(1)
			}
		})
	}
	return len(batch), err
}

// claim is not cut short by a shutdown: a claim that commits while nobody listens
// would be charged and wait for its lease.
func (w *work) claim(d Destination, slots int) ([]Delivery, error) {
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	batch, err := w.d.Outbox.Claim(ctx, d.ID, slots, w.now(), d.lease())
	if err != nil {
		return batch, fmt.Errorf("claim deliveries of %q: %w", d.ID, err)
	}
	return batch, nil
}
