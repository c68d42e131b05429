package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
)

// RollupTable are the columns of roll-ups.
func RollupTable() []Column {
	return append([]Column{
		{"release_id", Text}, {"app_id", Number}, {"sequence_index", Number}, {"conversion_kind", Text}, {"environment", Text},
		{"level", Text}, {"node", Text}, {"period", Text}, {"period_start", Time}, {"windows", Number},
	}, modelNumbers...)
}

// rollupKey are the columns before a roll-up's release that tell one from another, as
// they lie in RollupTable.
var rollupKey = []string{
	"app_id", "period_start", "sequence_index", "conversion_kind", "environment", "level", "node", "metric", "event_name",
}

// errEnough ends a stream that has given what was asked for.
var errEnough = errors.New("enough")

// Rollups streams roll-ups of one level and period as RollupTable has them, by app, time,
// dataset, node, metric and event: the newest version of each. They are published as they
// are, for bounds can't be added. Skip and limit count lines; limit 0 is all.
func (l *CohortLook) Rollups(ctx context.Context, level, period string, f ModeledPick, skip, limit int, each func([]any) error) error {
	table := RollupTable()
	w := l.whereRollup(level, period, f)
	order := make([]string, 0, len(rollupKey)+1)
	for _, name := range rollupKey {
		switch name {
		case "node", "event_name", "conversion_kind", "environment", "level":
			name = l.d.byBytes(name) + " NULLS FIRST"
		case "metric":
			name = metricOrder(name)
		}
		order = append(order, name)
	}
	text := `SELECT ` + strings.Join(quoted(columnNames(table)), ", ") + ` FROM ` + l.d.table("cohort_modeled_rollup") + w.String() +
		` ORDER BY ` + strings.Join(order, ", ") + `, model_version DESC`
	at := places(table, rollupKey)
	into, read := landing(table)
	var last string
	n := 0
	err := l.query(ctx, text, w.args, func(rows *sqlx.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row := read()
		key := keyAt(row, at)
		if key == last {
			return nil // of an earlier version
		}
		last = key
		if n++; n <= skip {
			return nil
		}
		if limit > 0 && n > skip+limit {
			return errEnough
		}
		return each(row)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// RollupReleases streams the lines of the public ledger that roll-ups are from.
func (l *CohortLook) RollupReleases(ctx context.Context, level, period string, f ModeledPick, each func(*Release) error) error {
	w := l.whereRollup(level, period, f)
	text := `SELECT ` + releaseColumns + ` FROM ` + l.d.table("release") + ` WHERE release_id IN (SELECT release_id FROM ` +
		l.d.table("cohort_modeled_rollup") + w.String() + `) ORDER BY app_id, window_start, ` + l.d.byBytes("release_id")
	return l.releases(ctx, text, w.args, each)
}

func (l *CohortLook) whereRollup(level, period string, f ModeledPick) *conditions {
	dataset := l.f
	dataset.From, dataset.To = time.Time{}, time.Time{} // of windows
	w := dataset.whereRelease(l.d)
	w.and(`level = ? AND period = ?`, level, period)
	if !l.f.From.IsZero() {
		w.and(`period_start >= ?`, l.d.stamp(l.f.From))
	}
	if !l.f.To.IsZero() {
		w.and(`period_start < ?`, l.d.stamp(l.f.To))
	}
	if f.Metric != "" {
		w.and(`metric = ?`, f.Metric)
	}
	if f.EventName != "" {
		w.and(`event_name = ?`, f.EventName)
	}
	if n := l.f.NetworkID; n != "" {
		node := aggregate.Row{Level: aggregate.LevelNetwork, NetworkID: n}.Key()
		w.and(`(node = ? OR SUBSTR(node, 1, ?) = ?)`, node, len(node)+1, node+"/")
	}
	return w
}

// quoted takes care of the one name that SQL knows as a type.
func quoted(names []string) []string {
	for i, name := range names {
		if name == "interval" {
			names[i] = `"interval"`
		}
	}
	return names
}

// places are those of named columns in a table.
func places(table []Column, names []string) []int {
	at := make([]int, len(names))
	for i, name := range names {
		for j, c := range table {
			if c.Name == name {
				at[i] = j
			}
		}
	}
	return at
}

// keyAt are the values at some places, as one text.
func keyAt(row []any, at []int) string {
	parts := make([]string, len(at))
	for i, j := range at {
		parts[i] = fmt.Sprint(row[j])
	}
	return strings.Join(parts, "\x00")
}
