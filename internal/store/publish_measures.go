package store

import (
	"context"
	"fmt"

	"skand/aggregate"
)

// linesAtOnce keeps the texts of multi-row inserts few and far below the number of
// parameters that SQLite takes.
const linesAtOnce = 64

var (
	eventColumns = []column{
		{"release_id", "text"}, {"network_id", "text"}, {"source_2", "text"}, {"event_name", "text"}, {"installs", "bigint"},
		{"count_min", "numeric"}, {"count_est", "numeric"}, {"count_max", "numeric"}, {"ambiguous_share", "numeric"},
		{"id_kind", "text"},
	}
	remainderColumns = []column{
		{"release_id", "text"}, {"network_id", "text"}, {"measure", "text"}, {"rows", "bigint"}, {"installs", "bigint"},
		{"revenue_min", "numeric"}, {"revenue_est", "numeric"}, {"revenue_max", "numeric"}, {"currency", "text"},
	}
	valueColumns = []column{
		{"release_id", "text"}, {"network_id", "text"}, {"source_2", "text"}, {"kind", "text"}, {"value_from", "bigint"},
		{"value_to", "bigint"}, {"installs", "bigint"}, {"id_kind", "text"}, {"value_list", "text"}, {"schema_version", "bigint"},
		{"revenue_min", "numeric"}, {"revenue_est", "numeric"}, {"revenue_max", "numeric"}, {"currency", "text"},
	}
)

// insertMeasures writes what stands beside the rows of a release, in the order in
// which the cut gave it: of the order nothing can be told but the keys.
func insertMeasures(ctx context.Context, t *tx, d *db, r aggregate.Release) error {
	remainders := make([][]any, len(r.Remainders))
	for i, m := range r.Remainders {
		remainders[i] = []any{
			r.ID, null(m.NetworkID), m.Measure, m.Rows, m.Installs,
			m.RevenueMin, m.RevenueEst, m.RevenueMax, r.Settings.Currency,
		}
	}
	events := make([][]any, len(r.Events))
	for i, e := range r.Events {
		events[i] = []any{
			r.ID, null(e.NetworkID), null(e.Source2), e.EventName, e.Installs,
			e.CountMin, e.CountEst, e.CountMax, e.AmbiguousShare, null(e.IDKind),
		}
	}
	values := make([][]any, len(r.Values))
	for i, v := range r.Values {
		var version *int
		if v.SchemaVersion != 0 {
			version = &v.SchemaVersion
		}
		values[i] = []any{
			r.ID, null(v.NetworkID), null(v.Source2), v.Kind, v.From, v.To, v.Installs, null(v.IDKind), v.Values, version,
			v.RevenueMin, v.RevenueEst, v.RevenueMax, r.Settings.Currency,
		}
	}
	for _, part := range []struct {
		table   string
		columns []column
		lines   [][]any
	}{
		{"cohort_remainder", remainderColumns, remainders},
		{"cohort_event", eventColumns, events},
		{"cohort_value", valueColumns, values},
		{"cohort_crossing", crossingColumns, crossingLines(r)},
	} {
		if err := insertLines(ctx, t, d.table(part.table), part.columns, part.lines); err != nil {
			return fmt.Errorf("publish %s of %s: %w", part.table, r.ID, err)
		}
	}
	return nil
}

// insertLines inserts lines that may hold NULL anywhere.
func insertLines(ctx context.Context, t *tx, table string, columns []column, lines [][]any) error {
	for len(lines) > 0 {
		n := min(linesAtOnce, len(lines))
		text, args := valuesInsert(table, columns, lines[:n], "")
		if _, err := t.ExecContext(ctx, t.q(text), args...); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}
