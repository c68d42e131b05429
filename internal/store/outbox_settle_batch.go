package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"skand/forward"
)

// The columns of a settlement as it is given to the database, and of its line in the
// attempt log.
var (
	settledColumns = []column{
		{"app_id", "bigint"}, {"id", "text"}, {"fence", "bigint"}, {"state", "text"}, {"due_at", "bigint"},
		{"reason", "text"}, {"status", "bigint"}, {"settled_at", "bigint"},
	}
	attemptColumns = []column{
		{"app_id", "bigint"}, {"delivery_id", "text"}, {"attempt", "bigint"}, {"attempted_at", "bigint"}, {"duration_ms", "bigint"},
		{"class", "text"}, {"status", "bigint"}, {"reason", "text"}, {"answer", "text"}, {"template_version", "bigint"},
	}
)

// claimOf names one claim of a delivery.
type claimOf struct {
	id    string
	fence int64
}

// settleMany settles a batch with as few statements as there can be, and returns the
// deliveries whose fence has moved on. Those, which are few, are logged one by one,
// each only if it is still there; all others are held by their own update.
func (s *Store) settleMany(ctx context.Context, t *tx, judged []forward.Settlement) (fenced []string, err error) {
	held := make(map[claimOf]bool, len(judged))
	if err := s.updateSettled(ctx, t, judged, held); err != nil {
		return nil, err
	}
	lines := make([][]any, 0, len(judged))
	for _, st := range judged {
		a := st.Attempt
		if !held[claimOf{a.DeliveryID, st.Fence}] {
			fenced = append(fenced, a.DeliveryID)
			if err := s.logAttempt(ctx, t, a); err != nil {
				return nil, fmt.Errorf("delivery %s: %w", a.DeliveryID, err)
			}
			continue
		}
		line, err := s.attemptLine(a)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	if err := insertAttempts(ctx, t, lines); err != nil {
		return nil, fmt.Errorf("log attempts: %w", err)
	}
	return fenced, nil
}

func insertAttempts(ctx context.Context, t *tx, lines [][]any) error {
	const known = "ON CONFLICT DO NOTHING"
	if t.dialect == postgres {
		return insertMany(ctx, t, "delivery_attempt", attemptColumns, lines, known, nil)
	}
	for some := range slices.Chunk(lines, mostFilled) {
		text, args := valuesInsert("delivery_attempt", attemptColumns, filled(some), known)
		if err := runInsert(ctx, t, text, args, nil); err != nil {
			return err
		}
	}
	return nil
}

const mostFilled = 64

// filled repeats the last row up to one of a few lengths, so that a batch of any length
// is one statement of SQLite and there are few of them to parse: the batches of a busy
// queue are as long as half of what is in flight. It is for statements to which a row
// that they know already makes no difference.
func filled(rows [][]any) [][]any {
	n := 1
	for n < len(rows) {
		n *= 2
	}
	for len(rows) < n {
		rows = append(rows[:len(rows):len(rows)], rows[len(rows)-1])
	}
	return rows
}

// updateSettled writes new states where the fence is the current one, and notes in
// held where it was.
func (s *Store) updateSettled(ctx context.Context, t *tx, judged []forward.Settlement, held map[claimOf]bool) error {
	for len(judged) > 0 {
		n := len(judged)
		if t.dialect == sqlite {
			n = min(n, mostFilled)
		}
		rows := make([][]any, n)
		for i, st := range judged[:n] {
			rows[i] = settledLine(st)
		}
		if t.dialect == sqlite {
			rows = filled(rows)
		}
		given, args, err := t.givenTable(settledColumns, rows)
		if err != nil {
			return fmt.Errorf("settle deliveries: %w", err)
		}
		const update = ` outbox AS o SET state = k.state, due_at = k.due_at, leased_until = NULL,
				reason = k.reason, status = k.status, settled_at = k.settled_at
			FROM %s WHERE o.app_id = k.app_id AND o.id = k.id AND o.fence = k.fence
				AND o.state = 'pending' AND o.leased_until IS NOT NULL
			RETURNING `
		text := `UPDATE OR FAIL` + fmt.Sprintf(update, given) + `id, fence` // as a claim does
		if t.dialect == postgres {
			// The rows are locked in their order before any is written: two batches that
			// share some must not wait for each other.
			text = `WITH k AS MATERIALIZED (SELECT k.* FROM ` + given + ` JOIN outbox AS h ON h.app_id = k.app_id AND h.id = k.id
				ORDER BY k.app_id, k.id FOR UPDATE OF h) UPDATE` + fmt.Sprintf(update, "k") + `o.id, o.fence`
		}
		err = runInsert(ctx, t, text, args, func(r *sqlx.Rows) error {
			var c claimOf
			if err := r.Scan(&c.id, &c.fence); err != nil {
				return err
			}
			held[c] = true
			return nil
		})
		if err != nil {
			return fmt.Errorf("settle deliveries: %w", err)
		}
		judged = judged[n:]
	}
	return nil
}

// settledLine is what a settlement makes of its delivery, in the order of settledColumns.
func settledLine(st forward.Settlement) []any {
	a := st.Attempt
	ended := ms(a.At.Add(a.Duration))
	due, settled := ended, any(ended)
	if st.State == forward.StatePending {
		due, settled = ms(st.DueAt), nil
	}
	return []any{a.AppID, a.DeliveryID, st.Fence, string(st.State), due, a.Reason, int64(a.Status), settled}
}

// getPrepared and selectPrepared are for statements of every claim and settlement:
// parsing and planning them costs more than the rows.
func (t *tx) getPrepared(ctx context.Context, into any, text string, args ...any) error {
	if stmt := t.prepared.get(text); stmt != nil {
		return t.StmtxContext(ctx, stmt).GetContext(ctx, into, args...) //nolint:sqlclosecheck // kept for every transaction to come; closed with the database
	}
	return t.GetContext(ctx, into, text, args...)
}

func (t *tx) selectPrepared(ctx context.Context, into any, text string, args ...any) error {
	if stmt := t.prepared.get(text); stmt != nil {
		return t.StmtxContext(ctx, stmt).SelectContext(ctx, into, args...) //nolint:sqlclosecheck // as above
	}
	return t.SelectContext(ctx, into, text, args...)
}
