package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"skand/forward"
)

// Settle implements forward.Outbox. Destinations come before their deliveries, and
// both in the order of their ids: saving an edit locks in that order, and two
// settlements beside each other must not wait for each other.
func (s *Store) Settle(ctx context.Context, all []forward.Settlement) (forward.Settled, error) {
	var done forward.Settled
	err := s.main.in(ctx, func(t *tx) error {
		done = forward.Settled{}
		judged, turned, err := judgeDestinations(ctx, t, all)
		if err != nil {
			return err
		}
		done.Turned = turned
		if err := t.lookUp(ctx); err != nil {
			return err
		}
		done.Fenced, err = s.settleMany(ctx, t, judged)
		return err
	})
	if err != nil {
		return forward.Settled{}, fmt.Errorf("settle: %w", err)
	}
	return done, nil
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
