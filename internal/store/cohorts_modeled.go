package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
)

// ModeledPick is what of modelled numbers a reader asks for, beside the filter of the
// look that gives them.
type ModeledPick struct {
	Metric    string // payers, revenue, event; "": all
	EventName string
}

// modelNumbers are the columns that all modelled numbers have. Amounts and counts are
// decimals: a count is published to a tenth.
var modelNumbers = []Column{
	{"metric", Text}, {"event_name", Text}, {"signal", Text}, {"estimate", Money}, {"low", Money}, {"high", Money},
	{"interval", Money}, {"currency", Text}, {"model_version", Number},
}

// ModeledTable are the columns of modelled rows: of the published row, then its number.
func ModeledTable() []Column {
	return append([]Column{
		{"release_id", Text}, {"row_id", Text}, {"app_id", Number}, {"sequence_index", Number}, {"conversion_kind", Text},
		{"environment", Text}, {"window_start", Time}, {"window_end", Time}, {"network_id", Text}, {"id_kind", Text},
		{"source_2", Text}, {"source_3", Text}, {"source_4", Text}, {"level", Text}, {"installs", Number},
	}, modelNumbers...)
}

// newestModel is a condition on releases of the model that leaves out those that a later
// version stands beside.
func newestModel(d *db) string {
	release := d.table("release")
	return `kind = '` + aggregate.ReleaseModel + `' AND release_id NOT IN (SELECT o.release_id FROM ` + release + ` n CROSS JOIN ` + release + ` o
		WHERE n.kind = '` + aggregate.ReleaseModel + `' AND n.model_version > 1 AND o.kind = n.kind AND o.app_id = n.app_id
		AND o.window_start = n.window_start AND o.dataset = n.dataset AND o.window_end = n.window_end AND o.model_version < n.model_version)`
}

// models are the newest releases of the model in the look's range, as a subquery.
func (l *CohortLook) models() (string, []any) {
	w := l.f.whereRelease(l.d)
	w.and(newestModel(l.d))
	return `(SELECT release_id FROM ` + l.d.table("release") + w.String() + `)`, w.args
}

// baseOf is the base release's id in that of a model: a release id has no text of a
// network in it.
const baseOf = `REPLACE(m.release_id, '.model.' || CAST(m.model_version AS TEXT), '.base.0')`

// Modeled streams modelled rows as ModeledTable has them, by app, window, release, row,
// metric and event: of each window the newest version of the model. Skip and limit count
// lines; limit 0 is all.
func (l *CohortLook) Modeled(ctx context.Context, f ModeledPick, skip, limit int, each func([]any) error) error {
	table := ModeledTable()
	terms := make([]string, len(table))
	for i, c := range table {
		terms[i] = "c." + c.Name
		if c.Name == "release_id" || c.Name == "row_id" || i >= len(table)-len(modelNumbers) {
			terms[i] = "m." + c.Name
		}
	}
	models, args := l.models()
	w := &conditions{}
	w.and(`m.release_id IN `+models, args...)
	for _, e := range []struct{ column, value string }{
		{"c.level", l.f.Level}, {"c.network_id", l.f.NetworkID}, {"m.metric", f.Metric}, {"m.event_name", f.EventName},
	} {
		if e.value != "" {
			w.and(e.column+" = ?", e.value)
		}
	}
	text := `SELECT ` + strings.Join(terms, ", ") + ` FROM ` + l.d.table("cohort_modeled") + ` m JOIN ` + l.d.table("cohort") +
		` c ON c.release_id = ` + baseOf + ` AND c.row_id = m.row_id` + w.String() +
		` ORDER BY c.app_id, c.window_start, ` + l.d.byBytes("m.release_id") + `, ` + l.d.byBytes("m.row_id") + `, ` +
		metricOrder("m.metric") + `, ` + l.d.byBytes("m.event_name")
	if limit > 0 {
		text += ` LIMIT ? OFFSET ?`
		w.args = append(w.args, limit, skip)
	}
	return l.values(ctx, table, text, w.args, each)
}

func metricOrder(column string) string {
	return `CASE ` + column + ` WHEN '` + aggregate.MetricNamePayers + `' THEN 0 WHEN '` + aggregate.MetricNameRevenue + `' THEN 1 ELSE 2 END`
}

// ModelReleases streams the lines of the public ledger that modelled answers are from.
func (l *CohortLook) ModelReleases(ctx context.Context, each func(*Release) error) error {
	w := l.f.whereRelease(l.d)
	w.and(newestModel(l.d))
	text := `SELECT ` + releaseColumns + ` FROM ` + l.d.table("release") + w.String() +
		` ORDER BY app_id, window_start, ` + l.d.byBytes("release_id")
	return l.releases(ctx, text, w.args, each)
}

// ModelCheckTable are the columns of back-tests.
func ModelCheckTable() []Column {
	return []Column{
		{"release_id", Text}, {"app_id", Number}, {"sequence_index", Number}, {"conversion_kind", Text}, {"environment", Text},
		{"window_start", Time}, {"window_end", Time}, {"model_version", Number},
		{"test", Text}, {"level", Text}, {"metric", Text}, {"event_name", Text}, {"hidden", Number}, {"intervals", Number}, {"covered", Number},
		{"truths_below", Number}, {"truths_above", Number}, {"coverage", Money}, {"error", Money}, {"bias", Money}, {"interval", Money}, {"note", Text},
	}
}

// ModelChecks streams the back-tests that stand beside modelled numbers. Skip and limit
// count lines; limit 0 is all.
func (l *CohortLook) ModelChecks(ctx context.Context, f ModeledPick, skip, limit int, each func([]any) error) error {
	table := ModelCheckTable()
	terms := make([]string, len(table))
	for i, c := range table {
		terms[i] = "r." + c.Name
		if i >= 8 || c.Name == "release_id" {
			terms[i] = "m." + c.Name
		}
	}
	models, args := l.models()
	w := &conditions{}
	w.and(`m.release_id IN `+models, args...)
	for _, e := range []struct{ column, value string }{{"m.level", l.f.Level}, {"m.metric", f.Metric}, {"m.event_name", f.EventName}} {
		if e.value != "" {
			w.and(e.column+" = ?", e.value)
		}
	}
	text := `SELECT ` + strings.Join(terms, ", ") + ` FROM ` + l.d.table("model_check") + ` m JOIN ` + l.d.table("release") +
		` r ON r.release_id = m.release_id` + w.String() + ` ORDER BY r.app_id, r.window_start, ` + l.d.byBytes("m.release_id") +
		`, m.test, m.level, ` + metricOrder("m.metric") + `, ` + l.d.byBytes("m.event_name")
	if limit > 0 {
		text += ` LIMIT ? OFFSET ?`
		w.args = append(w.args, limit, skip)
	}
	return l.values(ctx, table, text, w.args, each)
}

// releases streams lines of the ledger that a text selects as releaseColumns.
func (l *CohortLook) releases(ctx context.Context, text string, args []any, each func(*Release) error) error {
	return l.query(ctx, text, args, func(rows *sqlx.Rows) error {
		var r Release
		// By hand, as scanning a struct takes reflection, and there may be many.
		if err := rows.Scan(&r.ID, &r.AppID, &r.Dataset, &r.Kind, &r.WindowStart, &r.WindowEnd, &r.K, &r.B,
			&r.SchemaVersions, &r.ModelVersion, &r.Lab, &r.SealedAt); err != nil {
			return fmt.Errorf("read release: %w", err)
		}
		return each(&r)
	})
}
