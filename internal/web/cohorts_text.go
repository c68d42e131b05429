package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"skand/internal/store"
)

// jsonRows writes {"data":[…],"next_cursor":…,"releases":[…]}, one row a line.
type jsonRows struct {
	w     io.Writer
	table []store.Column
	buf   []byte
	n     int
}

func (j *jsonRows) begin(table []store.Column) error {
	j.table = table
	_, err := io.WriteString(j.w, `{"data":[`)
	return err
}

func (j *jsonRows) row(values []any) (err error) {
	j.buf = append(j.buf[:0], ",\n"...)
	if j.n++; j.n == 1 {
		j.buf = append(j.buf[:0], '\n')
	}
	if j.buf, err = appendObject(j.buf, j.table, values); err != nil {
		return err
	}
	_, err = j.w.Write(j.buf)
	return err
}

func (j *jsonRows) end(next string, releases func(func(*store.Release) error) error) error {
	cursor := "null"
	if next != "" {
		cursor = strconv.Quote(next) // letters, digits, - and _
	}
	if _, err := fmt.Fprintf(j.w, "\n],\"next_cursor\":%s,\"releases\":[", cursor); err != nil {
		return err
	}
	sep := "\n"
	err := releases(func(r *store.Release) error {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = j.w.Write(append([]byte(sep), b...))
		sep = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.w, "\n]}\n")
	return err
}

// ndjsonRows writes one object a line.
type ndjsonRows struct {
	w     io.Writer
	table []store.Column
	buf   []byte
}

func (n *ndjsonRows) begin(table []store.Column) error {
	n.table = table
	return nil
}

func (n *ndjsonRows) row(values []any) (err error) {
	if n.buf, err = appendObject(n.buf[:0], n.table, values); err != nil {
		return err
	}
	n.buf = append(n.buf, '\n')
	_, err = n.w.Write(n.buf)
	return err
}

func (*ndjsonRows) end(string, func(func(*store.Release) error) error) error { return nil }

// appendObject writes a row as JSON; money is a string, as a number in JSON is
// binary floating point to most who read it.
func appendObject(b []byte, table []store.Column, values []any) ([]byte, error) {
	for i, v := range values {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		b = append(b, sep, '"')
		b = append(append(b, table[i].Name...), `":`...)
		switch v := v.(type) {
		case nil:
			b = append(b, "null"...)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case string:
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			b = append(b, text...)
		case decimal.Decimal:
			b = append(append(append(b, '"'), v.String()...), '"')
		case store.Stamp:
			b = append(append(append(b, '"'), v.String()...), '"')
		default:
			return nil, fmt.Errorf("write %s: unexpected type %T", table[i].Name, v)
		}
	}
	return append(b, '}'), nil
}

// csvRows writes RFC 4180 with a line of names; NULL is an empty cell.
type csvRows struct {
	csv   *csv.Writer
	table []store.Column
	cells []string
}

func newCSVRows(w io.Writer) *csvRows { return &csvRows{csv: csv.NewWriter(w)} }

func (c *csvRows) begin(table []store.Column) error {
	c.table, c.cells = table, make([]string, len(table))
	for i, column := range table {
		c.cells[i] = column.Name
	}
	return c.csv.Write(c.cells)
}

func (c *csvRows) row(values []any) error {
	for i, v := range values {
		switch v := v.(type) {
		case nil:
			c.cells[i] = ""
		case string:
			c.cells[i] = harmless(v)
		default:
			c.cells[i] = fmt.Sprint(v)
		}
	}
	return c.csv.Write(c.cells)
}

func (c *csvRows) end(string, func(func(*store.Release) error) error) error {
	c.csv.Flush()
	return c.csv.Error()
}

// harmless puts an apostrophe before a text that a spreadsheet would run: network
// ids come from strangers. It does the same where an apostrophe begins the text, so
// that taking one away gives the text back. Numbers are never touched.
func harmless(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	if s != "" && strings.ContainsRune("=+-@\t\r\n'＝＋－＠", first) {
		return "'" + s
	}
	return s
}
