package format

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// export is what a format's writer works on.
type export struct {
	doc   *schema.Document // tidied
	about About
	left  map[cell]string // why the writer left a row or level out
	notes map[cell]string // what is not quite the same of a row that it wrote
	// networkNames: the format has one name for an event, and it is the partner's.
	networkNames bool
}

// cell names a row or a level.
type cell struct {
	window int
	value  string // digits of a fine value, or the level
}

func fineCell(value int) cell { return cell{0, strconv.Itoa(value)} }

func newExport(d *schema.Document, about About, networkNames bool) *export {
	x := &export{about: about, left: map[cell]string{}, notes: map[cell]string{}, networkNames: networkNames}
	x.doc = x.tidy(d)
	return x
}

func (x *export) leave(c cell, why string) { x.left[c] = why }

// tidy copies what can come in a postback at all: windows 0 to 2 by index, fine
// values of the first by value, the three levels; the first of what stands twice.
// A document with an overlap bit gets the rows that the bit implies, since a
// network only knows the values it is told.
func (x *export) tidy(d *schema.Document) *schema.Document {
	t := *d
	t.Windows = nil
	for index := 0; index <= maxWindow; index++ {
		i := slices.IndexFunc(d.Windows, func(w schema.Window) bool { return w.Index == index })
		if i < 0 {
			continue
		}
		w := schema.Window{Index: index, Coarse: map[string]schema.Level{}}
		if canFire(d.Windows[i].Lock) {
			w.Lock = d.Windows[i].Lock
		}
		for value := 0; value <= maxFine && index == 0; value++ {
			row, ok := fineRow(d, &d.Windows[i], value)
			if ok && x.named(fineCell(value), row.Events) {
				w.Fine = append(w.Fine, schema.Row{Value: value, Events: row.Events})
			}
		}
		for _, name := range levels {
			l, ok := d.Windows[i].Coarse[name]
			if ok && x.named(cell{index, name}, l.Events) {
				w.Coarse[name] = l
			}
		}
		t.Windows = append(t.Windows, w)
	}
	return &t
}

// canFire refuses locks of drafts that no file could name.
func canFire(l *schema.Lock) bool {
	switch {
	case l == nil:
		return false
	case l.On == schema.LockEvent:
		return l.Name != ""
	case l.On == schema.LockCoarse:
		return levelRank(l.Name) >= 0
	case l.On == schema.LockFine:
		return l.Number >= 0 && l.Number <= maxFine
	default:
		return l.Number >= 0
	}
}

// named refuses rows with an event that has no name: every format would read them
// as something else.
func (x *export) named(c cell, events []schema.MappedEvent) bool {
	for _, e := range events {
		if e.Name == "" {
			x.leave(c, "one of its events has no name")
			return false
		}
	}
	return true
}

// fineRow finds the row of a value, or of the value without the overlap bit.
func fineRow(d *schema.Document, w *schema.Window, value int) (schema.Row, bool) {
	of := func(v int) int {
		return slices.IndexFunc(w.Fine, func(r schema.Row) bool { return r.Value == v })
	}
	i := of(value)
	if i < 0 && overlaps(d, value) && !slices.ContainsFunc(w.Reserved, func(g [2]int) bool { return value >= g[0] && value <= g[1] }) {
		i = of(value &^ (1 << *d.OverlapBit))
	}
	if i < 0 {
		return schema.Row{}, false
	}
	return w.Fine[i], true
}

// overlaps reports whether a value has the document's overlap bit.
func overlaps(d *schema.Document, value int) bool {
	b := d.OverlapBit
	return b != nil && *b >= 0 && *b <= 5 && value&(1<<*b) != 0
}

// name is what a network calls the event.
func (x *export) name(e schema.MappedEvent) string {
	if x.networkNames && e.PartnerName != "" {
		return e.PartnerName
	}
	return e.Name
}

// lockName is what a network calls the event that locks a window.
func (x *export) lockName(l *schema.Lock) string {
	for _, w := range x.doc.Windows {
		for _, events := range allEvents(w) {
			for _, e := range events {
				if e.Name == l.Name {
					return x.name(e)
				}
			}
		}
	}
	return l.Name
}

func allEvents(w schema.Window) [][]schema.MappedEvent {
	var all [][]schema.MappedEvent
	for _, r := range w.Fine {
		all = append(all, r.Events)
	}
	for _, name := range levels {
		if l, ok := w.Coarse[name]; ok {
			all = append(all, l.Events)
		}
	}
	return all
}

// lockHours is the time lock of the first window, 0 when there is none.
func (x *export) lockHours() int {
	for _, w := range x.doc.Windows {
		if w.Index == 0 && w.Lock != nil && w.Lock.On == schema.LockTime {
			return w.Lock.Number
		}
	}
	return 0
}

// leastCount is count_min with its default: a listed event happened.
func leastCount(e schema.MappedEvent) int {
	if e.CountMin == nil {
		return 1
	}
	return *e.CountMin
}

// leastRevenue is revenue_min with its default, for an event with a band.
func leastRevenue(e schema.MappedEvent) decimal.Decimal {
	if e.RevenueMin == nil {
		return decimal.Zero
	}
	return *e.RevenueMin
}

// digits writes an amount as a JSON number with exactly its digits.
func digits(d decimal.Decimal) json.Number { return json.Number(d.String()) }

func digitsOf(d *decimal.Decimal) json.Number {
	if d == nil {
		return "" // omitted
	}
	return digits(*d)
}

// printJSON writes a file that people can read too.
func printJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

func appText(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// snake spells minEventRevenue as min_event_revenue: the JSON of protocol buffers
// takes both.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
