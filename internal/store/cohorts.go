package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
)

// CohortFilter selects published rows; zero members select everything. For a
// network's own reader it would also say what aggregate.Row.ForNetworkReader says.
type CohortFilter struct {
	AppID       int64
	From, To    time.Time // of window_start, To excluded
	Index       *int
	Kind        string
	Environment string
	Level       string
	NetworkID   string
}

// CohortLook is one look at the published store: the releases, rows and sums that
// it gives are those of one moment, whatever is published meanwhile. Of a window
// that was decoded again it sees the newest decode only, as no install may be in
// two rows. It touches the published store and nothing else. One goroutine uses it
// at a time, and closes it.
type CohortLook struct {
	tx *sqlx.Tx
	d  *db
	f  CohortFilter
}

// LookAtCohorts opens a look at what f selects.
func (s *Store) LookAtCohorts(ctx context.Context, f CohortFilter) (*CohortLook, error) {
	if err := needApp(ctx, f.AppID); err != nil {
		return nil, err
	}
	var opts *sql.TxOptions // SQLite: a reading transaction is a snapshot already
	if s.pub.dialect == postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := s.pub.r.BeginTxx(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("look at cohorts: %w", err)
	}
	return &CohortLook{tx: tx, d: s.pub, f: f}, nil
}

// Close ends the look.
func (l *CohortLook) Close() error { return ignoreDone(l.tx.Rollback()) }

// Cohorts streams published rows in the order of app, window, release and row.
func (s *Store) Cohorts(ctx context.Context, f CohortFilter, each func(*Cohort) error) (err error) {
	l, err := s.LookAtCohorts(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	text, args := l.rowsQuery(nil, 0)
	return l.query(ctx, text, args, func(rows *sqlx.Rows) error {
		var c Cohort
		if err := rows.StructScan(&c); err != nil {
			return fmt.Errorf("read cohort: %w", err)
		}
		return each(&c)
	})
}

// Rows streams published rows as CohortTable has them, in the order of app, window,
// release and row: those behind a place, or from the first; limit 0 is all. The
// values are each's to read until it returns.
func (l *CohortLook) Rows(ctx context.Context, after *CohortPlace, limit int, each func([]any) error) error {
	text, args := l.rowsQuery(after, limit)
	return l.values(ctx, cohortTable, text, args, each)
}

func (l *CohortLook) rowsQuery(after *CohortPlace, limit int) (string, []any) {
	w := l.f.where(l.d)
	w.decodedLast(l.d, l.f.AppID)
	if after != nil {
		w.and(`(app_id, window_start, `+l.d.byBytes("release_id")+`, `+l.d.byBytes("row_id")+`) > (?, ?, ?, ?)`,
			after.AppID, l.d.stamp(after.WindowStart), after.ReleaseID, after.RowID)
	}
	text := `SELECT ` + strings.Join(CohortColumns(), ", ") + ` FROM ` + l.d.table("cohort") + w.String() +
		` ORDER BY app_id, window_start, ` + l.d.byBytes("release_id") + `, ` + l.d.byBytes("row_id")
	if limit > 0 {
		text += ` LIMIT ?`
		w.args = append(w.args, limit)
	}
	return text, w.args
}

// conditions are the parts of a WHERE that all have to hold.
type conditions struct {
	parts []string
	args  []any
}

func (w *conditions) and(part string, args ...any) {
	w.parts = append(w.parts, part)
	w.args = append(w.args, args...)
}

func (w *conditions) String() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}

// where is the filter on cohort.
func (f CohortFilter) where(d *db) *conditions {
	w := f.whereRelease(d)
	for _, e := range []struct{ column, value string }{{"level", f.Level}, {"network_id", f.NetworkID}} {
		if e.value != "" {
			w.and(e.column+" = ?", e.value)
		}
	}
	return w
}

// whereRelease is what of the filter release and cohort have both.
func (f CohortFilter) whereRelease(d *db) *conditions {
	w := &conditions{}
	if f.Kind == "" {
		w.and(ofPostbacks)
	}
	if f.AppID != 0 {
		w.and("app_id = ?", f.AppID)
	}
	if !f.From.IsZero() {
		w.and("window_start >= ?", d.stamp(f.From))
	}
	if !f.To.IsZero() {
		w.and("window_start < ?", d.stamp(f.To))
	}
	if f.Index != nil {
		w.and("sequence_index = ?", *f.Index)
	}
	for _, e := range []struct{ column, value string }{{"conversion_kind", f.Kind}, {"environment", f.Environment}} {
		if e.value != "" {
			w.and(e.column+" = ?", e.value)
		}
	}
	return w
}

// decodedLast leaves out base releases whose window was decoded again: the redecode
// holds the same installs, and a sum over both would count them twice. The few
// redecodes are looked at first (CROSS JOIN tells SQLite), by their own index.
func (w *conditions) decodedLast(d *db, appID int64) {
	text, args := "", []any(nil)
	if appID != 0 {
		text, args = " AND n.app_id = ?", append(args, appID)
	}
	release := d.table("release")
	w.and(`release_id NOT IN (SELECT o.release_id FROM `+release+` n CROSS JOIN `+release+` o
		WHERE n.kind = '`+aggregate.ReleaseRedecode+`'`+text+` AND o.kind = '`+aggregate.ReleaseBase+`'
		AND o.app_id = n.app_id AND o.dataset = n.dataset AND o.window_end = n.window_end)`, args...)
}
