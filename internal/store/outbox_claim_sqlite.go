package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// claimOnSQLite claims in two steps, for SQLite has one writer and nobody comes between:
// it looks for every destination, and marks what it found of all of them at once. What a
// statement costs there is next to what its rows cost.
type claimOnSQLite struct {
	t      *tx
	rows   []claimedRow
	places []int64 // of rows
	ends   []int64 // of their leases
}

// SQLite parses a statement anew for every value of a bare LIMIT ?.
const pickSQL = `SELECT o.rowid AS place, ` + claimedColumns + isDue + ` ORDER BY o.due_at LIMIT ? + 0`

// pick looks for what is due of a destination that stands as the transaction read it.
func (c *claimOnSQLite) pick(ctx context.Context, d *stood, id string, limit int, now, until time.Time) error {
	var found []struct {
		Place int64 `db:"place"`
		outboxRow
	}
	if err := c.t.selectPrepared(ctx, &found, pickSQL, d.AppID, id, ms(now), ms(now), ms(now), limit); err != nil {
		return fmt.Errorf("look for what is due: %w", err)
	}
	for _, f := range found {
		f.Attempts++
		f.Fence++
		c.rows = append(c.rows, claimedRow{f.outboxRow, d.Breaker.Turn})
		c.places = append(c.places, f.Place)
		c.ends = append(c.ends, ms(until))
	}
	return nil
}

// mark leases what was picked.
func (c *claimOnSQLite) mark(ctx context.Context) error {
	for from := 0; from < len(c.places); {
		// A few lengths, so that there are few texts and each is parsed once; a place that
		// is named twice is marked once.
		to := from + 1
		for to < len(c.places) && to-from < 64 && c.ends[to] == c.ends[from] {
			to++
		}
		n := 1
		for n < to-from {
			n *= 4
		}
		args := make([]any, n+1)
		args[0] = c.ends[from]
		for i := range n {
			args[i+1] = c.places[min(from+i, to-1)]
		}
		// FAIL, for a fault ends the whole transaction: it keeps no copies of pages then, to
		// undo one statement.
		text := `UPDATE OR FAIL outbox SET attempts = attempts + 1, fence = fence + 1, leased_until = ? WHERE rowid IN (?` +
			strings.Repeat(`, ?`, n-1) + `)`
		if err := runInsert(ctx, c.t, text, args, nil); err != nil {
			return fmt.Errorf("lease what is due: %w", err)
		}
		from = to
	}
	return nil
}
