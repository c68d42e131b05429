package format

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skand/schema"
)

// Apple's ranges.
const (
	maxFine   = 63
	maxWindow = 2
)

var levels = []string{"low", "medium", "high"}

// row is one mapping as a file has it: a fine value or a level, with its events.
type row struct {
	at     string
	window int
	value  int    // 0-63; -1: a level
	level  string // low, medium, high; "": a fine value
	events []event
}

// event is a condition, with the currency of its own that some formats give it.
type event struct {
	schema.MappedEvent
	at       string
	currency string
}

// builder collects the rows of a file and makes the document of them.
type builder struct {
	*reader
	doc      *schema.Document
	rows     []row
	windows  [maxWindow + 1]schema.Window
	top      int   // the highest window that was seen
	app      int64 // that the file names; 0: none
	appAt    string
	ownMoney bool // events carry their currency
	// whatever the format has to settle when all rows are there
	settle []func()
}

// window notes that the file has it.
func (b *builder) window(index int) *schema.Window {
	b.top = max(b.top, index)
	return &b.windows[index]
}

func (b *builder) appID(v value) {
	id, ok := b.whole(v, 1, 1<<53)
	if ok {
		b.app, b.appAt = id, v.at
	}
}

// fineValue reads a number from 0 to 63, also as a string; ok is false when it is
// none of these.
func (b *builder) fineValue(v value) (int, bool) {
	if v.kind != number && v.kind != text {
		b.wrong(v, number)
		return 0, false
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 0 || n > maxFine {
		b.fail(schema.CodeValueOutOfRange, v.at, fmt.Sprintf("is %.30q; a fine value is 0 to %d", v.text, maxFine))
		return 0, false
	}
	return n, true
}

func (b *builder) level(v value) (string, bool) {
	if v.kind != text {
		b.wrong(v, text)
		return "", false
	}
	l := strings.ToLower(v.text)
	if !slices.Contains(levels, l) {
		b.fail(schema.CodeCoarseUnknown, v.at, fmt.Sprintf("is %.30q; a level is low, medium or high", v.text))
		return "", false
	}
	return l, true
}

// valueOrLevel reads what may be either.
func (b *builder) valueOrLevel(v value) (fine int, level string, ok bool) {
	if v.kind == text && slices.Contains(levels, strings.ToLower(v.text)) {
		return -1, strings.ToLower(v.text), true
	}
	fine, ok = b.fineValue(v)
	return fine, "", ok
}

// add takes a row. Fine values come with the first postback only (Apple sends no
// others), so one in a later window means nothing.
func (b *builder) add(r row) {
	b.window(r.window)
	if r.level == "" && r.window > 0 {
		b.lose(r.at, fmt.Sprintf("a fine value in window %d never comes: Apple sends fine values with the first postback only", r.window))
		return
	}
	if len(r.events) > maxEvents {
		b.fail(schema.CodeTooLarge, r.at, fmt.Sprintf("has %d events; at most %d are read", len(r.events), maxEvents))
		return
	}
	b.rows = append(b.rows, r)
}

// finish makes the document: rows in their windows, one currency, the app.
func (b *builder) finish(appID int64) *schema.Document {
	if b.ownMoney {
		b.chooseCurrency()
	} else if b.doc.Currency == "" && slices.ContainsFunc(b.rows, row.pays) {
		b.lose("", "the format has no currency for its amounts; add currency to the document")
	}
	for _, r := range b.rows {
		b.place(r)
	}
	for _, settle := range b.settle {
		settle()
	}
	for i := 0; i <= b.top; i++ {
		b.windows[i].Index = i
		b.doc.Windows = append(b.doc.Windows, b.windows[i])
	}
	b.doc.AppID = b.app
	if appID != 0 {
		b.doc.AppID = appID
	}
	if b.app != 0 && b.app != b.doc.AppID {
		b.lose(b.appAt, fmt.Sprintf("the mapping is of app %d; it was read for app %d", b.app, b.doc.AppID))
	}
	return b.doc
}

func (b *builder) place(r row) {
	w := &b.windows[r.window]
	events := make([]schema.MappedEvent, 0, len(r.events))
	for _, e := range r.events {
		events = append(events, e.MappedEvent)
	}
	if r.level != "" {
		if _, twice := w.Coarse[r.level]; twice {
			b.fail(schema.CodeDuplicateValue, r.at, fmt.Sprintf("%s stands in window %d already; merge the two", r.level, r.window))
			return
		}
		if w.Coarse == nil {
			w.Coarse = map[string]schema.Level{}
		}
		w.Coarse[r.level] = schema.Level{Events: events}
		return
	}
	if slices.ContainsFunc(w.Fine, func(o schema.Row) bool { return o.Value == r.value }) {
		b.fail(schema.CodeDuplicateValue, r.at, fmt.Sprintf("value %d has a row already; merge the two", r.value))
		return
	}
	w.Fine = append(w.Fine, schema.Row{Value: r.value, Events: events})
}

// chooseCurrency makes the first currency that prices something the document's,
// else the first that is named: a document has one, and amounts of another cannot
// be converted here.
func (b *builder) chooseCurrency() {
	for _, priced := range []bool{true, false} {
		for _, r := range b.rows {
			for _, e := range r.events {
				if b.doc.Currency == "" && e.pays() == priced {
					b.doc.Currency = e.currency
				}
			}
		}
	}
	b.rows = slices.DeleteFunc(b.rows, func(r row) bool {
		for _, e := range r.events {
			if !e.pays() || e.currency == b.doc.Currency {
				continue
			}
			if e.currency == "" {
				b.lose(e.at, fmt.Sprintf("the amounts have no currency; they were read as %s, like the others", b.doc.Currency))
				continue
			}
			b.lose(r.at, fmt.Sprintf("is left out: its amounts are in %s, and a document has one currency, here %s", e.currency, b.doc.Currency))
			return true
		}
		return false
	})
	if b.doc.Currency == "" && slices.ContainsFunc(b.rows, row.pays) {
		b.lose("", "no amount has a currency; add currency to the document")
	}
}

func (r row) pays() bool { return slices.ContainsFunc(r.events, event.pays) }

func (e event) pays() bool { return priced(e.MappedEvent) }

// priced reports whether the event has a band of revenue.
func priced(e schema.MappedEvent) bool {
	return e.RevenueMin != nil || e.RevenueMax != nil || e.RevenueEst != nil
}
