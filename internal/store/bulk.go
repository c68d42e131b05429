package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// column of a bulk insert. kind is PostgreSQL's name of the element type: bigint,
// text, bytea or boolean. A nil value in a bigint or bytea column is NULL.
type column struct {
	name, kind string
}

// maxMarks keeps a statement of SQLite below its limit of 32,766 parameters.
const maxMarks = 30000

// insertMany inserts rows with as few statements as there can be: one on
// PostgreSQL whatever the number (arrays through unnest), one per some hundred
// rows on SQLite. tail is what follows the values; what it returns is handed to
// each, if there is any.
func insertMany(ctx context.Context, t *tx, table string, cols []column, rows [][]any, tail string, each func(*sqlx.Rows) error) error {
	if len(rows) == 0 {
		return nil
	}
	if t.dialect == postgres {
		text, args, err := unnestInsert(table, cols, rows, tail)
		if err != nil {
			return err
		}
		return runInsert(ctx, t, text, args, each)
	}
	for len(rows) > 0 {
		n := stride(len(rows))
		text, args := valuesInsert(table, cols, rows[:n], tail)
		if err := runInsert(ctx, t, text, args, each); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// stride is how many of n rows the next statement of SQLite takes: one of three
// sizes, so that there are few texts and each is parsed once. Even the largest
// stays below SQLite's limit of 32,766 parameters.
func stride(n int) int {
	for _, s := range [...]int{64, 8} {
		if n >= s {
			return s
		}
	}
	return 1
}

func runInsert(ctx context.Context, t *tx, text string, args []any, each func(*sqlx.Rows) error) error {
	stmt := t.prepared.get(text) //nolint:sqlclosecheck // kept for every transaction to come; closed with the database
	if stmt != nil {
		stmt = t.StmtxContext(ctx, stmt) //nolint:sqlclosecheck // the end of the transaction closes it
	}
	if each == nil {
		var err error
		if stmt != nil {
			_, err = stmt.ExecContext(ctx, args...)
		} else {
			_, err = t.ExecContext(ctx, text, args...)
		}
		return err
	}
	var rows *sqlx.Rows
	var err error
	if stmt != nil {
		rows, err = stmt.QueryxContext(ctx, args...)
	} else {
		rows, err = t.QueryxContext(ctx, text, args...)
	}
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func names(cols []column) string {
	n := make([]string, len(cols))
	for i, c := range cols {
		n[i] = c.name
	}
	return strings.Join(n, ", ")
}

func valuesInsert(table string, cols []column, rows [][]any, tail string) (string, []any) {
	mark := "(" + strings.TrimSuffix(strings.Repeat("?,", len(cols)), ",") + ")"
	text := "INSERT INTO " + table + " (" + names(cols) + ") VALUES " +
		strings.TrimSuffix(strings.Repeat(mark+",", len(rows)), ",") + " " + tail
	args := make([]any, 0, len(rows)*len(cols))
	for _, r := range rows {
		args = append(args, r...)
	}
	return text, args
}

func unnestInsert(table string, cols []column, rows [][]any, tail string) (string, []any, error) {
	from, args, err := unnestTable(cols, rows)
	if err != nil {
		return "", nil, err
	}
	pick := make([]string, len(cols))
	for i, c := range cols {
		pick[i] = c.name
		if c.kind == "bytea" {
			pick[i] = "NULLIF(" + c.name + `, '\x'::bytea)` // an array can't carry a NULL of it
		}
	}
	return "INSERT INTO " + table + " (" + names(cols) + ") SELECT " + strings.Join(pick, ", ") +
		" FROM " + from + " AS given (" + names(cols) + ") " + tail, args, nil
}

// unnestTable is rows as a table of PostgreSQL, one array a column.
func unnestTable(cols []column, rows [][]any) (string, []any, error) {
	args := make([]any, len(cols))
	from := make([]string, len(cols))
	for i, c := range cols {
		a, err := arrayOf(c, rows, i)
		if err != nil {
			return "", nil, err
		}
		args[i] = a
		from[i] = fmt.Sprintf("$%d::%s[]", i+1, c.kind)
	}
	return "unnest(" + strings.Join(from, ", ") + ")", args, nil
}

// valuesTable is rows as a table of SQLite, which names the columns of VALUES itself.
func valuesTable(cols []column, rows [][]any) (string, []any) {
	pick := make([]string, len(cols))
	for i, c := range cols {
		pick[i] = fmt.Sprintf("column%d AS %s", i+1, c.name)
	}
	mark := "(" + strings.TrimSuffix(strings.Repeat("?,", len(cols)), ",") + ")"
	args := make([]any, 0, len(rows)*len(cols))
	for _, r := range rows {
		args = append(args, r...)
	}
	return "SELECT " + strings.Join(pick, ", ") + " FROM (VALUES " +
		strings.TrimSuffix(strings.Repeat(mark+",", len(rows)), ",") + ")", args
}

// givenTable is rows as a table named k, on either database.
func (t *tx) givenTable(cols []column, rows [][]any) (string, []any, error) {
	if t.dialect == sqlite {
		text, args := valuesTable(cols, rows)
		return "(" + text + ") AS k", args, nil
	}
	text, args, err := unnestTable(cols, rows)
	return text + " AS k (" + names(cols) + ")", args, err
}

// arrayOf gathers one column. A wrong Go type here is a mistake of this package.
func arrayOf(c column, rows [][]any, i int) (any, error) {
	switch c.kind {
	case "bigint":
		out := make([]sql.NullInt64, len(rows))
		for j, r := range rows {
			if r[i] == nil {
				continue
			}
			v, ok := r[i].(int64)
			if !ok {
				return nil, fmt.Errorf("bulk insert: column %s: %T is no int64", c.name, r[i])
			}
			out[j] = sql.NullInt64{Int64: v, Valid: true}
		}
		return pq.Array(out), nil
	case "bytea":
		out := make(pq.ByteaArray, len(rows))
		for j, r := range rows {
			out[j], _ = r[i].([]byte) // nil is NULL, see unnestInsert
		}
		return out, nil
	case "boolean":
		out := make(pq.BoolArray, len(rows))
		for j, r := range rows {
			v, ok := r[i].(bool)
			if !ok {
				return nil, fmt.Errorf("bulk insert: column %s: %T is no bool", c.name, r[i])
			}
			out[j] = v
		}
		return out, nil
	default:
		out := make(pq.StringArray, len(rows))
		for j, r := range rows {
			v, ok := r[i].(string)
			if !ok {
				return nil, fmt.Errorf("bulk insert: column %s: %T is no string", c.name, r[i])
			}
			out[j] = v
		}
		return out, nil
	}
}
