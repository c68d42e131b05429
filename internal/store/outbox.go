package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/forward"
)

var _ forward.Outbox = (*Store)(nil)

// waiting are the states that a delivery can still leave. The text must be that of
// the partial indexes, or SQLite does not use them.
const waiting = `state IN ('pending', 'held', 'gone')`

const enqueueChunk = 100

// enqueue writes deliveries in the transaction that writes their conversions, and
// returns how many are new: the destination and dedup key of the others were
// known, whatever became of them.
func enqueue(ctx context.Context, t *tx, deliveries []forward.Delivery) (int, error) {
	// One order for all, or two transactions with the same keys could deadlock.
	deliveries = slices.Clone(deliveries)
	slices.SortFunc(deliveries, func(a, b forward.Delivery) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), strings.Compare(a.DestinationID, b.DestinationID),
			strings.Compare(a.DedupKey, b.DedupKey))
	})
	written := 0
	for chunk := range slices.Chunk(deliveries, enqueueChunk) {
		n, err := enqueueSome(ctx, t, chunk)
		if err != nil {
			return written, fmt.Errorf("enqueue deliveries: %w", err)
		}
		written += n
	}
	return written, nil
}

func enqueueSome(ctx context.Context, t *tx, chunk []forward.Delivery) (int, error) {
	const row = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 'pending', '', 0)`
	text := `INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields,
			created_at, first_due_at, due_at, expires_at, fence, attempts, state, reason, status)
		VALUES ` + row + strings.Repeat(`, `+row, len(chunk)-1) + ` ON CONFLICT DO NOTHING RETURNING id`
	args := make([]any, 0, 11*len(chunk))
	for _, d := range chunk {
		fields, err := json.Marshal(d.Fields)
		if err != nil {
			return 0, fmt.Errorf("fields of %s: %w", d.ID, err)
		}
		args = append(args, d.AppID, d.ID, d.DestinationID, d.DedupKey, d.Kind, d.EventName, string(fields),
			ms(d.CreatedAt), ms(d.DueAt), ms(d.DueAt), ms(d.ExpiresAt))
	}
	var ids []string // counted by RETURNING: drivers differ about affected rows
	if err := t.SelectContext(ctx, &ids, t.q(text), args...); err != nil {
		return 0, err
	}
	return len(ids), nil
}

// Due implements forward.Outbox: two index look-ups per destination.
func (s *Store) Due(ctx context.Context) ([]forward.Due, error) {
	const due = `SELECT d.id,
			(SELECT MIN(due_at) FROM outbox WHERE app_id = d.app_id AND destination_id = d.id AND state = 'pending') AS next,
			(SELECT MIN(first_due_at) FROM outbox WHERE app_id = d.app_id AND destination_id = d.id AND ` + waiting + `) AS oldest
		FROM destination d ORDER BY d.id`
	var rows []struct {
		ID           string
		Next, Oldest sql.NullInt64
	}
	if err := s.main.r.SelectContext(ctx, &rows, due); err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	var out []forward.Due
	for _, r := range rows {
		if r.Oldest.Valid {
			out = append(out, forward.Due{DestinationID: r.ID, Next: atOrZero(r.Next), Oldest: atOrZero(r.Oldest)})
		}
	}
	return out, nil
}

func atOrZero(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return at(v.Int64)
}

// Claim implements forward.Outbox.
func (s *Store) Claim(ctx context.Context, destinationID string, limit int, now time.Time, lease time.Duration) ([]forward.Delivery, error) {
	// MATERIALIZED: the sub-select must run once, or PostgreSQL may lock more than
	// limit rows. SKIP LOCKED: claims beside this one pass by each other.
	claim := `WITH due (a, i) AS MATERIALIZED (
			SELECT o.app_id, o.id FROM outbox o JOIN destination d ON d.app_id = o.app_id AND d.id = o.destination_id
			WHERE d.id = ? AND d.enabled AND d.disabled_reason = ''
				AND o.state = 'pending' AND o.due_at <= ? AND o.expires_at > ?
			ORDER BY o.due_at LIMIT ?` + skipLocked(s.main.dialect) + `)
		UPDATE outbox SET attempts = attempts + 1, fence = fence + 1, due_at = ?, leased_until = ?
		FROM due WHERE app_id = due.a AND id = due.i
		RETURNING app_id, id, destination_id, dedup_key, kind, event_name, fields,
			created_at, first_due_at, expires_at, attempts, fence`
	var rows []outboxRow
	err := s.main.in(ctx, func(t *tx) error {
		until := ms(now.Add(lease))
		return t.SelectContext(ctx, &rows, t.q(claim), destinationID, ms(now), ms(now), limit, until, until)
	})
	if err != nil {
		return nil, fmt.Errorf("claim from the outbox: %w", err)
	}
	out := make([]forward.Delivery, 0, len(rows))
	for _, r := range rows {
		d, err := r.delivery()
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func skipLocked(d dialect) string {
	if d == postgres {
		return ` FOR UPDATE OF o SKIP LOCKED`
	}
	return ``
}

// outboxRow is a row of outbox as it is claimed.
type outboxRow struct {
	AppID         int64  `db:"app_id"`
	ID            string `db:"id"`
	DestinationID string `db:"destination_id"`
	DedupKey      string `db:"dedup_key"`
	Kind          string `db:"kind"`
	EventName     string `db:"event_name"`
	Fields        string `db:"fields"`
	CreatedAt     int64  `db:"created_at"`
	FirstDueAt    int64  `db:"first_due_at"`
	ExpiresAt     int64  `db:"expires_at"`
	Attempts      int    `db:"attempts"`
	Fence         int64  `db:"fence"`
}

func (r outboxRow) delivery() (forward.Delivery, error) {
	d := forward.Delivery{
		ID: r.ID, DestinationID: r.DestinationID, AppID: r.AppID, DedupKey: r.DedupKey, Kind: r.Kind,
		EventName: r.EventName, CreatedAt: at(r.CreatedAt), DueAt: at(r.FirstDueAt), ExpiresAt: at(r.ExpiresAt),
		Attempts: r.Attempts, Fence: r.Fence,
	}
	if err := json.Unmarshal([]byte(r.Fields), &d.Fields); err != nil {
		return d, fmt.Errorf("fields of delivery %s: %w", r.ID, err)
	}
	return d, nil
}

// Release implements forward.Outbox. The fence moves on, so that the claim that
// was given back settles nothing any more.
func (s *Store) Release(ctx context.Context, claimed []forward.Delivery, now time.Time) error {
	const release = `UPDATE outbox SET attempts = attempts - 1, fence = fence + 1, due_at = ?, leased_until = NULL
		WHERE app_id = ? AND id = ? AND fence = ? AND state = 'pending' AND leased_until IS NOT NULL`
	return s.main.in(ctx, func(t *tx) error {
		for _, d := range claimed {
			if _, err := t.ExecContext(ctx, t.q(release), ms(now), d.AppID, d.ID, d.Fence); err != nil {
				return fmt.Errorf("release delivery %s: %w", d.ID, err)
			}
		}
		return nil
	})
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
