package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"skand/forward"
)

// Settle implements forward.Outbox.
func (s *Store) Settle(ctx context.Context, st forward.Settlement) error {
	fenced := false
	err := s.main.in(ctx, func(t *tx) error {
		// The destination before its deliveries: saving an edit locks in that order.
		if err := judgeDestination(ctx, t, &st); err != nil {
			return err
		}
		err := s.logAttempt(ctx, t, st.Attempt)
		if err != nil {
			return err
		}
		fenced, err = settle(ctx, t, st)
		return err
	})
	if err != nil {
		return fmt.Errorf("settle delivery %s: %w", st.Attempt.DeliveryID, err)
	}
	if fenced {
		return forward.ErrFenced
	}
	return nil
}

// logAttempt holds the delivery while it writes: one that was erased under way must
// not leave a line with what was answered to it.
func (s *Store) logAttempt(ctx context.Context, t *tx, a forward.Attempt) error {
	var one int
	err := t.GetContext(ctx, &one, t.q(`SELECT 1 FROM outbox WHERE app_id = ? AND id = ?`+t.forUpdate()), a.AppID, a.DeliveryID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hold the delivery: %w", err)
	}
	answer, err := s.sealAnswer(a.Answer)
	if err != nil {
		return fmt.Errorf("log the attempt: %w", err)
	}
	const insert = `INSERT INTO delivery_attempt (app_id, delivery_id, attempt, attempted_at, duration_ms, class,
			status, reason, answer, template_version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	_, err = t.ExecContext(ctx, t.q(insert), a.AppID, a.DeliveryID, a.Attempt, ms(a.At), a.Duration.Milliseconds(),
		a.Class, a.Status, a.Reason, answer, a.TemplateVersion)
	if err != nil {
		return fmt.Errorf("log the attempt: %w", err)
	}
	return nil
}

// judgeDestination applies what an outcome says of the destination itself. Under
// an older template version it says nothing any more: the row is due again.
func judgeDestination(ctx context.Context, t *tx, st *forward.Settlement) error {
	if st.State != forward.StateHeld && st.State != forward.StateGone {
		return nil
	}
	var version int
	text := t.q(`SELECT template_version FROM destination WHERE id = ?` + t.forUpdate())
	err := t.GetContext(ctx, &version, text, st.DestinationID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read destination: %w", err)
	}
	if version != st.Attempt.TemplateVersion {
		st.State, st.DueAt = forward.StatePending, st.Attempt.At
		return nil
	}
	if st.State == forward.StateHeld {
		return nil
	}
	const disable = `UPDATE destination SET disabled_reason = ? WHERE id = ?`
	if _, err := t.ExecContext(ctx, t.q(disable), st.Attempt.Reason, st.DestinationID); err != nil {
		return fmt.Errorf("disable destination: %w", err)
	}
	return nil
}

func settle(ctx context.Context, t *tx, st forward.Settlement) (fenced bool, err error) {
	const update = `UPDATE outbox SET state = ?, due_at = ?, leased_until = NULL, reason = ?, status = ?, settled_at = ?
		WHERE app_id = ? AND id = ? AND fence = ? AND state = 'pending' AND leased_until IS NOT NULL
		RETURNING id`
	a := st.Attempt
	ended := a.At.Add(a.Duration)
	due, settled := ended, sql.NullInt64{Int64: ms(ended), Valid: true}
	if st.State == forward.StatePending {
		due, settled = st.DueAt, sql.NullInt64{}
	}
	var ids []string
	err = t.SelectContext(ctx, &ids, t.q(update), st.State, ms(due), a.Reason, a.Status, settled,
		a.AppID, a.DeliveryID, st.Fence)
	return len(ids) == 0, err
}
