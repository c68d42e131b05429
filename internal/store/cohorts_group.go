package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CohortGroup is how published rows are added up: apart by these. Apps, datasets
// and currencies stay apart whatever is asked for, as one install is in several
// datasets, and euros and yen have no sum.
type CohortGroup []string

// dimension is a name in CohortGroup and the columns that it keeps apart.
type dimension struct {
	name    string
	columns []Column
	terms   func(d *db) []string
}

// dimensions in the order of the columns of a roll-up, whatever the order asked for.
var dimensions = []dimension{
	{"dataset", nil, nil}, // always kept apart
	{"network", []Column{{"network_id", Text}}, columnsAsTheyAre("network_id")},
	// Campaign 39 of SKAdNetwork 1 to 3 is not the digits 39.
	{"source_2", []Column{{"id_kind", Text}, {"source_2", Text}}, columnsAsTheyAre("id_kind", "source_2")},
	{"level", []Column{{"level", Text}}, columnsAsTheyAre("level")},
	{"week", []Column{{"week", Time}}, periodStart("week")},
	{"month", []Column{{"month", Time}}, periodStart("month")},
	{"schema_versions", []Column{{"schema_versions", Text}}, columnsAsTheyAre("schema_versions")},
}

func columnsAsTheyAre(columns ...string) func(*db) []string {
	return func(*db) []string { return columns }
}

// periodStart is the Monday, or the first of the month, at or before window_start:
// a window that straddles two periods belongs to the one in which it begins.
func periodStart(period string) func(*db) []string {
	return func(d *db) []string {
		if d.dialect == postgres {
			return []string{`date_trunc('` + period + `', window_start AT TIME ZONE 'UTC')`}
		}
		back := `'-6 days', 'weekday 1'`
		if period == "month" {
			back = `'start of month'`
		}
		return []string{`strftime('%Y-%m-%dT00:00:00Z', window_start, ` + back + `)`}
	}
}

// CohortDimensions are the names that a CohortGroup may hold.
func CohortDimensions() []string {
	names := make([]string, len(dimensions))
	for i, d := range dimensions {
		names[i] = d.name
	}
	return names
}

var (
	apart    = []Column{{"app_id", Number}, {"sequence_index", Number}, {"conversion_kind", Text}, {"environment", Text}}
	measures = []Column{
		{"null_installs", Number}, {"unset_installs", Number}, {"unmapped_installs", Number},
		{"coarse_low", Number}, {"coarse_medium", Number}, {"coarse_high", Number}, {"fine_installs", Number},
		{"payers", Number}, {"revenue_min", Money}, {"revenue_est", Money}, {"revenue_max", Money}, {"redownloads", Number},
	}
)

const withheldRows = "_withheld_rows"

// Table are the columns of a roll-up: what is kept apart, the number of rows added
// up, and for each measure its sum over the rows that show it (NULL: none does)
// with the number of rows that withhold it.
func (g CohortGroup) Table() []Column {
	table := slices.Clone(apart)
	for _, dim := range dimensions {
		if slices.Contains(g, dim.name) {
			table = append(table, dim.columns...)
		}
	}
	table = append(table, Column{"currency", Text}, Column{"rows", Number}, Column{"installs", Number})
	for _, m := range measures {
		table = append(table, m, Column{m.Name + withheldRows, Number})
	}
	return table
}

// Sums streams the roll-up, in the order of what is kept apart, without those
// before skip; limit 0 is all. Every number is a plain sum over rows.
func (l *CohortLook) Sums(ctx context.Context, g CohortGroup, skip, limit int, each func([]any) error) error {
	if l.f.AppID != 0 { // of all apps there may be any number of groups
		err := l.packedSums(ctx, g, skip, limit, each)
		if !errors.Is(err, errNotPacked) {
			return err
		}
	}
	return l.rowSums(ctx, g, skip, limit, each)
}

// rowSums is Sums by the database.
func (l *CohortLook) rowSums(ctx context.Context, g CohortGroup, skip, limit int, each func([]any) error) error {
	w := l.f.where(l.d)
	w.decodedLast(l.d, l.f.AppID)
	keys := columnNames(apart)
	for _, dim := range dimensions {
		if slices.Contains(g, dim.name) && dim.terms != nil {
			keys = append(keys, dim.terms(l.d)...)
		}
	}
	keys = append(keys, "currency")
	table := g.Table()
	terms, order := slices.Clone(keys), make([]string, len(keys))
	groups := make([]string, len(keys))
	for i, key := range keys {
		groups[i] = fmt.Sprint(i + 1)
		if order[i] = groups[i]; table[i].Type == Text {
			order[i] = l.d.byBytes(key)
		}
		order[i] += " NULLS FIRST" // one order on both databases
	}
	terms = append(terms, "COUNT(*)", l.d.sum(Column{"installs", Number}))
	for _, m := range measures {
		terms = append(terms, l.d.sum(m), "COUNT(*) - COUNT("+m.Name+")")
	}
	text := `SELECT ` + strings.Join(terms, ", ") + ` FROM ` + l.d.table("cohort") + w.String() +
		` GROUP BY ` + strings.Join(groups, ", ") + ` ORDER BY ` + strings.Join(order, ", ")
	if limit > 0 {
		text += ` LIMIT ? OFFSET ?`
		w.args = append(w.args, limit, skip)
	}
	return l.values(ctx, table, text, w.args, each)
}

// sum is the exact sum of a column.
func (d *db) sum(c Column) string {
	switch {
	case d.dialect == sqlite && c.Type == Money:
		return exactSum + "(" + c.Name + ")"
	case d.dialect == postgres && c.Type == Number:
		return "CAST(SUM(" + c.Name + ") AS BIGINT)" // which is NUMERIC without
	}
	return "SUM(" + c.Name + ")"
}
