package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"skand/forward/reconcile"
	"skand/internal/nearest"
)

// ActReconcile is told of every upload that changes what stands.
const ActReconcile = "reconciliation.put"

// ErrNoReconciliation is returned for a day that the network has not reported.
var ErrNoReconciliation = errors.New("the network has not reported this day")

// Reconciliation is what a network reported of a day, in one revision.
type Reconciliation struct {
	AppID      int64           `json:"app_id"`
	NetworkID  string          `json:"network_id"`
	Day        string          `json:"day"`
	Revision   int64           `json:"revision"`
	UploadedAt time.Time       `json:"uploaded_at"`
	UploadedBy string          `json:"uploaded_by"`
	TimeZone   string          `json:"time_zone"`
	Currency   string          `json:"currency"`
	Source     string          `json:"source"`
	RowCount   int64           `json:"row_count"`
	Counted    int64           `json:"counted"`        // of all rows together
	Rows       []reconcile.Row `json:"rows,omitempty"` // nil in lists
}

// ReconciliationKept is what an upload did to one day.
type ReconciliationKept struct {
	Day      string `json:"day"`
	Action   string `json:"action"` // create, update, same
	Revision int64  `json:"revision"`
	RowCount int64  `json:"row_count"`
	Counted  int64  `json:"counted"`
}

type reconciliationRow struct {
	AppID      int64  `db:"app_id"`
	NetworkID  string `db:"network_id"`
	Day        int64  `db:"day"`
	Revision   int64  `db:"revision"`
	UploadedAt int64  `db:"uploaded_at"`
	UploadedBy string `db:"uploaded_by"`
	TimeZone   string `db:"time_zone"`
	Currency   string `db:"currency"`
	Source     string `db:"source"`
	LineCount  int64  `db:"line_count"`
	Counted    int64  `db:"counted"`
	Lines      string `db:"lines"`
}

const (
	reconciliationHead = `SELECT app_id, network_id, day, revision, uploaded_at, uploaded_by, time_zone, currency, source, line_count, counted`
	newestRevision     = ` AND revision = (SELECT MAX(x.revision) FROM reconciliation x
		WHERE x.app_id = r.app_id AND x.network_id = r.network_id AND x.day = r.day)`
)

func (r *reconciliationRow) open() (Reconciliation, error) {
	out := Reconciliation{
		AppID: r.AppID, NetworkID: r.NetworkID, Day: at(r.Day).Format(time.DateOnly), Revision: r.Revision, UploadedAt: at(r.UploadedAt),
		UploadedBy: r.UploadedBy, TimeZone: r.TimeZone, Currency: r.Currency, Source: r.Source, RowCount: r.LineCount, Counted: r.Counted,
	}
	if r.Lines == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(r.Lines), &out.Rows); err != nil {
		return out, fmt.Errorf("read reconciliation of %s on %s: %w", r.NetworkID, out.Day, err)
	}
	return out, nil
}

// PutReconciliations keeps what a network reported, each day as a new revision unless
// it says what stands, in one transaction: all days or none. dry keeps nothing. It
// returns ErrNoApp, or a *reconcile.Refused for a network that nobody has described
// and for days that have not begun anywhere.
func (s *Store) PutReconciliations(ctx context.Context, uploads []reconcile.Upload, dry bool) ([]ReconciliationKept, error) {
	out := make([]ReconciliationKept, 0, len(uploads))
	errDry := errors.New("dry run")
	err := s.main.in(ctx, func(t *tx) error {
		for _, u := range uploads {
			if err := needApp(ctx, u.AppID); err != nil {
				return err
			}
			kept, err := s.putReconciliation(ctx, t, u)
			if err != nil {
				return err
			}
			out = append(out, kept)
		}
		if dry {
			return errDry
		}
		return nil
	})
	var refused *reconcile.Refused
	switch {
	case err == nil, dry && errors.Is(err, errDry):
		return out, nil
	case errors.Is(err, ErrNoApp), errors.As(err, &refused):
		return nil, err
	}
	return nil, fmt.Errorf("keep reconciliation: %w", err)
}

func (s *Store) putReconciliation(ctx context.Context, t *tx, u reconcile.Upload) (ReconciliationKept, error) {
	kept := ReconciliationKept{Day: u.Day, Action: "create", RowCount: int64(len(u.Rows))}
	for _, r := range u.Rows {
		kept.Counted += r.Count
	}
	day, err := reconcile.ParseDay(u.Day, "day")
	if err != nil {
		return kept, err
	}
	if now := s.clock.Now(); day.After(now.Add(14 * time.Hour)) {
		return kept, &reconcile.Refused{Problems: []reconcile.Problem{{Field: "day", Code: "bad_value", Message: u.Day + " has not begun anywhere yet"}}}
	}
	if _, err := readAppState(ctx, t, u.AppID, t.forUpdate()); err != nil { // one upload of an app at a time
		return kept, err
	}
	if u.NetworkID, err = knownNetwork(ctx, t, u.AppID, u.NetworkID); err != nil {
		return kept, err
	}
	lines, err := json.Marshal(u.Rows)
	if err != nil {
		return kept, err
	}
	before, err := readReconciliation(ctx, t, u.AppID, u.NetworkID, day, 0)
	switch {
	case errors.Is(err, ErrNoReconciliation):
	case err != nil:
		return kept, err
	case before.Lines == string(lines) && before.TimeZone == u.TimeZone && before.Currency == u.Currency && before.Source == u.Source:
		kept.Action, kept.Revision = "same", before.Revision
		return kept, nil
	default:
		kept.Action = "update"
	}
	kept.Revision = before.Revision + 1
	const insert = `INSERT INTO reconciliation (app_id, network_id, day, revision, uploaded_at, uploaded_by, time_zone, currency, source, line_count, counted, lines)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	by, now := actor(ctx, "store"), s.clock.Now()
	_, err = t.ExecContext(ctx, t.q(insert), u.AppID, u.NetworkID, ms(day), kept.Revision, ms(now), by.Who, u.TimeZone, u.Currency, u.Source,
		kept.RowCount, kept.Counted, string(lines))
	if err != nil {
		return kept, err
	}
	return kept, audit(ctx, t, by, now, act{ActReconcile, u.AppID, "network " + u.NetworkID + ", " + u.Day, map[string]any{
		"revision": kept.Revision, "rows": kept.RowCount, "counted": kept.Counted, "source": u.Source,
		"before": map[string]any{"revision": before.Revision, "rows": before.LineCount, "counted": before.Counted},
	}})
}

// knownNetwork is the network's own id, also for an alias. A network is known once it
// is described, or a destination of the app is its.
func knownNetwork(ctx context.Context, t *tx, appID int64, id string) (string, error) {
	const text = `SELECT network_id FROM network UNION ALL SELECT alias FROM network_alias`
	var known []string
	if err := t.SelectContext(ctx, &known, text); err != nil {
		return "", err
	}
	dests, err := destinations(ctx, t, appID)
	if err != nil {
		return "", err
	}
	for _, d := range dests {
		if d.NetworkID != "" {
			known = append(known, d.NetworkID)
		}
	}
	for _, k := range known {
		if k == id {
			own, err := aliases(ctx, t)
			if err != nil {
				return "", err
			}
			if to, alias := own[id]; alias {
				return to, nil
			}
			return id, nil
		}
	}
	message := fmt.Sprintf("no network %s is known; describe it first (skand apply)", id)
	if best, edits := nearest.Name(id, known); best != "" && edits*3 <= len(best) {
		message = fmt.Sprintf("no network %s is known; did you mean %s?", id, best)
	}
	return "", &reconcile.Refused{Problems: []reconcile.Problem{{Field: "network", Code: "bad_value", Message: message}}}
}

// readReconciliation reads a revision; 0: the newest.
func readReconciliation(ctx context.Context, from reader, appID int64, network string, day time.Time, revision int64) (reconciliationRow, error) {
	text, args := reconciliationHead+`, lines FROM reconciliation r WHERE app_id = ? AND network_id = ? AND day = ?`, []any{appID, network, ms(day)}
	if revision > 0 {
		text, args = text+` AND revision = ?`, append(args, revision)
	}
	var row reconciliationRow
	err := getRow(ctx, from, &row, text+` ORDER BY revision DESC LIMIT 1`, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return row, ErrNoReconciliation
	}
	return row, err
}

// Reconciliation reads what a network reported of a day, in a revision or (0) as it
// stands, and the heads of all revisions, the newest first. ErrNoReconciliation.
func (s *Store) Reconciliation(ctx context.Context, appID int64, network, day string, revision int64) (Reconciliation, []Reconciliation, error) {
	date, err := reconcile.ParseDay(day, "day")
	if err != nil {
		return Reconciliation{}, nil, err
	}
	row, err := readReconciliation(ctx, s.main.r, appID, network, date, revision)
	if errors.Is(err, ErrNoReconciliation) {
		return Reconciliation{}, nil, err
	}
	if err != nil {
		return Reconciliation{}, nil, fmt.Errorf("read reconciliation: %w", err)
	}
	one, err := row.open()
	if err != nil {
		return one, nil, err
	}
	const text = reconciliationHead + ` FROM reconciliation r WHERE app_id = ? AND network_id = ? AND day = ? ORDER BY revision DESC`
	history, err := s.reconciliations(ctx, text, appID, network, ms(date))
	return one, history, err
}

func (s *Store) reconciliations(ctx context.Context, text string, args ...any) ([]Reconciliation, error) {
	var rows []reconciliationRow
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), args...); err != nil {
		return nil, fmt.Errorf("list reconciliations: %w", err)
	}
	out := make([]Reconciliation, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].open(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ReconciliationFilter picks reported days; zero members pick all. To is excluded.
type ReconciliationFilter struct {
	AppID     int64
	NetworkID string
	From, To  time.Time
}

// Reconciliations lists what stands, the newest day first, without rows.
func (s *Store) Reconciliations(ctx context.Context, f ReconciliationFilter, cursor string, limit int) ([]Reconciliation, string, error) {
	text, args := reconciliationHead+` FROM reconciliation r WHERE 1 = 1`+newestRevision+onlyGranted(ctx, "app_id"), []any{}
	only := func(condition string, values ...any) {
		text, args = text+` AND `+condition, append(args, values...)
	}
	if f.AppID != 0 {
		only(`app_id = ?`, f.AppID)
	}
	if f.NetworkID != "" {
		only(`network_id = ?`, f.NetworkID)
	}
	if !f.From.IsZero() {
		only(`day >= ?`, ms(f.From))
	}
	if !f.To.IsZero() {
		only(`day < ?`, ms(f.To))
	}
	if cursor != "" {
		parts := strings.SplitN(cursor, ".", 3)
		if len(parts) != 3 || !fitsText(parts[2]) {
			return nil, "", ErrCursor
		}
		day, wrongDay := strconv.ParseInt(parts[0], 10, 64)
		app, wrongApp := strconv.ParseInt(parts[1], 10, 64)
		if wrongDay != nil || wrongApp != nil {
			return nil, "", ErrCursor
		}
		only(`(day, app_id, network_id) < (?, ?, ?)`, day, app, parts[2])
	}
	all, err := s.reconciliations(ctx, text+` ORDER BY day DESC, app_id DESC, network_id DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	all, next := page(all, limit, func(r Reconciliation) string {
		day, _ := time.Parse(time.DateOnly, r.Day) // as open wrote it
		return fmt.Sprintf("%d.%d.%s", ms(day), r.AppID, r.NetworkID)
	})
	return all, next, nil
}
