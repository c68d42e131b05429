package forward

import (
	"context"
	"sync"
)

const (
	// maxSettled is the most settlements of one transaction.
	maxSettled = 200
	// settlers is how many transactions settle at a time. With a second one a batch is
	// gathered while another waits for its commit; more would make batches smaller.
	settlers = 1
)

// settler gathers what attempts came to, and writes it down in batches: group commit
// without a timer. While one transaction commits, those that end meanwhile queue up
// for the next, so a batch is as large as the store is slow.
//
// An attempt keeps its slot until it is written down. So what a killed process leaves
// unsettled is never more than in_flight of each destination. The transaction that
// writes attempts down also claims what their slots are for next: a delivery that is
// claimed is sent at once, and there is one commit for both.
type settler struct {
	mu    sync.Mutex
	queue []*settling
	busy  int
}

// settling is one attempt that waits for its transaction.
type settling struct {
	Settlement
	task
	fenced bool
	err    error
}

// settle has the settlement written down. Its slot is given back, or taken for the
// next delivery of its lane, when that is done or could not be.
func (w *work) settle(s *settling) {
	q := &w.settler
	q.mu.Lock()
	q.queue = append(q.queue, s)
	begin := q.busy < settlers
	if begin {
		q.busy++
	}
	q.mu.Unlock()
	if begin {
		w.wg.Go(w.settleQueued)
	}
}

// settleQueued writes batches until the queue is empty.
func (w *work) settleQueued() {
	q := &w.settler
	for {
		q.mu.Lock()
		n := min(len(q.queue), maxSettled)
		if n == 0 {
			q.busy--
			q.mu.Unlock()
			return
		}
		batch := q.queue[:n:n]
		q.queue = q.queue[n:]
		q.mu.Unlock()
		w.settleBatch(batch)
		for _, s := range batch {
			w.settled(s)
		}
	}
}

// settleBatch writes one transaction and starts what it claimed. Where it fails each
// settlement is tried alone: one that the store will not have must not undo what the
// others came to.
func (w *work) settleBatch(batch []*settling) {
	next := w.successors(batch)
	claimed, err := w.exchange(batch, next.wants())
	next.start(w, claimed)
	if err == nil || len(batch) == 1 {
		return
	}
	for i := range batch {
		if _, err := w.exchange(batch[i:i+1], nil); err != nil && w.storing.Err() != nil {
			return // the store is not to be waited for any more; the rest has the error of the whole
		}
	}
}

func (w *work) exchange(batch []*settling, wants []Want) ([]Delivery, error) {
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	all := make([]Settlement, len(batch))
	for i, s := range batch {
		all[i] = s.Settlement
	}
	done, err := w.d.Outbox.Exchange(ctx, all, wants)
	for _, s := range batch {
		s.err, s.fenced = err, false
	}
	for _, id := range done.Fenced {
		for _, s := range batch {
			s.fenced = s.fenced || s.Attempt.DeliveryID == id
		}
	}
	if err != nil {
		return nil, err
	}
	if done.Unread != nil {
		w.d.Log.Error("forward: deliveries cannot be read", "error", done.Unread)
	}
	w.d.turned(done.Turned)
	return done.Claimed, nil
}
