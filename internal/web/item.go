package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"

	"skand/conversion"
)

// decodeItem reads one item strictly; what is wrong is the item's Rejection.
func decodeItem(raw json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return rejectItem(err, raw, into)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &conversion.Rejection{Code: "not_json", Message: "one JSON object is wanted, and more follows it"}
	}
	return nil
}

func rejectItem(err error, raw json.RawMessage, into any) error {
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &conversion.Rejection{Code: "unknown_field", Field: strings.Trim(name, `"`), Message: "is not a member of this object; see docs/s2s.md"}
	}
	if !json.Valid(raw) {
		return &conversion.Rejection{Code: "not_json", Message: "want one JSON object: " + err.Error()}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return &conversion.Rejection{Code: "wrong_type", Message: "want a JSON object"}
	}
	// A time or an amount that can't be read does not say whose it is: try each
	// member alone, in the order in which the item declares them.
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		value, there := members[name]
		if !there {
			continue
		}
		one := reflect.New(t.Field(i).Type)
		if json.Unmarshal(value, one.Interface()) != nil {
			return &conversion.Rejection{Code: "wrong_type", Field: name, Message: "want " + wanted(t.Field(i).Type)}
		}
	}
	return &conversion.Rejection{Code: "wrong_type", Message: err.Error()}
}

// wanted words a member's type for the one who sends it.
func wanted(t reflect.Type) string {
	switch t.String() {
	case "string":
		return "a string"
	case "[]int":
		return "an array of whole numbers"
	case "bool", "*bool":
		return "true or false"
	case "int64":
		return "a whole number"
	case "time.Time":
		return "a time as RFC 3339, as in 2026-11-21T09:30:00Z"
	default:
		return `an amount as a decimal string, as in "9.99"`
	}
}
