package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"github.com/lib/pq"
)

// looks are connections to PostgreSQL that look rows up one by one, for statements that
// are run over and over and do all of their work at once. What lookUp says within a
// transaction is said here when a connection is made, and a statement is planned once:
// planning one that is this long takes as long as running it.
type looks struct {
	*sql.DB
	mu    sync.Mutex
	ready map[string]*sql.Stmt
}

const (
	maxLooks    = 4
	looksBefore = `SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan`
)

func openLooks(location string) (*looks, error) {
	inner, err := pq.NewConnector(location)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", redact(location), err)
	}
	return newLooks(inner), nil
}

func newLooks(inner driver.Connector) *looks {
	l := &looks{DB: sql.OpenDB(toldToLook{inner}), ready: map[string]*sql.Stmt{}}
	l.SetMaxOpenConns(maxLooks)
	l.SetMaxIdleConns(maxLooks)
	return l
}

// prepare prepares a statement once.
func (l *looks) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.ready[text]; s != nil {
		return s, nil
	}
	s, err := l.PrepareContext(ctx, text) //nolint:sqlclosecheck // kept for every run to come; closed with the connections
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	l.ready[text] = s
	return s, nil
}

func (l *looks) close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for text, s := range l.ready {
		_ = s.Close() // the connections close with it
		delete(l.ready, text)
	}
	return l.Close()
}

// toldToLook is a connector whose connections have been told how to plan.
type toldToLook struct{ driver.Connector }

func (c toldToLook) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	x, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the driver runs no plain statements"), conn.Close())
	}
	if _, err := x.ExecContext(ctx, looksBefore, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("look up by keys: %w", err), conn.Close())
	}
	return conn, nil
}
