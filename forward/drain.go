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
	claimed atomic.Int64
	wg      sync.WaitGroup
}

// task is one delivery that was claimed.
type task struct {
	lane     *lane
	errand   errand
	delivery Delivery
	more     bool // its claim found as much as it asked for
	gate     *held
}

// held is the gate, held for reading until the last of a batch is settled.
type held struct {
	gate *sync.RWMutex
	left atomic.Int64
}

// keep says of how many deliveries the batch is, before any is let go.
func (h *held) keep(n int) {
	if h == nil {
		return
	}
	if h.left.Store(int64(n)); n == 0 {
		h.gate.RUnlock()
	}
}

func (h *held) letGo() {
	if h.left.Add(-1) == 0 {
		h.gate.RUnlock()
	}
}

// loop is the claim loop of one destination.
func (w *work) loop(l *lane) {
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-l.signal:
		}
		if err := w.drain(l); err != nil && w.ctx.Err() == nil {
			w.d.Log.Error("forward: claiming failed; trying again", "destination", l.id, "error", err)
		}
	}
}

// drain claims as slots come free, until nothing more is due. Slots and the rate come
// before the claim: no row is held while it waits for either. As long as there is more,
// the settler hands slots on to what comes next (successors) and drain waits; it begins
// anew where that ends.
func (w *work) drain(l *lane) error {
	for w.ctx.Err() == nil {
		e, ok := l.current(w.d.Clock.Now())
		if !ok {
			return nil
		}
		slots, freed, wait := l.take(w.d.Clock.Now())
		if slots == 0 {
			if freed == nil && w.pass {
				return nil
			}
			w.await(freed, wait)
			continue
		}
		n, err := w.batch(l, e, slots)
		if err != nil || n < slots {
			return err
		}
	}
	return w.ctx.Err()
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
	gate := &held{gate: &w.d.gate}
	batch, err := w.claim(e.target.Destination, slots)
	l.giveBack(slots-len(batch), slots-len(batch))
	gate.keep(len(batch))
	w.start(l, e, batch, len(batch) == slots, gate)
	return len(batch), err
}

// start lets attempts begin; each has its slot.
func (w *work) start(l *lane, e errand, batch []Delivery, more bool, gate *held) {
	w.claimed.Add(int64(len(batch)))
	for _, d := range batch {
		w.wg.Go(func() { w.attempt(task{lane: l, errand: e, delivery: d, more: more, gate: gate}) })
	}
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
