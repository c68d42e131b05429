package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/internal/apply"
)

// What the consented side keeps beyond its use: a click may still lead to an install
// for the longest window, and a month more for reports that come late; of what is
// settled, whom and when stays for the log, and what it carried goes.
const (
	clickGrace    = 30 * 24 * time.Hour
	settledFields = 30 * 24 * time.Hour
)

const retainBatch = 500

// retainConsented deletes clicks that led to nothing, installs with all that is
// theirs, events and consents whose install never came, and empties deliveries. It
// goes on past one failure.
func (s *Store) retainConsented(ctx context.Context) (int64, error) {
	now := s.clock.Now()
	longest, err := s.longestWindow(ctx)
	if err != nil {
		return 0, err
	}
	apps, err := s.consentedApps(ctx)
	if err != nil {
		return 0, err
	}
	var total int64
	var errs []error
	add := func(n int64, err error) {
		total += n
		errs = append(errs, err)
	}
	for _, app := range apps {
		keeps, err := s.keepsConsented(ctx, app)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		clicks, rest := ms(now.Add(-longest-clickGrace)), ms(now.Add(-keeps))
		add(s.deleteSome(ctx, "click", `SELECT id FROM click WHERE app_id = ? AND received_at < ? AND used_by IS NULL`, app, clicks))
		add(s.deleteInstalls(ctx, app, rest))
		for _, table := range []string{"event", "consent_change"} {
			add(s.deleteSome(ctx, table, `SELECT x.id FROM `+table+` x WHERE x.app_id = ? AND x.received_at < ? AND NOT EXISTS (
				SELECT 1 FROM install i WHERE i.app_id = x.app_id AND i.id = x.install_id)`, app, rest))
		}
	}
	settled := ms(now.Add(-settledFields))
	_, err = s.inBatches(ctx, "empty old deliveries", `UPDATE outbox SET fields = '' WHERE (app_id, id) IN (
		SELECT app_id, id FROM outbox WHERE settled_at < ? AND fields <> '' AND NOT `+waiting+` LIMIT ?)`, settled)
	errs = append(errs, err)
	_, err = s.inBatches(ctx, "empty old answers", `UPDATE delivery_attempt SET answer = '' WHERE (app_id, delivery_id, attempt) IN (
		SELECT app_id, delivery_id, attempt FROM delivery_attempt WHERE attempted_at < ? AND answer <> '' LIMIT ?)`, settled)
	errs = append(errs, err)
	return total, errors.Join(errs...)
}

// longestWindow is the longest of any network, the default included.
func (s *Store) longestWindow(ctx context.Context) (time.Duration, error) {
	var definitions []string
	if err := s.main.r.SelectContext(ctx, &definitions, `SELECT definition FROM network`); err != nil {
		return 0, fmt.Errorf("windows of networks: %w", err)
	}
	longest := apply.DefaultClickWindow
	for _, text := range definitions {
		var n apply.NetworkConsented
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return 0, fmt.Errorf("windows of networks: %w", err)
		}
		click, view, err := n.Windows()
		if err != nil {
			return 0, fmt.Errorf("windows of networks: %w", err)
		}
		longest = max(longest, click, view)
	}
	return longest, nil
}

// consentedApps are those with rows, described or not.
func (s *Store) consentedApps(ctx context.Context) (apps []int64, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		apps, err = appsOfPeople(ctx, t)
		return err
	})
	return apps, err
}

func (s *Store) keepsConsented(ctx context.Context, app int64) (keeps time.Duration, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		rules, err := newLedger(s, t).Rules(ctx, app)
		if err == nil {
			keeps = rules.Keeps
		}
		return err
	})
	return keeps, err
}

// inBatches runs a statement whose last argument is how much it may touch, until it
// touches less: what is being received never waits long.
func (s *Store) inBatches(ctx context.Context, what, text string, args ...any) (int64, error) {
	var total int64
	for ctx.Err() == nil {
		res, err := s.main.w.ExecContext(ctx, s.main.q(text), append(args, retainBatch)...)
		if err != nil {
			return total, fmt.Errorf("%s: %w", what, err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("%s: %w", what, err)
		}
		total += n
		if n < retainBatch {
			return total, nil
		}
	}
	return total, ctx.Err()
}

// deleteSome deletes the rows of an app that a query picks.
func (s *Store) deleteSome(ctx context.Context, table, pick string, app, before int64) (int64, error) {
	text := `DELETE FROM ` + table + ` WHERE app_id = ? AND id IN (` + pick + ` LIMIT ?)`
	return s.inBatches(ctx, "delete old rows of "+table, text, app, app, before)
}

// deleteInstalls deletes old installs with their events, consents and clicks.
func (s *Store) deleteInstalls(ctx context.Context, app, before int64) (int64, error) {
	var total int64
	for ctx.Err() == nil {
		var ids []string
		err := s.main.in(ctx, func(t *tx) error {
			if err := holdApps(ctx, t, []int64{app}, true); err != nil {
				return err
			}
			const pick = `SELECT id FROM install WHERE app_id = ? AND received_at < ? ORDER BY received_at LIMIT ?`
			if err := t.SelectContext(ctx, &ids, t.q(pick), app, before, retainBatch); err != nil {
				return err
			}
			for _, id := range ids {
				for _, text := range []string{
					`DELETE FROM event WHERE app_id = ? AND install_id = ?`, `DELETE FROM consent_change WHERE app_id = ? AND install_id = ?`,
					`DELETE FROM click WHERE app_id = ? AND used_by = ?`, `DELETE FROM install WHERE app_id = ? AND id = ?`,
				} {
					if _, err := t.ExecContext(ctx, t.q(text), app, id); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return total, fmt.Errorf("delete old installs: %w", err)
		}
		total += int64(len(ids))
		if len(ids) < retainBatch {
			return total, nil
		}
	}
	return total, ctx.Err()
}
