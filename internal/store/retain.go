package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/internal/apply"
)

const deleteBatch = 5000

// Retain deletes raw copies that are older than their app's raw_retention, consented
// rows that are older than its consented_retention, ended secrets, and old counts of
// floods and of deliveries. It never touches identities, counted postbacks or the ledger:
// a replay of what was deleted stays a duplicate. It goes on past one failure.
func (s *Store) Retain(ctx context.Context) (int64, error) {
	now := s.clock.Now()
	kept, longest, err := s.rawRetention(ctx)
	if err != nil {
		return 0, err
	}
	var total int64
	var errs []error
	for app, d := range kept {
		n, err := s.deleteCopies(ctx, `app_id = ? AND received_at < ?`, app, ms(now.Add(-d)))
		total += n
		errs = append(errs, err)
	}
	if s.main.dialect == postgres {
		n, err := s.dropPartitions(ctx, now.Add(-longest))
		total += int64(n)
		errs = append(errs, err)
	}
	// What belongs to no registered app, what could not be read at all included.
	n, err := s.deleteCopies(ctx, `received_at < ? AND app_id NOT IN (SELECT app_id FROM app)`,
		ms(now.Add(-apply.DefaultRawRetention)))
	total += n
	errs = append(errs, err)
	_, err = s.main.w.ExecContext(ctx, s.main.q(`DELETE FROM flood_bound WHERE hour < ?`), ms(now.Add(-floodKept)))
	if err != nil {
		errs = append(errs, fmt.Errorf("delete old flood counts: %w", err))
	}
	errs = append(errs, s.forgetEndedSecrets(ctx), s.forgetOldHealth(ctx))
	n, err = s.retainConsented(ctx)
	total += n
	errs = append(errs, err)
	return total, errors.Join(errs...)
}

// rawRetention is how long each registered app keeps raw copies, and the longest of
// all, the default included.
func (s *Store) rawRetention(ctx context.Context) (map[int64]time.Duration, time.Duration, error) {
	var rows []struct {
		AppID      int64  `db:"app_id"`
		Definition string `db:"definition"`
	}
	if err := s.main.r.SelectContext(ctx, &rows, `SELECT app_id, definition FROM app`); err != nil {
		return nil, 0, fmt.Errorf("retention of apps: %w", err)
	}
	longest := apply.DefaultRawRetention
	kept := make(map[int64]time.Duration, len(rows))
	for _, r := range rows {
		var app apply.App
		if err := json.Unmarshal([]byte(r.Definition), &app); err != nil {
			return nil, 0, fmt.Errorf("retention of app %d: %w", r.AppID, err)
		}
		d, err := app.Retention()
		if err != nil {
			return nil, 0, fmt.Errorf("retention of app %d: %w", r.AppID, err)
		}
		kept[r.AppID] = d
		longest = max(longest, d)
	}
	return kept, longest, nil
}

// deleteCopies deletes in small transactions, so that receiving never waits long.
func (s *Store) deleteCopies(ctx context.Context, where string, args ...any) (int64, error) {
	text := s.main.q(`DELETE FROM postback WHERE (app_id, received_at, id) IN (
		SELECT app_id, received_at, id FROM postback WHERE ` + where + ` LIMIT ?)`)
	var total int64
	for ctx.Err() == nil {
		res, err := s.main.w.ExecContext(ctx, text, append(args, deleteBatch)...)
		if err != nil {
			return total, fmt.Errorf("delete old copies: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("delete old copies: %w", err)
		}
		total += n
		if n < deleteBatch {
			return total, nil
		}
	}
	return total, ctx.Err()
}
