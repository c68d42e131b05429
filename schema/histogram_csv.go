package schema

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ParseHistogramCSV reads a histogram from CSV with a header: kind and installs,
// and index, value or value_from and value_to or value_list, schema_version as far as
// there are any; release_id, network_id, id_kind and source_2 are summed over. An
// empty cell is absent. A CSV says neither app nor currency.
func ParseHistogramCSV(b []byte) (*Histogram, error) {
	if len(b) > maxHistogramBytes {
		return nil, fmt.Errorf("read histogram: has %d bytes; at most %d are read", len(b), maxHistogramBytes)
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))) // spreadsheets begin with a byte order mark
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read histogram: header: %w", err)
	}
	column := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name {
		case "index", "kind", "value", "value_from", "value_to", "value_list", "installs", "schema_version",
			"release_id", "network_id", "id_kind", "source_2":
		default:
			return nil, fmt.Errorf("read histogram: column %.30q is not one of index, kind, value, value_from, value_to, value_list, installs, schema_version", name)
		}
		if _, twice := column[name]; twice {
			return nil, fmt.Errorf("read histogram: column %q stands twice; keep one", name)
		}
		column[name] = i
	}
	for _, name := range []string{"kind", "installs"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("read histogram: column %q is missing; add it", name)
		}
	}
	h := &Histogram{Rows: []HistogramRow{}}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read histogram: %w", err)
		}
		row, err := csvRow(column, record)
		if err == nil {
			err = row.check()
		}
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("read histogram: line %d: %w", line, err)
		}
		h.Rows = append(h.Rows, row)
	}
	err = h.Check()
	if err != nil {
		return nil, fmt.Errorf("read histogram: %w", err)
	}
	return h, nil
}

func csvRow(column map[string]int, record []string) (HistogramRow, error) {
	cell := func(name string) string {
		i, ok := column[name]
		if !ok {
			return ""
		}
		return strings.TrimSpace(record[i])
	}
	r := HistogramRow{Kind: cell("kind")}
	for _, c := range []struct {
		name string
		into *int
	}{{"index", &r.Index}, {"schema_version", &r.SchemaVersion}} {
		s := cell(c.name)
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return r, fmt.Errorf("%s: %.30q is not a whole number", c.name, s)
		}
		*c.into = n
	}
	if s := cell("installs"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return r, fmt.Errorf("installs: %.30q is not a whole number", s)
		}
		r.Installs = &n
	}
	return r, r.span(cell("value"), cell("value_from"), cell("value_to"), cell("value_list"))
}
