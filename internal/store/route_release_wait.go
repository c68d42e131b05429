package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/aggregate"
	"skand/forward"
)

// ModelPatience is how long the measures of a window wait for their model before they
// are told as observed. The model runs every few minutes, so two days are hundreds of
// failed runs in a row; what expires counts from when it is told, so nothing is lost
// while it waits.
const ModelPatience = 48 * time.Hour

// AwaitModels says that a model will follow every release of counts, so that what the
// installs did is told as it estimates them, and how long that may be waited for. Zero:
// no model comes, and nothing waits.
func (s *Store) AwaitModels(patience time.Duration) { s.patience = patience }

const overdueSQL = `SELECT release_id FROM release_ledger
WHERE told = 'waits' AND sealed_at <= ? AND state = 'published' ORDER BY sealed_at, release_id`

// TellWaiting tells, as observed, what has waited too long for its model, and says of
// how many windows. It goes on past one window's failure and returns all errors joined.
func (s *Store) TellWaiting(ctx context.Context) (int, error) {
	var ids []string
	err := s.main.r.SelectContext(ctx, &ids, s.main.q(overdueSQL), ms(s.clock.Now().Add(-s.patience)))
	if err != nil {
		return 0, fmt.Errorf("list windows that wait for a model: %w", err)
	}
	done := 0
	var errs []error
	for _, id := range ids {
		told, err := s.tellObserved(ctx, id)
		if err != nil {
			errs = append(errs, fmt.Errorf("tell the observed figures of %s: %w", id, err))
		}
		if told {
			done++
		}
	}
	return done, errors.Join(errs...)
}

// tellObserved tells the measures of one base release by its newest decode. It reports
// false where somebody else has told them meanwhile.
func (s *Store) tellObserved(ctx context.Context, baseID string) (bool, error) {
	counts, err := s.Base(ctx, baseID)
	if err != nil {
		return false, err
	}
	again, found, err := s.redecodeOf(ctx, counts)
	if err != nil {
		return false, err
	}
	if found {
		counts = again
	}
	told := false
	err = s.main.in(ctx, func(t *tx) error {
		told = false
		w, err := windowTold(ctx, t, counts)
		if err != nil || w.told != toldWaits {
			return err
		}
		told = true
		if err := setTold(ctx, t, counts, toldObserved); err != nil {
			return err
		}
		return s.enqueueFigures(ctx, t, counts, func(names forward.CampaignNames) []forward.Conversion {
			return forward.FromRelease(counts, names, forward.Telling{Part: forward.PartMeasures, At: s.clock.Now()})
		})
	})
	return told && err == nil, err
}

// redecodeOf reads back the published redecode of a base release's window.
func (s *Store) redecodeOf(ctx context.Context, base aggregate.Release) (r aggregate.Release, found bool, err error) {
	id := aggregate.ReleaseID(base.Dataset, base.Window, base.View, aggregate.ReleaseRedecode, 0)
	var line struct {
		State   string `db:"state"`
		Release string `db:"release"`
	}
	err = getRow(ctx, s.main.r, &line, ledgerLineSQL, id)
	if errors.Is(err, sql.ErrNoRows) || err == nil && line.State != aggregate.StatePublished {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read release %s of the ledger: %w", id, err)
	}
	if err := json.Unmarshal([]byte(line.Release), &r); err != nil {
		return r, false, fmt.Errorf("read release %s of the ledger: %w", id, err)
	}
	return r, true, s.readPublished(ctx, &r)
}
