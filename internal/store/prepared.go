package store

import (
	"context"
	"sync"

	"github.com/jmoiron/sqlx"
)

// prepared keeps the statements of the hot path prepared: parsing and planning one
// costs more than inserting the rows of a small batch, and the PostgreSQL driver
// needs a round trip for it.
//
// A statement is prepared after the transaction that first used it, never within:
// SQLite's one writer connection is taken as long as a transaction runs.
type prepared struct {
	mu     sync.Mutex
	ready  map[string]*sqlx.Stmt
	wanted map[string]bool
}

// maxPrepared bounds what the connections hold; texts beyond it run unprepared.
const maxPrepared = 64

// get returns the prepared statement, or nil and remembers that one is wanted.
func (p *prepared) get(text string) *sqlx.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.ready[text]; s != nil {
		return s
	}
	if len(p.ready)+len(p.wanted) < maxPrepared {
		if p.wanted == nil {
			p.wanted = map[string]bool{}
		}
		p.wanted[text] = true
	}
	return nil
}

// learn prepares what was wanted. What can't be prepared now is wanted again.
func (p *prepared) learn(ctx context.Context, w *sqlx.DB) {
	p.mu.Lock()
	wanted := p.wanted
	p.wanted = nil
	p.mu.Unlock()
	for text := range wanted {
		s, err := w.PreparexContext(ctx, text)
		if err != nil {
			continue // the statement itself works, as it just did; it is only slower
		}
		p.mu.Lock()
		if p.ready == nil {
			p.ready = map[string]*sqlx.Stmt{}
		}
		late := p.ready[text] != nil // another transaction was first
		if !late {
			p.ready[text] = s
		}
		p.mu.Unlock()
		if late {
			// Not under the lock: closing waits for the statement's connection, which may
			// be in a transaction that waits for somebody who wants a statement from here.
			_ = s.Close() //nolint:sqlclosecheck // one of many in a loop: a defer would hold them all
		}
	}
}

func (p *prepared) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for text, s := range p.ready {
		_ = s.Close() // the connections close with it
		delete(p.ready, text)
	}
}
