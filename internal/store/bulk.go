package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
)

// column of a bulk insert. kind is PostgreSQL's name of the element type: bigint,
// text, bytea, boolean or numeric (of a decimal string). A nil value in a bigint,
// bytea or numeric column is NULL.
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
	return "INSERT INTO " + table + " (" + names(cols) + ") SELECT " + names(cols) +
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

// arrayOf writes one column as the text of a PostgreSQL array. The driver's own
// arrays go through reflection, which costs more than the rest of a small batch. A
// wrong Go type here is a mistake of this package.
func arrayOf(c column, rows [][]any, i int) (string, error) {
	out := make([]byte, 0, 16*len(rows))
	for j, r := range rows {
		out = append(out, arraySeparator(j))
		switch v := r[i].(type) {
		case nil:
			if c.kind == "text" || c.kind == "boolean" {
				return "", fmt.Errorf("bulk insert: column %s can't be NULL", c.name)
			}
			out = append(out, "NULL"...)
		case int64:
			out = strconv.AppendInt(out, v, 10)
		case bool:
			out = strconv.AppendBool(out, v)
		case []byte:
			if v == nil {
				out = append(out, "NULL"...)
				break
			}
			out = append(out, `"\\x`...)
			out = hex.AppendEncode(out, v)
			out = append(out, '"')
		case string:
			out = appendArrayText(out, v)
		}
		if !fitsColumn(c.kind, r[i]) {
			return "", fmt.Errorf("bulk insert: column %s: %T is no %s", c.name, r[i], c.kind)
		}
	}
	if len(rows) == 0 {
		out = append(out, '{')
	}
	return string(append(out, '}')), nil
}

func arraySeparator(j int) byte {
	if j == 0 {
		return '{'
	}
	return ','
}

func fitsColumn(kind string, v any) bool {
	switch v.(type) {
	case nil:
		return true
	case int64:
		return kind == "bigint"
	case bool:
		return kind == "boolean"
	case []byte:
		return kind == "bytea"
	case string:
		return kind == "text" || kind == "numeric"
	default:
		return false
	}
}

// appendArrayText quotes one element: within quotes only the quote and the
// backslash mean something.
func appendArrayText(out []byte, s string) []byte {
	out = append(out, '"')
	for {
		i := strings.IndexAny(s, `"\`)
		if i < 0 {
			break
		}
		out = append(out, s[:i]...)
		out = append(out, '\\', s[i])
		s = s[i+1:]
	}
	out = append(out, s...)
	return append(out, '"')
}
