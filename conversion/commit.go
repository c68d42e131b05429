package conversion

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ErrBusy says that so many postbacks wait for their commit that another one would
// wait too long: the sender is to repeat it later.
var ErrBusy = errors.New("too many postbacks wait to be stored")

const (
	maxBatch      = 500              // copies in one commit
	maxWaiting    = 4096             // requests in the queue; a full one answers at once
	worthHelping  = 64               // that wait before another committer joins one at work
	commitTimeout = 10 * time.Second // of one commit
)

// GroupCommit lets requests share a commit: each committer takes what waits, at
// most 500, commits it, and then every request behind it hears. There is no timer:
// under a light load a postback is committed alone and at once, under a heavy one
// the batches grow by themselves. A further committer joins only when a batch worth
// its transaction has gathered behind the one at work; otherwise two would halve the
// batches and cost twice. It implements Receipts.
type GroupCommit struct {
	store     Receipts
	queue     chan *waiting
	committed func(copies int)
	wg        sync.WaitGroup

	mu     sync.RWMutex // held for reading while a request enters the queue
	closed bool

	idle    atomic.Int32 // committers that look on
	turn    sync.Mutex   // one committer gathers at a time
	working int          // commits under way
	ended   sync.Cond    // a commit ended, or there is enough to help with
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
	g.ended.L = &g.turn
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
		if len(g.queue) >= worthHelping && g.idle.Load() > 0 {
			g.turn.Lock() // whoever has just looked is asleep by now
			g.ended.Signal()
			g.turn.Unlock()
		}
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
	for {
		group, n := g.gather()
		if len(group) == 0 {
			return
		}
		g.commit(group, n)
		g.turn.Lock()
		g.working--
		g.turn.Unlock()
		g.ended.Broadcast()
	}
}

// gather takes what waits, or waits for something; nothing means that all is over.
func (g *GroupCommit) gather() (group []*waiting, copies int) {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.idle.Add(1) // before the look, or what enters after it would wake nobody
	for g.working > 0 && len(g.queue) < worthHelping {
		g.ended.Wait()
	}
	g.idle.Add(-1)
	first, ok := <-g.queue
	if !ok {
		return nil, 0
	}
	// Requests that are being checked this moment come along: they run first, if there
	// are any, and it costs nothing if there are none.
	runtime.Gosched()
	group, copies = []*waiting{first}, len(first.copies)
	for copies < maxBatch && ok {
		var w *waiting
		select {
		case w, ok = <-g.queue:
		default:
			ok = false
		}
		if ok {
			group = append(group, w)
			copies += len(w.copies)
		}
	}
	g.working++
	return group, copies
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
