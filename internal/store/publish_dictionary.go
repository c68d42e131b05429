package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// described is a published table or view as the data dictionary tells of it.
type described struct {
	name    string
	about   string // a sentence or two for docs/data-dictionary.md
	columns []columnMeaning
	alike   string // a table told of before: on the page, columns that are the same are told of there
}

// columnMeaning is one column: what it means, in which unit, and what NULL says there.
// null "": it is never NULL.
type columnMeaning struct{ column, meaning, unit, null string }

// dictionary is every published table and view, in the order in which readers meet
// them. The table data_dictionary and docs/data-dictionary.md are made from it.
func dictionary() []described {
	return slices.Concat(tablesDescribed, viewsDescribed())
}

type dictionaryLine struct {
	Table    string  `db:"table_name"`
	Column   string  `db:"column_name"`
	Position int     `db:"position"`
	Meaning  string  `db:"meaning"`
	Unit     *string `db:"unit"`
	Null     *string `db:"null_says"`
}

func (l dictionaryLine) equal(o dictionaryLine) bool {
	return l.Table == o.Table && l.Column == o.Column && l.Position == o.Position && l.Meaning == o.Meaning &&
		cell(l.Unit) == cell(o.Unit) && cell(l.Null) == cell(o.Null)
}

func dictionaryLines() []dictionaryLine {
	var out []dictionaryLine
	for _, d := range dictionary() {
		for i, c := range d.columns {
			out = append(out, dictionaryLine{d.name, c.column, i + 1, c.meaning, null(c.unit), null(c.null)})
		}
	}
	return out
}

var dictionaryColumns = []column{
	{"table_name", "text"}, {"column_name", "text"}, {"position", "bigint"}, {"meaning", "text"},
	{"unit", "text"}, {"null_says", "text"},
}

// publishDictionary writes data_dictionary where it is not this version's.
func (s *Store) publishDictionary(ctx context.Context) error {
	table := s.pub.table("data_dictionary")
	var known []dictionaryLine
	err := s.pub.r.SelectContext(ctx, &known, `SELECT table_name, column_name, position, meaning, unit, null_says FROM `+table)
	if err != nil {
		return fmt.Errorf("read the data dictionary: %w", err)
	}
	byName := func(a, b dictionaryLine) int {
		return strings.Compare(a.Table+"."+a.Column, b.Table+"."+b.Column)
	}
	lines := dictionaryLines()
	slices.SortFunc(known, byName)
	slices.SortFunc(lines, byName)
	if slices.EqualFunc(known, lines, dictionaryLine.equal) {
		return nil
	}
	rows := make([][]any, len(lines))
	for i, l := range lines {
		rows[i] = []any{l.Table, l.Column, l.Position, l.Meaning, l.Unit, l.Null}
	}
	return s.pub.in(ctx, func(t *tx) error {
		if t.dialect == postgres { // two that open at once
			if _, err := t.ExecContext(ctx, `LOCK TABLE `+table+` IN EXCLUSIVE MODE`); err != nil {
				return fmt.Errorf("write the data dictionary: %w", err)
			}
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM `+table); err != nil {
			return fmt.Errorf("write the data dictionary: %w", err)
		}
		if err := insertLines(ctx, t, table, dictionaryColumns, rows); err != nil {
			return fmt.Errorf("write the data dictionary: %w", err)
		}
		return nil
	})
}

const dictionaryHead = `# Data dictionary

Published tables and views: schema ` + "`bi`" + ` in the published PostgreSQL database, the same names in the published SQLite file, where a text says the same of every column: the table ` + "`data_dictionary`" + `. NULL is "withheld" or "does not apply", never 0. Times are UTC: TIMESTAMPTZ on PostgreSQL, text such as ` + "`2026-11-02T00:00:00Z`" + ` on SQLite. Money is exact decimal on PostgreSQL; SQLite keeps 15 digits. What may be published, and why, is in [privacy.md](privacy.md); how to connect is in [bi.md](bi.md).

A sum over rows where some are NULL is a lower bound: show the number of rows whose measure is withheld beside it, as the views do.
`

// DictionaryMarkdown is docs/data-dictionary.md.
func DictionaryMarkdown() string {
	var out strings.Builder
	out.WriteString(dictionaryHead)
	before := map[string][]columnMeaning{}
	for _, d := range dictionary() {
		fmt.Fprintf(&out, "\n## `%s`\n\n%s\n\n| column | meaning | unit | NULL says |\n|---|---|---|---|\n", d.name, d.about)
		told := before[d.alike]
		for _, c := range d.columns {
			if slices.Contains(told, c) {
				continue
			}
			says := c.null
			if says == "" {
				says = "never"
			}
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", c.column, c.meaning, c.unit, says)
		}
		if len(told) > 0 {
			fmt.Fprintf(&out, "\nThe other columns are those of `%s`%s.\n", d.alike, d.without(told))
		}
		before[d.name] = d.columns
	}
	return out.String()
}

// without names the columns that the table it is alike has and this one has not.
func (d described) without(told []columnMeaning) string {
	var names []string
	for _, c := range told {
		if !slices.ContainsFunc(d.columns, func(own columnMeaning) bool { return own.column == c.column }) {
			names = append(names, "`"+c.column+"`")
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", without " + strings.Join(names, ", ")
}
