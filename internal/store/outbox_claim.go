package store

import (
	"context"
	"fmt"
	"time"

	"skand/forward"
)

var _ forward.Outbox = (*Store)(nil)

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
		d, err := s.delivery(r)
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

func (s *Store) delivery(r outboxRow) (d forward.Delivery, err error) {
	d = forward.Delivery{
		ID: r.ID, DestinationID: r.DestinationID, AppID: r.AppID, DedupKey: r.DedupKey, Kind: r.Kind,
		EventName: r.EventName, CreatedAt: at(r.CreatedAt), DueAt: at(r.FirstDueAt), ExpiresAt: at(r.ExpiresAt),
		Attempts: r.Attempts, Fence: r.Fence,
	}
	if d.Fields, err = s.openFields(r.Fields); err != nil {
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
