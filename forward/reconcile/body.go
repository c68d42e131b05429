package reconcile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ParseBody reads the JSON form of an upload: {app_id, time_zone, currency, source,
// rows: [{event, campaign_id, count, revenue}]}. Rows of one event and campaign are
// added up. It returns a *Refused that names every bad row.
func ParseBody(raw []byte, networkID, day string) (Upload, []string, error) {
	var body struct {
		AppID    int64             `json:"app_id"`
		TimeZone string            `json:"time_zone"`
		Currency string            `json:"currency"`
		Source   string            `json:"source"`
		Rows     []json.RawMessage `json:"rows"`
	}
	if err := strictly(raw, &body); err != nil {
		return Upload{}, nil, &Refused{[]Problem{{Code: "bad_value", Message: "want one JSON object {app_id, time_zone, currency, rows}: " + err.Error()}}}
	}
	u := Upload{AppID: body.AppID, NetworkID: networkID, Day: day, TimeZone: body.TimeZone, Currency: body.Currency, Source: body.Source}
	var faults []Problem
	switch {
	case body.Rows == nil:
		// A misspelt member must not say that the network counted nothing.
		faults = append(faults, Problem{0, "rows", "missing", "give the rows; [] says that the network counted nothing"})
	case len(body.Rows) > MaxRows:
		return u, nil, &Refused{[]Problem{{0, "rows", "too_many", fmt.Sprintf("%d rows are too many; send at most %d", len(body.Rows), MaxRows)}}}
	}
	for i, raw := range body.Rows {
		row, wrong := parseRow(raw, i+1)
		faults = append(faults, wrong...)
		u.Rows = append(u.Rows, row)
	}
	if err := refused(append(u.checkHead(), faults...)); err != nil {
		return u, nil, err
	}
	var warnings []string
	if n := u.merge(); n > 0 {
		warnings = append(warnings, fmt.Sprintf("%d rows were added to others of the same event and campaign", n))
	}
	return u, warnings, nil
}

func parseRow(raw json.RawMessage, line int) (Row, []Problem) {
	var in struct {
		Event      string       `json:"event"`
		CampaignID string       `json:"campaign_id"`
		Count      *json.Number `json:"count"`
		Revenue    *any         `json:"revenue"`
	}
	if err := strictly(raw, &in); err != nil {
		var wrong *json.UnmarshalTypeError
		field, code := "", "bad_value"
		if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			field, code = strings.Trim(name, `"`), "unknown_field"
		} else if errors.As(err, &wrong) {
			field = wrong.Field
		}
		return Row{}, []Problem{{line, field, code, "want {event, campaign_id, count, revenue}: " + err.Error()}}
	}
	row := Row{Event: strings.TrimSpace(in.Event), CampaignID: strings.TrimSpace(in.CampaignID)}
	faults := row.check(line)
	bad := func(field, code, message string) { faults = append(faults, Problem{line, field, code, message}) }
	if in.Count == nil {
		bad("count", "missing", "say how many the network counted")
	} else if n, err := readCount(in.Count.String()); err != nil {
		bad("count", "bad_value", err.Error())
	} else {
		row.Count = n
	}
	if in.Revenue != nil && *in.Revenue != nil {
		text := fmt.Sprint(*in.Revenue) // a string, or a number as it was written
		if amount, err := readMoney(text); err != nil {
			bad("revenue", "bad_value", err.Error())
		} else {
			row.Revenue = &amount
		}
	}
	return row, faults
}

// strictly decodes one JSON value with known members alone.
func strictly(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows it")
	}
	return nil
}
