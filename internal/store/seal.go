package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
)

// What can be sealed: rows that are decoded, of an app that is registered (its
// settings say how), and of a kind that is ever published. Rows that still wait
// to be decoded are late rows of the next window, never lost.
const sealable = `sealed_in IS NULL AND decoded_at IS NOT NULL AND kind IN ('install', 'reengagement', 'qualifier')`

// A look-up per app and dataset it may have, in the index of what is open. DISTINCT
// over the open rows would read all of them at every run, and joined with the apps,
// once an app. The subquery is a value, so that it can't be made a join.
const openDatasetsSQL = `
SELECT a.app_id, i.sequence_index, k.kind, e.environment
FROM app a
  CROSS JOIN (SELECT 0 AS sequence_index UNION ALL SELECT 1 UNION ALL SELECT 2) AS i
  CROSS JOIN (SELECT 'install' AS kind UNION ALL SELECT 'reengagement' UNION ALL SELECT 'qualifier') AS k
  CROSS JOIN (SELECT 'production' AS environment UNION ALL SELECT 'development') AS e
WHERE (e.environment <> 'development' OR a.trust_development)
  AND (SELECT MIN(c.counted_at) FROM counted_postback c
    WHERE c.app_id = a.app_id AND c.environment = e.environment AND c.kind = k.kind
      AND c.sequence_index = i.sequence_index AND c.sealed_in IS NULL AND c.decoded_at IS NOT NULL) IS NOT NULL
ORDER BY a.app_id, i.sequence_index, k.kind, e.environment`

type datasetRow struct {
	AppID       int64  `db:"app_id"`
	Index       int    `db:"sequence_index"`
	Kind        string `db:"kind"`
	Environment string `db:"environment"`
}

func (r datasetRow) dataset() aggregate.Dataset {
	return aggregate.Dataset{AppID: r.AppID, SequenceIndex: r.Index, Kind: r.Kind, Environment: r.Environment}
}

// Open implements aggregate.SealStore.
func (s *Store) Open(ctx context.Context) ([]aggregate.Open, error) {
	var open []aggregate.Open
	err := s.main.in(ctx, func(t *tx) error {
		var rows []datasetRow
		if err := t.SelectContext(ctx, &rows, openDatasetsSQL); err != nil {
			return fmt.Errorf("list open datasets: %w", err)
		}
		for _, r := range rows {
			o := aggregate.Open{Dataset: r.dataset(), Lab: s.lab}
			var err error
			if o.History, err = settingsHistory(ctx, t, r.AppID); err != nil {
				return err
			}
			if err := ledgerEnds(ctx, t, &o); err != nil {
				return err
			}
			open = append(open, o)
		}
		return nil
	})
	return open, err
}

const ledgerEndSQL = `
SELECT COALESCE(MAX(window_end), 0) FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND view = ? AND release_kind = 'base'`

const carriedFromSQL = `
SELECT window_start FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND view = ? AND release_kind = 'base'
  AND state = 'carried' AND window_start > COALESCE((SELECT MAX(p.window_start) FROM release_ledger p
    WHERE p.app_id = ? AND p.sequence_index = ? AND p.kind = ? AND p.environment = ? AND p.view = ?
      AND p.release_kind = 'base' AND p.state <> 'carried'), -1)
ORDER BY window_start`

func key(d aggregate.Dataset) []any {
	return []any{d.AppID, d.SequenceIndex, d.Kind, d.Environment}
}

func ledgerEnds(ctx context.Context, t *tx, o *aggregate.Open) error {
	return ledgerEndsOf(ctx, t, aggregate.ViewCohort, o)
}

func ledgerEndsOf(ctx context.Context, t *tx, view string, o *aggregate.Open) error {
	var end int64
	var carried []int64
	of := append(key(o.Dataset), view)
	if err := t.GetContext(ctx, &end, t.q(ledgerEndSQL), of...); err != nil {
		return fmt.Errorf("last sealed window of %s: %w", o.Dataset, err)
	}
	err := t.SelectContext(ctx, &carried, t.q(carriedFromSQL), append(of, of...)...)
	if err != nil {
		return fmt.Errorf("carried windows of %s: %w", o.Dataset, err)
	}
	if end > 0 {
		o.LastEnd = at(end)
	}
	for _, start := range carried {
		o.CarriedStarts = append(o.CarriedStarts, at(start))
	}
	return nil
}

const nextCountedSQL = `
SELECT MIN(counted_at) FROM counted_postback
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND counted_at >= ? AND ` + sealable

// NextCounted implements aggregate.SealStore.
func (s *Store) NextCounted(ctx context.Context, d aggregate.Dataset, from time.Time) (time.Time, bool, error) {
	var next sql.NullInt64
	err := s.main.r.GetContext(ctx, &next, s.main.q(nextCountedSQL), append(key(d), since(from))...)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("next counted row of %s: %w", d, err)
	}
	return at(next.Int64), next.Valid, nil
}

// since is the lower bound of a window; the zero time is none.
func since(t time.Time) int64 {
	if t.IsZero() {
		return -1 << 62
	}
	return ms(t)
}

const insertReleaseSQL = `
INSERT INTO release_ledger (app_id, release_id, sequence_index, kind, environment, window_start, window_end,
  view, release_kind, model_version, state, installs, carried, sealed_at, release, payload)
VALUES (:app_id, :release_id, :sequence_index, :kind, :environment, :window_start, :window_end,
  :view, :release_kind, :model_version, :state, :installs, :carried, :sealed_at, :release, :payload)
ON CONFLICT DO NOTHING RETURNING release_id`

const sealRowsSQL = `
UPDATE counted_postback SET sealed_in = ?
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND counted_at >= ? AND counted_at < ? AND ` + sealable

// Prepare implements aggregate.SealStore.
func (s *Store) Prepare(ctx context.Context, r aggregate.Release) error {
	return s.main.in(ctx, func(t *tx) error {
		if err := stillDescribed(ctx, t, r.Dataset.AppID); err != nil {
			return err
		}
		if err := insertRelease(ctx, t, r); err != nil {
			return err
		}
		if r.State == aggregate.StateCarried {
			return nil
		}
		if err := chargeCrossings(ctx, t, r); err != nil {
			return err
		}
		if err := lockCounted(ctx, t, r); err != nil {
			return err
		}
		b, err := groupCounted(ctx, t, r.Dataset, r.Taken)
		if err != nil {
			return err
		}
		digest, err := digestAgain(ctx, t, r, b)
		if err != nil {
			return err
		}
		if digest != r.Digest {
			return aggregate.ErrRowsChanged
		}
		args := append(append([]any{r.ID}, key(r.Dataset)...), since(r.Taken.Start), ms(r.Taken.End))
		res, err := t.ExecContext(ctx, t.q(sealRowsSQL), args...)
		if err != nil {
			return fmt.Errorf("mark sealed rows: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return fmt.Errorf("mark sealed rows: %w", err)
		}
		if n != int64(b.Installs()) {
			return aggregate.ErrRowsChanged
		}
		return s.enqueueRelease(ctx, t, r)
	})
}

// lockCounted keeps the rows from changing between the check and the mark; new
// rows may still come and stay out, for the mark is counted.
func lockCounted(ctx context.Context, t *tx, r aggregate.Release) error {
	if t.dialect == sqlite {
		return nil
	}
	const text = `SELECT COUNT(*) FROM (SELECT 1 FROM counted_postback
		WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND counted_at >= ? AND counted_at < ? AND ` +
		sealable + ` ORDER BY first_seen, identity FOR UPDATE) AS locked` // the receiver's order, or the two could deadlock
	var n int
	err := t.GetContext(ctx, &n, t.q(text), append(key(r.Dataset), since(r.Taken.Start), ms(r.Taken.End))...)
	if err != nil {
		return fmt.Errorf("lock counted rows: %w", err)
	}
	return nil
}

func insertRelease(ctx context.Context, t *tx, r aggregate.Release) error {
	summary, err := json.Marshal(r.Line())
	if err != nil {
		return fmt.Errorf("write release %s: %w", r.ID, err)
	}
	payload, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write release %s: %w", r.ID, err)
	}
	var kept any
	if r.State == aggregate.StatePrepared {
		kept = string(payload)
	}
	d := r.Dataset
	text, args, err := sqlx.Named(insertReleaseSQL, map[string]any{
		"app_id": d.AppID, "release_id": r.ID, "sequence_index": d.SequenceIndex, "kind": d.Kind,
		"environment": d.Environment, "window_start": ms(r.Window.Start), "window_end": ms(r.Window.End),
		"view": r.View, "release_kind": r.Kind, "model_version": r.ModelVersion, "state": r.State,
		"installs": r.Installs, "carried": r.Carried, "sealed_at": ms(r.SealedAt),
		"release": string(summary), "payload": kept,
	})
	if err != nil {
		return fmt.Errorf("write release %s: %w", r.ID, err)
	}
	var id string
	err = t.GetContext(ctx, &id, t.q(text), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return inTheWay(ctx, t, r)
	}
	if err != nil {
		return fmt.Errorf("write release %s to the ledger: %w", r.ID, err)
	}
	return nil
}

const inTheWaySQL = `
SELECT release_id, state FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND window_start = ? AND view = ?
  AND release_kind = ? AND model_version = ?`

func inTheWay(ctx context.Context, t *tx, r aggregate.Release) error {
	var row struct {
		ID    string `db:"release_id"`
		State string `db:"state"`
	}
	err := t.GetContext(ctx, &row, t.q(inTheWaySQL),
		append(key(r.Dataset), ms(r.Window.Start), r.View, r.Kind, r.ModelVersion)...)
	if err != nil {
		return fmt.Errorf("release %s is refused, and what is in its way can't be read: %w", r.ID, err)
	}
	return &aggregate.InTheWayError{Release: r.ID, Window: r.Window, InTheWay: row.ID, State: row.State}
}

// Pending implements aggregate.SealStore.
func (s *Store) Pending(ctx context.Context) ([]aggregate.Release, error) {
	const text = `SELECT payload FROM release_ledger WHERE state = 'prepared' ORDER BY window_start, release_id`
	var payloads []string
	if err := s.main.r.SelectContext(ctx, &payloads, text); err != nil {
		return nil, fmt.Errorf("list prepared releases: %w", err)
	}
	releases := make([]aggregate.Release, len(payloads))
	for i, p := range payloads {
		if err := json.Unmarshal([]byte(p), &releases[i]); err != nil {
			return nil, fmt.Errorf("read prepared release: %w", err)
		}
	}
	return releases, nil
}

// MarkPublished implements aggregate.SealStore.
func (s *Store) MarkPublished(ctx context.Context, releaseID string) error {
	const text = `UPDATE release_ledger SET state = 'published', published_at = ?, payload = NULL
		WHERE release_id = ? AND state = 'prepared'`
	_, err := s.main.w.ExecContext(ctx, s.main.q(text), ms(s.clock.Now()), releaseID)
	if err != nil {
		return fmt.Errorf("mark release %s published: %w", releaseID, err)
	}
	return nil
}
