package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"
)

// ColumnType says which values a column of an answer has, where they are not nil.
type ColumnType int

// Column types, with the Go type of their values.
const (
	Text   ColumnType = iota // string
	Number                   // int64
	Money                    // decimal.Decimal
	Time                     // Stamp
)

// Column is a column of an answer about cohorts.
type Column struct {
	Name string
	Type ColumnType
}

// CohortTable are the columns of published rows.
func CohortTable() []Column { return append([]Column(nil), cohortTable...) }

func columnNames(table []Column) []string {
	names := make([]string, len(table))
	for i, c := range table {
		names[i] = c.Name
	}
	return names
}

// query runs a text in the look, row by row.
func (l *CohortLook) query(ctx context.Context, text string, args []any, each func(*sqlx.Rows) error) error {
	rows, err := l.tx.QueryxContext(ctx, l.d.q(text), args...)
	if err != nil {
		return fmt.Errorf("query cohorts: %w", err)
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read cohorts: %w", err)
	}
	return nil
}

// values runs a text whose columns are those of table. The slice that each is
// given is used again for the next row.
func (l *CohortLook) values(ctx context.Context, table []Column, text string, args []any, each func([]any) error) error {
	into, read := landing(table)
	return l.query(ctx, text, args, func(rows *sqlx.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read cohort: %w", err)
		}
		return each(read())
	})
}

// landing is where a row of table is scanned to, and what reads it there.
func landing(table []Column) (into []any, read func() []any) {
	into, values := make([]any, len(table)), make([]any, len(table))
	for i, c := range table {
		switch c.Type {
		case Text:
			into[i] = new(sql.NullString)
		case Number:
			into[i] = new(sql.NullInt64)
		case Money:
			into[i] = new(decimal.NullDecimal)
		case Time:
			into[i] = new(sql.Null[Stamp])
		}
	}
	return into, func() []any {
		for i, v := range into {
			values[i] = landed(v)
		}
		return values
	}
}

func landed(v any) any {
	switch v := v.(type) {
	case *sql.NullString:
		if v.Valid {
			return v.String
		}
	case *sql.NullInt64:
		if v.Valid {
			return v.Int64
		}
	case *decimal.NullDecimal:
		if v.Valid {
			return v.Decimal
		}
	case *sql.Null[Stamp]:
		if v.Valid {
			return v.V
		}
	}
	return nil
}
