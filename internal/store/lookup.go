package store

import (
	"context"
	"fmt"
)

// lookUp makes PostgreSQL look rows up one by one for the rest of the transaction. Left
// to itself it finds it cheaper to read a table whole until that is far larger than what
// is asked for, and it knows neither how short a queue's head is nor how long its tail
// has become since it last counted. SQLite always looks up.
func (t *tx) lookUp(ctx context.Context) error {
	if t.dialect != postgres {
		return nil
	}
	const text = `SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`
	if _, err := t.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("look up by keys: %w", err)
	}
	return nil
}
