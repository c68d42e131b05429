package conversion

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrBusy says that so many postbacks wait for their commit that another one would
// wait too long: the sender is to repeat it later.
var ErrBusy = errors.New("too many postbacks wait to be stored")

const (
	maxBatch      = 500              // copies in one commit
	maxWaiting    = 4096             // requests in the queue; a full one answers at once
	commitTimeout = 10 * time.Second // of one commit
)

// GroupCommit lets requests share a commit: each committer takes what waits, at
// most 500, commits it, and then every request behind it hears. There is no timer:
// under a light load a postback is committed alone and at once, under a heavy one
// the batches grow by themselves. It implements Receipts.
type GroupCommit struct {
	store     Receipts
	queue     chan *waiting
	committed func(copies int)
	wg        sync.WaitGroup

	mu     sync.RWMutex // held for reading while a request enters the queue
	closed bool
}

type waiting struct {
	copies   []Copy
	outcomes []Outcome
	err      error
	done     chan struct{}
}

// NewGroupCommit starts committers on the store. committed, if not nil, hears the
// size of every commit. Close ends it.
func NewGroupCommit(store Receipts, committers int, committed func(copies int)) *GroupCommit {
	if committed == nil {
		committed = func(int) {}
	}
	g := &GroupCommit{store: store, queue: make(chan *waiting, maxWaiting), committed: committed}
	for range committers {
		g.wg.Go(g.work)
	}
	return g
}

// Save waits for the commit that holds the copies. It returns ErrBusy at once when
// the queue is full. When ctx ends first nothing is known: the copies may be kept
// all the same, and a repeat is then a duplicate.
func (g *GroupCommit) Save(ctx context.Context, copies []Copy) ([]Outcome, error) {
	w := &waiting{copies: copies, done: make(chan struct{})}
	if err := g.enter(w); err != nil {
		return nil, err
	}
	select {
	case <-w.done:
		return w.outcomes, w.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the commit: %w", context.Cause(ctx))
	}
}

func (g *GroupCommit) enter(w *waiting) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return fmt.Errorf("%w: shutting down", ErrBusy)
	}
	select {
	case g.queue <- w:
		return nil
	default:
		return ErrBusy
	}
}

// Close commits what waits and ends the committers. Later calls of Save are refused.
func (g *GroupCommit) Close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.queue)
	}
	g.mu.Unlock()
	g.wg.Wait()
}

func (g *GroupCommit) work() {
	for first := range g.queue {
		group := []*waiting{first}
		n := len(first.copies)
	gather:
		for n < maxBatch {
			select {
			case w, ok := <-g.queue:
				if !ok {
					break gather
				}
				group = append(group, w)
				n += len(w.copies)
			default:
				break gather
			}
		}
		g.commit(group, n)
	}
}

// commit commits a group. Should it fail, each request is tried by itself: one
// that can't be stored must not take its neighbours with it.
func (g *GroupCommit) commit(group []*waiting, n int) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	copies := make([]Copy, 0, n)
	for _, w := range group {
		copies = append(copies, w.copies...)
	}
	outcomes, err := g.store.Save(ctx, copies)
	if err == nil {
		g.committed(n)
		for _, w := range group {
			w.outcomes, outcomes = outcomes[:len(w.copies)], outcomes[len(w.copies):]
			close(w.done)
		}
		return
	}
	for _, w := range group {
		w.err = err
		if len(group) > 1 && ctx.Err() == nil {
			if w.outcomes, w.err = g.store.Save(ctx, w.copies); w.err == nil {
				g.committed(len(w.copies))
			}
		}
		close(w.done)
	}
}
