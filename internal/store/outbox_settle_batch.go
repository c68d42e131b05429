package store

import (
	"context"
	"fmt"

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
		answer, err := s.sealAnswer(a.Answer)
		if err != nil {
			return nil, fmt.Errorf("log the attempt of delivery %s: %w", a.DeliveryID, err)
		}
		lines = append(lines, []any{
			a.AppID, a.DeliveryID, int64(a.Attempt), ms(a.At), a.Duration.Milliseconds(),
			string(a.Class), int64(a.Status), a.Reason, answer, int64(a.TemplateVersion),
		})
	}
	if err := insertMany(ctx, t, "delivery_attempt", attemptColumns, lines, "ON CONFLICT DO NOTHING", nil); err != nil {
		return nil, fmt.Errorf("log attempts: %w", err)
	}
	return fenced, nil
}

// updateSettled writes new states where the fence is the current one, and notes in
// held where it was.
func (s *Store) updateSettled(ctx context.Context, t *tx, judged []forward.Settlement, held map[claimOf]bool) error {
	for len(judged) > 0 {
		n := len(judged)
		if t.dialect == sqlite {
			n = stride(n)
		}
		rows := make([][]any, n)
		for i, st := range judged[:n] {
			a := st.Attempt
			ended := ms(a.At.Add(a.Duration))
			due, settled := ended, any(ended)
			if st.State == forward.StatePending {
				due, settled = ms(st.DueAt), nil
			}
			rows[i] = []any{a.AppID, a.DeliveryID, st.Fence, string(st.State), due, a.Reason, int64(a.Status), settled}
		}
		given, args, err := t.givenTable(settledColumns, rows)
		if err != nil {
			return fmt.Errorf("settle deliveries: %w", err)
		}
		const update = `UPDATE outbox AS o SET state = k.state, due_at = k.due_at, leased_until = NULL,
				reason = k.reason, status = k.status, settled_at = k.settled_at
			FROM %s WHERE o.app_id = k.app_id AND o.id = k.id AND o.fence = k.fence
				AND o.state = 'pending' AND o.leased_until IS NOT NULL
			RETURNING `
		text := fmt.Sprintf(update, given) + `id, fence`
		if t.dialect == postgres {
			// The rows are locked in their order before any is written: two batches that
			// share some must not wait for each other.
			text = `WITH k AS MATERIALIZED (SELECT k.* FROM ` + given + ` JOIN outbox AS h ON h.app_id = k.app_id AND h.id = k.id
				ORDER BY k.app_id, k.id FOR UPDATE OF h) ` + fmt.Sprintf(update, "k") + `o.id, o.fence`
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
