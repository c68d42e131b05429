package format

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"skand/schema"
)

// Airbridge: the response of its SKAdNetwork configuration API. Postbacks stand in
// their order; an event's counts ("engagement") and revenue are two entries of one
// name, min_amount included, max_amount not. is_overlapped marks the values of
// installs that Airbridge also measures with consent. Published examples show fine
// values; coarse has the same shape here.

func readAirbridge(b *builder, v value) {
	a := &airbridgeReader{builder: b, overlapped: map[int]bool{}}
	b.object(v, fields{
		"postbacks": func(v value) {
			b.list(v, func(i int, v value) {
				if i > maxWindow {
					b.lose(v.at, "there is no fourth postback; it was not read")
					return
				}
				b.window(i)
				b.object(v, fields{"conversion_schema": func(v value) {
					b.object(v, fields{
						"fine":   func(v value) { a.table(v, i, false) },
						"coarse": func(v value) { a.table(v, i, true) },
					})
				}})
			})
		},
	}, "postbacks")
	b.settle = append(b.settle, a.foldOverlap)
}

type airbridgeReader struct {
	*builder
	overlapped map[int]bool // fine values
}

func (a *airbridgeReader) table(v value, window int, coarse bool) {
	a.object(v, fields{"schema": func(v value) {
		inOrder := true // every value so far is its own place
		a.list(v, func(i int, v value) {
			r := row{at: v.at, window: window, value: -1}
			has, ok, overlapped := false, false, false
			a.object(v, fields{
				"conversion_value": func(v value) {
					has = true
					if coarse {
						r.level, ok = a.level(v)
					} else {
						r.value, ok = a.fineValue(v)
					}
				},
				"is_overlapped": func(v value) { overlapped = a.truth(v) },
				"events":        func(v value) { r.events = a.events(v) },
			})
			switch {
			case !has && !coarse && inOrder && i <= maxFine:
				// Rows are listed from 0 upwards; where that is so up to here, a row
				// that does not say its value has the next one.
				r.value, ok = i, true
				a.lose(v.at, fmt.Sprintf("has no conversion_value; it was read as %d, by its place", i))
			case !has:
				a.lose(v.at, "has no conversion_value, so it maps nothing")
			}
			inOrder = inOrder && r.value == i
			if ok {
				a.add(r)
				a.overlapped[r.value] = a.overlapped[r.value] || overlapped && !coarse && window == 0
			}
		})
	}})
}

// events joins the two entries of an event: each goes to the last event of its name
// that has no entry of its type yet.
func (a *airbridgeReader) events(v value) []event {
	var out []event
	var types []map[string]bool // of the entries that made each event
	a.list(v, func(_ int, v value) {
		e, kind := a.entry(v)
		i := len(out) - 1
		for i >= 0 && (types[i][kind] || out[i].Name != e.Name || out[i].PartnerName != e.PartnerName) {
			i--
		}
		if i < 0 {
			out, types = append(out, e), append(types, map[string]bool{kind: true})
			return
		}
		types[i][kind] = true
		if kind == "revenue" {
			out[i].RevenueMin, out[i].RevenueMax = e.RevenueMin, e.RevenueMax
		} else {
			out[i].CountMin, out[i].CountMax = e.CountMin, e.CountMax
		}
	})
	return out
}

func (a *airbridgeReader) entry(v value) (event, string) {
	e, kind := event{at: v.at}, "engagement"
	var values value
	a.object(v, fields{
		"event_name":         func(v value) { e.Name = a.text(v) },
		"partner_event_name": func(v value) { e.PartnerName = a.text(v) },
		"measurement_type": func(v value) {
			kind = a.text(v)
			if kind != "engagement" && kind != "revenue" {
				a.fail(schema.CodeWrongType, v.at, fmt.Sprintf("is %.30q; write engagement or revenue", kind))
			}
		},
		"values": func(v value) { values = v },
	}, "event_name", "measurement_type")
	if values.node == nil {
		return e, kind
	}
	if kind == "revenue" {
		a.object(values, fields{
			"min_amount": func(v value) { e.RevenueMin = a.money(v) },
			"max_amount": func(v value) { e.RevenueMax = a.money(v) },
		})
	} else {
		a.object(values, fields{
			"min_amount": func(v value) { e.CountMin = a.count(v) },
			"max_amount": func(v value) { e.CountMax = a.count(v) },
		})
	}
	return e, kind
}

// foldOverlap finds the bit that all overlapped values have and no other has, the
// highest if there are several. Rows that only repeat the value without the bit
// are what the bit means, and go.
func (a *airbridgeReader) foldOverlap() {
	w := &a.windows[0]
	if !slices.ContainsFunc(w.Fine, func(r schema.Row) bool { return a.overlapped[r.Value] }) {
		return
	}
	for bit := 5; bit >= 0; bit-- {
		if !slices.ContainsFunc(w.Fine, func(r schema.Row) bool { return (r.Value&(1<<bit) != 0) != a.overlapped[r.Value] }) {
			a.doc.OverlapBit = &bit
			break
		}
	}
	if a.doc.OverlapBit == nil {
		a.lose("/postbacks/0", "is_overlapped is lost: there is no bit that all overlapped values have and no other")
		return
	}
	rows := slices.Clone(w.Fine)
	w.Fine = slices.DeleteFunc(w.Fine, func(r schema.Row) bool {
		plain := r.Value &^ (1 << *a.doc.OverlapBit)
		return plain != r.Value && slices.ContainsFunc(rows, func(o schema.Row) bool {
			return o.Value == plain && slices.EqualFunc(o.Events, r.Events, sameEvent)
		})
	})
}

func sameEvent(a, b schema.MappedEvent) bool {
	return a.Name == b.Name && a.PartnerName == b.PartnerName && conditions(a) == conditions(b)
}

type (
	airbridgeFile struct {
		Postbacks []airbridgePostback `json:"postbacks"`
	}
	airbridgePostback struct {
		Schema airbridgeTables `json:"conversion_schema"`
	}
	airbridgeTables struct {
		Fine   *airbridgeTable `json:"fine,omitempty"`
		Coarse *airbridgeTable `json:"coarse,omitempty"`
	}
	airbridgeTable struct {
		Rows []airbridgeRow `json:"schema"`
	}
	airbridgeRow struct {
		Value      string           `json:"conversion_value"`
		Overlapped bool             `json:"is_overlapped"`
		Events     []airbridgeEvent `json:"events"`
	}
	airbridgeEvent struct {
		Name    string           `json:"event_name"`
		Type    string           `json:"measurement_type"`
		Partner string           `json:"partner_event_name,omitempty"`
		Values  *airbridgeValues `json:"values,omitempty"`
	}
	airbridgeValues struct {
		Min json.Number `json:"min_amount,omitempty"`
		Max json.Number `json:"max_amount,omitempty"`
	}
)

func writeAirbridge(x *export) ([]byte, error) {
	file := airbridgeFile{Postbacks: []airbridgePostback{}}
	for _, w := range x.doc.Windows {
		for len(file.Postbacks) <= w.Index { // the place is the index
			file.Postbacks = append(file.Postbacks, airbridgePostback{})
		}
		t := &file.Postbacks[w.Index].Schema
		if len(w.Fine) > 0 {
			t.Fine = &airbridgeTable{}
		}
		for _, r := range w.Fine {
			t.Fine.Rows = append(t.Fine.Rows, airbridgeRow{strconv.Itoa(r.Value), overlaps(x.doc, r.Value), airbridgeEvents(r.Events)})
		}
		if len(w.Coarse) > 0 {
			t.Coarse = &airbridgeTable{}
		}
		for _, name := range levels {
			if l, ok := w.Coarse[name]; ok {
				t.Coarse.Rows = append(t.Coarse.Rows, airbridgeRow{name, false, airbridgeEvents(l.Events)})
			}
		}
	}
	return printJSON(file)
}

func airbridgeEvents(events []schema.MappedEvent) []airbridgeEvent {
	out := []airbridgeEvent{}
	again := repeats(events) // then each says its counts, so that the entries stay apart
	for _, e := range events {
		least := leastCount(e)
		if least != 1 || e.CountMax != nil || !priced(e) || again {
			v := &airbridgeValues{Min: json.Number(strconv.Itoa(least)), Max: json.Number(integer(e.CountMax))}
			out = append(out, airbridgeEvent{e.Name, "engagement", e.PartnerName, v})
		}
		if priced(e) {
			v := &airbridgeValues{Min: digits(leastRevenue(e)), Max: digitsOf(e.RevenueMax)}
			out = append(out, airbridgeEvent{e.Name, "revenue", e.PartnerName, v})
		}
	}
	return out
}
