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
// unsettled is never more than in_flight of each destination.
type settler struct {
	mu    sync.Mutex
	queue []*settling
	busy  int
}

// settling is one attempt that waits for its transaction.
type settling struct {
	Settlement
	lane   *lane
	fenced bool
	err    error
	done   chan struct{}
}

// settle returns when the settlement is written down, or could not be, and its slot is
// given back. fenced says that the delivery has been claimed anew.
func (w *work) settle(l *lane, s Settlement) (fenced bool, err error) {
	mine := &settling{Settlement: s, lane: l, done: make(chan struct{})}
	q := &w.settler
	q.mu.Lock()
	q.queue = append(q.queue, mine)
	begin := q.busy < settlers
	if begin {
		q.busy++
	}
	q.mu.Unlock()
	if begin {
		w.wg.Go(w.settleQueued)
	}
	<-mine.done
	return mine.fenced, mine.err
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
		// The slots of a lane come back together, so that its next claim takes as many.
		slots := map[*lane]int{}
		for _, s := range batch {
			slots[s.lane]++
		}
		for l, n := range slots {
			l.give(n)
		}
		for _, s := range batch {
			close(s.done)
		}
	}
}

// settleBatch writes one transaction. Where it fails each settlement is tried alone:
// one that the store will not have must not undo what the others came to.
func (w *work) settleBatch(batch []*settling) {
	if err := w.settleTogether(batch); err == nil || len(batch) == 1 {
		return
	}
	for i := range batch {
		if w.settleTogether(batch[i:i+1]) != nil && w.storing.Err() != nil {
			return // the store is not to be waited for any more; the rest has the error of the whole
		}
	}
}

func (w *work) settleTogether(batch []*settling) error {
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	all := make([]Settlement, len(batch))
	for i, s := range batch {
		all[i] = s.Settlement
	}
	done, err := w.d.Outbox.Settle(ctx, all)
	fenced := make(map[string]bool, len(done.Fenced))
	for _, id := range done.Fenced {
		fenced[id] = true
	}
	for _, s := range batch {
		s.err, s.fenced = err, fenced[s.Attempt.DeliveryID]
	}
	if err == nil {
		w.d.turned(done.Turned)
	}
	return err
}
