package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"skand/forward"
)

// waiting are the states that a delivery can still leave. The text must be that of
// the partial indexes, or SQLite does not use them.
const waiting = `state IN ('pending', 'held', 'gone')`

// leasedLooked bounds how many rows are looked at for the end of a lease: far more than
// are ever in flight at one destination.
const leasedLooked = 256

// dueSQL tells of every destination when its first row is due that nobody has claimed,
// when the first lease of a row before that one lapses (what is claimed was due, so it
// lies at the head of the queue), and what waits longest.
const dueSQL = `SELECT q.id, q.free,
		(SELECT MIN(h.leased_until) FROM (
			SELECT leased_until FROM outbox WHERE app_id = q.app_id AND destination_id = q.id AND state = 'pending'
				AND due_at <= COALESCE(q.free, 9223372036854775807) ORDER BY due_at LIMIT ?) AS h) AS lapses,
		(SELECT MIN(first_due_at) FROM outbox WHERE app_id = q.app_id AND destination_id = q.id AND ` + waiting + `) AS oldest
	FROM (SELECT d.id, d.app_id, (SELECT o.due_at FROM outbox o WHERE o.app_id = d.app_id AND o.destination_id = d.id
			AND o.state = 'pending' AND o.leased_until IS NULL ORDER BY o.due_at LIMIT 1) AS free
		FROM destination d) AS q ORDER BY q.id`

// Due implements forward.Outbox: a few index look-ups per destination.
func (s *Store) Due(ctx context.Context) ([]forward.Due, error) {
	var rows []struct {
		ID                   string
		Free, Lapses, Oldest sql.NullInt64
	}
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(dueSQL), leasedLooked); err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	var out []forward.Due
	for _, r := range rows {
		if !r.Oldest.Valid {
			continue
		}
		next := r.Free
		if r.Lapses.Valid && (!next.Valid || r.Lapses.Int64 < next.Int64) {
			next = r.Lapses
		}
		out = append(out, forward.Due{DestinationID: r.ID, Next: atOrZero(next), Oldest: atOrZero(r.Oldest)})
	}
	return out, nil
}

func atOrZero(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return at(v.Int64)
}

// Expire implements forward.Outbox.
func (s *Store) Expire(ctx context.Context, now time.Time) ([]forward.Expired, error) {
	const (
		which  = ` WHERE ` + waiting + ` AND expires_at <= ? AND (leased_until IS NULL OR leased_until <= ?)`
		look   = `SELECT 1 FROM outbox` + which + ` LIMIT 1`
		expire = `UPDATE outbox SET state = 'expired', leased_until = NULL, settled_at = ?` + which + ` RETURNING destination_id`
	)
	var one int // asked on the readers: the one writer of SQLite is for those who write
	err := s.main.r.GetContext(ctx, &one, s.main.q(look), ms(now), ms(now))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for expired deliveries: %w", err)
	}
	var ids []string
	err = s.main.in(ctx, func(t *tx) error {
		return t.SelectContext(ctx, &ids, t.q(expire), ms(now), ms(now), ms(now))
	})
	if err != nil {
		return nil, fmt.Errorf("expire deliveries: %w", err)
	}
	var out []forward.Expired
	slices.Sort(ids)
	for _, id := range ids {
		if n := len(out); n > 0 && out[n-1].DestinationID == id {
			out[n-1].Rows++
			continue
		}
		out = append(out, forward.Expired{DestinationID: id, Rows: 1})
	}
	return out, nil
}
