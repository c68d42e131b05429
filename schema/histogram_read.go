package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxHistogramBytes bounds a histogram as it comes.
const maxHistogramBytes = 16 << 20

// histogramRow is a row as it is written. The published columns that only say
// where the installs came from are taken and summed over.
type histogramRow struct {
	Index         int             `json:"index"`
	Kind          string          `json:"kind"`
	Value         json.RawMessage `json:"value"`
	ValueFrom     json.RawMessage `json:"value_from"`
	ValueTo       json.RawMessage `json:"value_to"`
	ValueList     string          `json:"value_list"`
	Installs      *int64          `json:"installs"`
	SchemaVersion int             `json:"schema_version"`
	ReleaseID     any             `json:"release_id"`
	NetworkID     any             `json:"network_id"`
	Source2       any             `json:"source_2"`
	IDKind        any             `json:"id_kind"`
}

// ParseHistogram reads a histogram from JSON:
//
//	{"app_id": 1, "currency": "USD", "ambiguous_share": "0.05", "rows": [
//	  {"index": 0, "kind": "fine", "value": 12, "installs": 240},
//	  {"index": 0, "kind": "fine", "value_from": 13, "value_to": 15, "installs": null},
//	  {"index": 0, "kind": "fine", "value_list": "16-18,40", "installs": 33},
//	  {"index": 1, "kind": "coarse", "value": "low", "installs": 90},
//	  {"index": 0, "kind": "null", "installs": 77}]}
//
// Kind is fine, coarse, null, unset, unmapped, other_version or unpublished; index is
// 0 when absent; installs null, or absent, is withheld. value_from and value_to are a
// merged bin; value_list, which may stand beside them, is one with gaps. Unknown
// members are refused. Errors name the member.
func ParseHistogram(b []byte) (*Histogram, error) {
	var in struct {
		AppID          int64           `json:"app_id"`
		Currency       string          `json:"currency"`
		AmbiguousShare json.RawMessage `json:"ambiguous_share"`
		Rows           *[]histogramRow `json:"rows"`
	}
	if len(b) > maxHistogramBytes {
		return nil, fmt.Errorf("read histogram: has %d bytes; at most %d are read", len(b), maxHistogramBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(&in)
	if err != nil {
		return nil, fmt.Errorf("read histogram: %w", plainJSONError(b, err))
	}
	_, err = dec.Token()
	if !errors.Is(err, io.EOF) {
		return nil, errors.New("read histogram: holds more than one JSON value; write one object")
	}
	if in.Rows == nil {
		return nil, errors.New("read histogram: rows: is missing; list the bins")
	}
	h := &Histogram{AppID: in.AppID, Currency: in.Currency, Rows: make([]HistogramRow, 0, len(*in.Rows))}
	if raw := strings.Trim(string(in.AmbiguousShare), `"`); raw != "" && raw != "null" {
		share, err := ParseMoney(raw) // a share is written like an amount
		if err != nil {
			return nil, fmt.Errorf("read histogram: ambiguous_share: %w", err)
		}
		h.AmbiguousShare = &share
	}
	for i, r := range *in.Rows {
		row, err := r.read()
		if err != nil {
			return nil, fmt.Errorf("read histogram: rows[%d].%w", i, err)
		}
		h.Rows = append(h.Rows, row)
	}
	err = h.Check()
	if err != nil {
		return nil, fmt.Errorf("read histogram: %w", err)
	}
	return h, nil
}

// plainJSONError names the member or the place, instead of Go's types.
func plainJSONError(b []byte, err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: cannot be a JSON %s", wrong.Field, wrong.Value)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON ends too early")
	}
	return placed(b, err)
}

func (r histogramRow) read() (HistogramRow, error) {
	out := HistogramRow{Index: r.Index, Kind: r.Kind, Installs: r.Installs, SchemaVersion: r.SchemaVersion}
	text := func(raw json.RawMessage) string {
		s := strings.Trim(string(raw), `"`)
		if s == "null" {
			return ""
		}
		return s
	}
	err := out.span(text(r.Value), text(r.ValueFrom), text(r.ValueTo), r.ValueList)
	return out, err
}

// span sets the values of a bin from their texts; "" is absent.
func (r *HistogramRow) span(value, from, to, list string) error {
	if list != "" {
		return r.listed(value, from, to, list)
	}
	if r.Kind != KindFine && r.Kind != KindCoarse {
		if value+from+to != "" {
			return fmt.Errorf("value: stands in a row of kind %.30q; only fine and coarse rows have one", r.Kind)
		}
		return nil
	}
	name := "value"
	if value == "" {
		name = "value_from"
	} else if from+to != "" {
		return errors.New("value: stands beside value_from or value_to; give one value, or the range")
	} else {
		from, to = value, value
	}
	for _, end := range []struct {
		name, text string
		into       *int
	}{{name, from, &r.From}, {"value_to", to, &r.To}} {
		n, err := binValue(r.Kind, end.text)
		if err != nil {
			return fmt.Errorf("%s: %w", end.name, err)
		}
		*end.into = n
	}
	return nil
}

// listed sets the values of a bin from its list; the range that is published beside
// the list has to be that of the list.
func (r *HistogramRow) listed(value, from, to, list string) error {
	if r.Kind != KindFine {
		return fmt.Errorf("value_list: stands in a row of kind %.30q; only fine rows have one", r.Kind)
	}
	bin, err := FineBin(list)
	if err != nil {
		return err
	}
	r.From, r.To, r.Values = bin.From, bin.To, bin.Values
	if value != "" {
		return errors.New("value: stands beside value_list; give one of them")
	}
	for _, end := range []struct {
		name, text string
		is         int
	}{{"value_from", from, bin.From}, {"value_to", to, bin.To}} {
		if end.text != "" && end.text != strconv.Itoa(end.is) {
			return fmt.Errorf("%s: is %.30q, but value_list has %d there; give one of them", end.name, end.text, end.is)
		}
	}
	return nil
}

func binValue(kind, text string) (int, error) {
	if kind == KindCoarse {
		n := levelRank(text)
		if n < 0 {
			return 0, fmt.Errorf("is %.30q; a coarse value is low, medium or high", text)
		}
		return n, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxFine {
		return 0, fmt.Errorf("is %.30q; a fine value is 0 to %d", text, maxFine)
	}
	return n, nil
}
