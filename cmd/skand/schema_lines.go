package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"skand/schema"
)

func newSchemaDecodeCmd() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "decode --schema FILE [FILE|-]",
		Short: "Say what conversion values mean; NDJSON in and out",
		Long: `Takes lines {"index":0,"fine":12} or {"index":1,"coarse":"low"}; "digits" is the
length of the source identifier, which tells unset (3 or 4) from withheld. Amounts
are null where the value says nothing about revenue, and revenue_max where there is
no upper bound.`,
		Example: `  echo '{"index":0,"fine":12}' | skand schema decode --schema puzzle.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := loadSchema(file)
			if err != nil {
				return err
			}
			return answerSchemaLines(cmd, args, func(line []byte) (any, error) { return decodeLine(doc, line) })
		},
	}
	cmd.Flags().StringVar(&file, "schema", "", "schema file, JSON or YAML")
	return cmd
}

type decodeAnswer struct {
	State      schema.State          `json:"state"`
	Events     []schema.DecodedEvent `json:"events"`
	RevenueMin *decimal.Decimal      `json:"revenue_min"`
	RevenueEst *decimal.Decimal      `json:"revenue_est"`
	RevenueMax *decimal.Decimal      `json:"revenue_max"`
	Version    *int                  `json:"version"` // a file has none
}

func decodeLine(doc *schema.Document, line []byte) (any, error) {
	var in struct {
		Index        *int   `json:"index"`
		Fine         *int   `json:"fine"`
		Coarse       string `json:"coarse"`
		Digits       int    `json:"digits"`
		Reengagement bool   `json:"reengagement"`
	}
	err := strictSchemaLine(line, &in)
	switch {
	case err != nil:
		return nil, err
	case in.Index == nil:
		return nil, errors.New("index: is missing; give the conversion window, 0 to 2")
	case *in.Index < 0 || *in.Index > 2:
		return nil, fmt.Errorf("index: is %d; give the conversion window, 0 to 2", *in.Index)
	case in.Fine != nil && (*in.Fine < 0 || *in.Fine > 63):
		return nil, fmt.Errorf("fine: is %d; a fine value is 0 to 63", *in.Fine)
	case in.Fine != nil && in.Coarse != "":
		return nil, errors.New("coarse: stands beside fine; Apple sends only one of them")
	case in.Coarse != "" && in.Coarse != "low" && in.Coarse != "medium" && in.Coarse != "high":
		return nil, fmt.Errorf("coarse: is %q; a coarse value is low, medium or high", in.Coarse)
	case in.Digits < 0 || in.Digits > 4:
		return nil, fmt.Errorf("digits: is %d; a source identifier has 2 to 4, 0 means none", in.Digits)
	}
	d := doc.Decode(schema.Value{
		Index: *in.Index, Fine: in.Fine, Coarse: in.Coarse, Digits: in.Digits, Reengagement: in.Reengagement,
	})
	a := decodeAnswer{State: d.State, Events: d.Events}
	if a.Events == nil {
		a.Events = []schema.DecodedEvent{}
	}
	if d.State == schema.StateDecoded && doc.MeasuresRevenue() {
		a.RevenueMin, a.RevenueEst, a.RevenueMax = &d.RevenueMin, &d.RevenueEst, d.RevenueMax
		if d.EstimateMissing {
			a.RevenueEst = nil
		}
	}
	return a, nil
}

func newSchemaEncodeCmd() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "encode --schema FILE [FILE|-]",
		Short: "Say what a phone sets after events; NDJSON in and out",
		Long: `Takes lines {"window":0,"events":[{"name":"purchase","time":"2026-11-16T10:00:00Z",
"revenue":"4.99"}]} with the events of one install so far in that window. An event
named first_launch tells when the app was first opened: windows and time locks are
counted from it, else from the earliest event.`,
		Example: `  echo '{"window":0,"events":[{"name":"purchase","revenue":"4.99"}]}' | skand schema encode --schema puzzle.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := loadSchema(file)
			if err != nil {
				return err
			}
			return answerSchemaLines(cmd, args, func(line []byte) (any, error) { return encodeLine(doc, line) })
		},
	}
	cmd.Flags().StringVar(&file, "schema", "", "schema file, JSON or YAML")
	return cmd
}

type encodeAnswer struct {
	Fine   *int    `json:"fine"`
	Coarse *string `json:"coarse"`
	Lock   bool    `json:"lock"`
}

func encodeLine(doc *schema.Document, line []byte) (any, error) {
	var in struct {
		Window *int `json:"window"`
		Events []struct {
			Name    string          `json:"name"`
			Time    string          `json:"time"`
			Revenue json.RawMessage `json:"revenue"`
		} `json:"events"`
	}
	err := strictSchemaLine(line, &in)
	if err != nil {
		return nil, err
	}
	if in.Window == nil {
		return nil, errors.New("window: is missing; give the conversion window, 0 to 2")
	}
	events := make([]schema.Event, len(in.Events))
	for i, e := range in.Events {
		events[i].Name = e.Name
		if e.Time != "" {
			events[i].Time, err = time.Parse(time.RFC3339, e.Time)
			if err != nil {
				return nil, fmt.Errorf("events[%d].time: %q is not a time; write RFC 3339 such as 2026-11-16T10:00:00Z", i, e.Time)
			}
		}
		events[i].Revenue, err = lineAmount(e.Revenue)
		if err != nil {
			return nil, fmt.Errorf("events[%d].revenue: %w", i, err)
		}
	}
	e, err := doc.Encode(*in.Window, events)
	if err != nil {
		return nil, err
	}
	a := encodeAnswer{Fine: e.Fine, Lock: e.Lock}
	if e.Coarse != "" {
		a.Coarse = &e.Coarse
	}
	return a, nil
}

// lineAmount reads money by its digits, as a decimal string or a JSON number.
func lineAmount(raw json.RawMessage) (decimal.Decimal, error) {
	text := string(raw)
	if text == "" || text == "null" {
		return decimal.Decimal{}, nil
	}
	if raw[0] == '"' {
		err := json.Unmarshal(raw, &text)
		if err != nil {
			return decimal.Decimal{}, err
		}
	}
	d, err := schema.ParseMoney(text)
	if err != nil {
		return decimal.Decimal{}, fmt.Errorf("%.30q %w", text, err)
	}
	return d, nil
}

// strictSchemaLine reads exactly one JSON object without unknown members. Its errors
// begin with the member.
func strictSchemaLine(line []byte, into any) error {
	if line[0] != '{' {
		return errors.New("is not a JSON object; write one object a line")
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: is a JSON %s; it takes %s", wrong.Field, wrong.Value, jsonKindName(wrong.Type.Kind().String()))
	case err != nil:
		return err
	}
	_, err = dec.Token()
	if !errors.Is(err, io.EOF) {
		return errors.New("holds more than one JSON value; write one object a line")
	}
	return nil
}

func jsonKindName(kind string) string {
	switch kind {
	case "int":
		return "a whole number"
	case "slice":
		return "an array"
	case "struct":
		return "an object"
	default:
		return "a " + kind
	}
}
