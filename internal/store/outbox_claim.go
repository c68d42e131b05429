package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"skand/forward"
)

var _ forward.Outbox = (*Store)(nil)

// errNoProbe ends a transaction that has nothing to keep.
var errNoProbe = errors.New("no delivery to probe with")

// putBack is how long a delivery rests that cannot be read.
const putBack = 10 * time.Minute

// claimedRow is a row of outbox as it is claimed, and the destination's turn then.
type claimedRow struct {
	outboxRow
	turn int64
}

// Claim implements forward.Outbox. The destination is read first: what stands still,
// and an open breaker whose probe is not due, costs that one look.
func (s *Store) Claim(ctx context.Context, destinationID string, limit int, now time.Time, lease time.Duration) ([]forward.Delivery, error) {
	var rows []claimedRow
	err := s.main.in(ctx, func(t *tx) error {
		d, ok, err := readStanding(ctx, t, destinationID, "")
		if err != nil || !ok || !d.Enabled || !d.Ready(now) {
			return err
		}
		if err := t.lookUp(ctx); err != nil {
			return err
		}
		if d.Breaker.Open() {
			rows, err = claimProbe(ctx, t, &d, destinationID, now, now.Add(lease))
			return err
		}
		rows, err = claimSome(ctx, t, &d, destinationID, limit, now, now.Add(lease))
		return err
	})
	if err != nil && !errors.Is(err, errNoProbe) {
		return nil, fmt.Errorf("claim from the outbox: %w", err)
	}
	return s.readClaimed(ctx, rows)
}

// claimSome claims what is due, as long as the destination stands as it was read:
// whatever stops it or lets it go on has raised its turn.
func claimSome(ctx context.Context, t *tx, d *stood, id string, limit int, now, until time.Time) ([]claimedRow, error) {
	if t.dialect == sqlite {
		c := claimOnSQLite{t: t}
		if err := c.pick(ctx, d, id, limit, now, until); err != nil {
			return nil, err
		}
		return c.rows, c.mark(ctx)
	}
	var rows []outboxRow
	err := t.selectPrepared(ctx, &rows, t.q(claimSQL), d.AppID, id, ms(now), ms(now), ms(now), id, d.Breaker.Turn, limit, ms(until))
	return claimed(rows, d.Breaker.Turn), err
}

func claimed(rows []outboxRow, turn int64) []claimedRow {
	out := make([]claimedRow, len(rows))
	for i, r := range rows {
		out[i] = claimedRow{r, turn}
	}
	return out
}

// isDue picks what may be claimed, of the index outbox_due in its order. A claim moves
// nothing that an index names, due_at least of all: a row that is claimed stays where it
// is in every index, and PostgreSQL writes it beside its old version. So those that are
// under way lie at the head of the queue, and are passed over; there are never more of
// them than requests in flight.
const isDue = ` FROM outbox o WHERE o.app_id = ? AND o.destination_id = ? AND o.state = 'pending' AND o.due_at <= ? AND o.expires_at > ?
		AND (o.leased_until IS NULL OR o.leased_until <= ?)`

// MATERIALIZED: the sub-select must run once, or PostgreSQL may lock more than limit
// rows. SKIP LOCKED: claims beside this one pass by each other. The destination is asked
// for apart and not joined: only of constants is it known that the index gives the
// order, or all that waits would be read and sorted for every claim.
const claimSQL = `WITH due (a, i) AS MATERIALIZED (SELECT o.app_id, o.id` + isDue + `
		AND EXISTS (SELECT 1 FROM destination WHERE id = ? AND breaker_turn = ?)
		ORDER BY o.due_at LIMIT ? FOR UPDATE OF o SKIP LOCKED)
	UPDATE outbox SET attempts = attempts + 1, fence = fence + 1, leased_until = ?
	FROM due WHERE app_id = due.a AND id = due.i
	RETURNING ` + claimedColumns

// claimProbe claims one row for all processes: whoever moves probe_at has the probe,
// until its lease lapses.
func claimProbe(ctx context.Context, t *tx, d *stood, id string, now, until time.Time) ([]claimedRow, error) {
	const take = `UPDATE destination SET probe_at = ? WHERE id = ? AND breaker_turn = ? AND probe_at <= ? RETURNING id`
	var ids []string
	err := t.SelectContext(ctx, &ids, t.q(take), ms(until), id, d.Breaker.Turn, ms(now))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	rows, err := claimSome(ctx, t, d, id, 1, now, until)
	if err == nil && len(rows) == 0 {
		return nil, errNoProbe // and the probe stays due
	}
	return rows, err
}

// readClaimed opens what was claimed. A row that cannot be read is our own fault: it is
// put back uncharged, and does not keep the others from being sent.
func (s *Store) readClaimed(ctx context.Context, rows []claimedRow) ([]forward.Delivery, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	out := make([]forward.Delivery, 0, len(rows))
	var faults []error
	for _, r := range rows {
		d, err := s.delivery(r.outboxRow)
		d.Turn = r.turn
		if err == nil {
			out = append(out, d)
			continue
		}
		faults = append(faults, err, s.Release(ctx, []forward.Delivery{d}, s.clock.Now().Add(putBack)))
	}
	return out, errors.Join(faults...)
}

const claimedColumns = `app_id, id, destination_id, dedup_key, kind, event_name, consent, fields,
	created_at, first_due_at, expires_at, attempts, fence`

// outboxRow is a row of outbox as it is claimed.
type outboxRow struct {
	AppID         int64  `db:"app_id"`
	ID            string `db:"id"`
	DestinationID string `db:"destination_id"`
	DedupKey      string `db:"dedup_key"`
	Kind          string `db:"kind"`
	EventName     string `db:"event_name"`
	Consent       string `db:"consent"`
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
		EventName: r.EventName, Consent: r.Consent, CreatedAt: at(r.CreatedAt), DueAt: at(r.FirstDueAt), ExpiresAt: at(r.ExpiresAt),
		Attempts: r.Attempts, Fence: r.Fence,
	}
	if d.Fields, err = s.openFields(r.Fields); err != nil {
		return d, fmt.Errorf("fields of delivery %s: %w", r.ID, err)
	}
	return d, nil
}

// Release implements forward.Outbox. The fence moves on, so that the claim that
// was given back settles nothing any more.
func (s *Store) Release(ctx context.Context, claimed []forward.Delivery, due time.Time) error {
	const release = `UPDATE outbox SET attempts = attempts - 1, fence = fence + 1, due_at = ?, leased_until = NULL
		WHERE app_id = ? AND id = ? AND fence = ? AND state = 'pending' AND leased_until IS NOT NULL`
	return s.main.in(ctx, func(t *tx) error {
		for _, d := range claimed {
			if _, err := t.ExecContext(ctx, t.q(release), ms(due), d.AppID, d.ID, d.Fence); err != nil {
				return fmt.Errorf("release delivery %s: %w", d.ID, err)
			}
		}
		return nil
	})
}
