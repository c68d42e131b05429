package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// ConsentedTable is a published table of the consented side, or of both sides, as an
// answer has it.
type ConsentedTable struct {
	Name    string // of the published table
	Columns []Column
	order   []string // of its lines within a release
}

// ConsentedTables are those that can be asked for. Columns that only the ledger has
// stand behind the release.
var ConsentedTables = []ConsentedTable{
	{"deterministic_cohort", columnsOf(deterministicColumns), []string{"row_id"}},
	{"deterministic_event", columnsOf(withWindow(doneColumns)), []string{"network_id", "source_2", "id_kind", "event_name"}},
	{"funnel", columnsOf(withWindow(funnelColumns)), []string{"network_id", "source_2", "id_kind", "funnel", "stage"}},
	{"combined", columnsOf(combinedColumns), []string{"row_id"}},
}

func withWindow(columns []column) []column {
	out := []column{columns[0], {"app_id", "bigint"}, {"window_start", "timestamptz"}, {"window_end", "timestamptz"}}
	return append(out, columns[1:]...)
}

func columnsOf(columns []column) []Column {
	kinds := map[string]ColumnType{"text": Text, "bigint": Number, "numeric": Money, "timestamptz": Time}
	out := make([]Column, len(columns))
	for i, c := range columns {
		out[i] = Column{c.name, kinds[c.kind]}
	}
	return out
}

// Consented streams the lines of a table that the look's app, times and network select,
// in the order of app, window, release and place. The values are each's to read until
// it returns.
func (l *CohortLook) Consented(ctx context.Context, t ConsentedTable, each func([]any) error) error {
	w := l.whereConsented()
	if l.f.NetworkID != "" {
		w.and("t.network_id = ?", l.f.NetworkID)
	}
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = "t." + c.Name
		if c.Name == "app_id" || c.Name == "window_start" || c.Name == "window_end" {
			columns[i] = "r." + c.Name
		}
	}
	order := []string{"r.app_id", "r.window_start", l.d.byBytes("r.release_id")}
	for _, name := range t.order {
		if name == "funnel" || name == "stage" {
			order = append(order, "t."+name)
			continue
		}
		order = append(order, l.d.byBytes("COALESCE(t."+name+", '')"))
	}
	text := `SELECT ` + strings.Join(columns, ", ") + ` FROM ` + l.d.table(t.Name) + ` t JOIN ` + l.d.table("release") +
		` r ON r.release_id = t.release_id` + w.String() + ` ORDER BY ` + strings.Join(order, ", ")
	return l.values(ctx, t.Columns, text, w.args, each)
}

// ConsentedReleases streams the lines of the public ledger that such lines are from.
func (l *CohortLook) ConsentedReleases(ctx context.Context, t ConsentedTable, each func(*Release) error) error {
	w := l.whereConsented()
	w.and(`EXISTS (SELECT 1 FROM ` + l.d.table(t.Name) + ` t WHERE t.release_id = r.release_id)`)
	text := `SELECT r.` + strings.ReplaceAll(releaseColumns, ", ", ", r.") + ` FROM ` + l.d.table("release") + ` r` + w.String() +
		` ORDER BY r.app_id, r.window_start, ` + l.d.byBytes("r.release_id")
	return l.query(ctx, text, w.args, func(rows *sqlx.Rows) error {
		var r Release
		if err := rows.Scan(&r.ID, &r.AppID, &r.Dataset, &r.Kind, &r.WindowStart, &r.WindowEnd, &r.K, &r.B,
			&r.SchemaVersions, &r.ModelVersion, &r.Lab, &r.SealedAt); err != nil {
			return fmt.Errorf("read release: %w", err)
		}
		return each(&r)
	})
}

func (l *CohortLook) whereConsented() *conditions {
	w := &conditions{}
	if l.f.AppID != 0 {
		w.and("r.app_id = ?", l.f.AppID)
	}
	if !l.f.From.IsZero() {
		w.and("r.window_start >= ?", l.d.stamp(l.f.From))
	}
	if !l.f.To.IsZero() {
		w.and("r.window_start < ?", l.d.stamp(l.f.To))
	}
	return w
}
