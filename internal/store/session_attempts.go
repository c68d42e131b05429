package store

import (
	"context"
	"fmt"
	"time"

	"skand/internal/auth"
)

// Attempts are counted by one time for each bucket: spent_until moves on by Every with
// each attempt, and as many are left as fit between it and Burst times Every from now.
// So an attempt is one statement, which several processes can't do at once.

// SpendAttempt implements auth.Attempts.
func (s *Store) SpendAttempt(ctx context.Context, b auth.Bucket, a auth.Allowance) (time.Duration, error) {
	const spend = `INSERT INTO sign_in_limit (bucket, spent_until, keep_until) VALUES (?, ?, ?)
		ON CONFLICT (bucket) DO UPDATE SET
			spent_until = CASE WHEN sign_in_limit.spent_until > ? THEN sign_in_limit.spent_until ELSE ? END + ?,
			keep_until = CASE WHEN sign_in_limit.keep_until > ? THEN sign_in_limit.keep_until ELSE ? END
		WHERE sign_in_limit.spent_until <= ?
		RETURNING spent_until`
	now, every := ms(s.clock.Now()), a.Every.Milliseconds()
	full := int64(a.Burst-1) * every // spent by so much and there is still one left
	keep := now + int64(a.Burst)*every
	var spent []int64
	err := s.main.in(ctx, func(t *tx) error {
		err := t.SelectContext(ctx, &spent, t.q(spend), b[:], now+every, keep, now, now, every, keep, keep, now+full)
		if err != nil || len(spent) > 0 {
			return err
		}
		return t.SelectContext(ctx, &spent, t.q(`SELECT spent_until + ? FROM sign_in_limit WHERE bucket = ?`), farAway, b[:])
	})
	if err != nil {
		return 0, fmt.Errorf("spend an attempt: %w", err)
	}
	if len(spent) == 1 && spent[0] >= farAway {
		// Bounded: a lab's clock may have been set back.
		wait := time.Duration(min(spent[0]-farAway-(now+full), int64(a.Burst)*every)) * time.Millisecond
		return max(wait, time.Millisecond), nil
	}
	return 0, nil
}

// farAway marks what was read from what was written: no clock shows the year 10,000.
const farAway = int64(253402300800000)

// ReturnAttempt implements auth.Attempts.
func (s *Store) ReturnAttempt(ctx context.Context, b auth.Bucket, a auth.Allowance, keep time.Duration) error {
	const give = `UPDATE sign_in_limit SET spent_until = spent_until - ? WHERE bucket = ?`
	const remember = `INSERT INTO sign_in_limit (bucket, spent_until, keep_until) VALUES (?, ?, ?)
		ON CONFLICT (bucket) DO UPDATE SET spent_until = excluded.spent_until, keep_until = excluded.keep_until`
	text, args := give, []any{a.Every.Milliseconds(), b[:]}
	if keep > 0 {
		now := s.clock.Now()
		text, args = remember, []any{b[:], ms(now), ms(now.Add(keep))}
	}
	if _, err := s.main.w.ExecContext(ctx, s.main.q(text), args...); err != nil {
		return fmt.Errorf("return an attempt: %w", err)
	}
	return nil
}

// Familiar implements auth.Attempts.
func (s *Store) Familiar(ctx context.Context, b auth.Bucket) (bool, error) {
	var known bool
	const text = `SELECT EXISTS (SELECT 1 FROM sign_in_limit WHERE bucket = ? AND keep_until > ?)`
	if err := s.main.r.GetContext(ctx, &known, s.main.q(text), b[:], ms(s.clock.Now())); err != nil {
		return false, fmt.Errorf("look for a familiar network: %w", err)
	}
	return known, nil
}

// sweepAttempts forgets what says nothing any more.
func (s *Store) sweepAttempts(ctx context.Context, t *tx) error {
	if _, err := t.ExecContext(ctx, t.q(`DELETE FROM sign_in_limit WHERE keep_until <= ?`), ms(s.clock.Now())); err != nil {
		return fmt.Errorf("forget attempts: %w", err)
	}
	return nil
}
