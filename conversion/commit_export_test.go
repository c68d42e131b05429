package conversion

import "runtime"

// Bounds, for tests.
const (
	MaxWaiting = maxWaiting
	MaxBatch   = maxBatch
)

// WaitQueued returns when n requests are in the queue.
func (g *GroupCommit) WaitQueued(n int) {
	for len(g.queue) < n {
		runtime.Gosched()
	}
}
