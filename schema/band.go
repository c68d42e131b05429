package schema

import "github.com/shopspring/decimal"

// band is a range of counts or amounts; a nil max is open.
type band struct {
	min decimal.Decimal
	max *decimal.Decimal
}

// revenueBand is the event's band of revenue; false when it has none. An event
// that only has an estimate has the band that says nothing: 0 and more.
func (e MappedEvent) revenueBand() (band, bool) {
	if e.RevenueMin == nil && e.RevenueMax == nil && e.RevenueEst == nil {
		return band{}, false
	}
	b := band{max: e.RevenueMax}
	if e.RevenueMin != nil {
		b.min = *e.RevenueMin
	}
	return b, true
}

// countBand is the event's band of counts; false when all it asks is that the event
// happened, which is the default.
func (e MappedEvent) countBand() (band, bool) {
	b := band{min: decimal.NewFromInt(int64(e.leastCount()))}
	if e.CountMax != nil {
		m := decimal.NewFromInt(int64(*e.CountMax))
		b.max = &m
	}
	return b, e.leastCount() != 1 || e.CountMax != nil
}

// leastCount is count_min with its default: a listed event happened.
func (e MappedEvent) leastCount() int {
	if e.CountMin == nil {
		return 1
	}
	return *e.CountMin
}

// pays reports whether the event's revenue can be other than zero.
func (e MappedEvent) pays() bool {
	b, ok := e.revenueBand()
	switch {
	case !ok:
		return false
	case b.max != nil:
		return b.max.IsPositive()
	default:
		return e.RevenueEst == nil || e.RevenueEst.IsPositive()
	}
}

func (b band) equal(o band) bool {
	if (b.max == nil) != (o.max == nil) || !b.min.Equal(o.min) {
		return false
	}
	return b.max == nil || b.max.Equal(*o.max)
}

// meets reports whether some amount lies in both bands, maxima left out.
func (b band) meets(o band) bool {
	return b.equal(o) ||
		(o.max == nil || b.min.LessThan(*o.max)) && (b.max == nil || o.min.LessThan(*b.max))
}

// contains reports whether x lies in the band. Whether a maximum belongs to it
// depends on the table, so begins tells whether another band begins there.
func (b band) contains(x decimal.Decimal, begins func(at decimal.Decimal) bool) bool {
	if x.LessThan(b.min) {
		return false
	}
	if b.max == nil || x.LessThan(*b.max) {
		return true
	}
	return x.Equal(*b.max) && !begins(x)
}

// entry is one line of a table: a fine value or a coarse level.
type entry struct {
	rank   int // the fine value, or 0-2 for low to high; higher wins
	events []MappedEvent
	place  place
}

// place is a pointer that is only written when a finding needs it.
type place struct {
	window, kind string
	part         any
}

func (p place) String() string { return under(under(p.window, p.kind), p.part) }

func (e entry) pointer() string { return e.place.String() }

func (e entry) event(j int) string { return under(under(e.pointer(), "events"), j) }

// table is what one kind of value can say in one window.
type table []entry

// fineTable lists the rows that a fine value may come from. A row in a reserved gap
// or out of range means nothing. The pointer is of the window.
func (w *Window) fineTable(pointer string) table {
	t := make(table, 0, len(w.Fine))
	for i, r := range w.Fine {
		if r.Value < 0 || r.Value > maxFine || w.isReserved(r.Value) {
			continue
		}
		t = append(t, entry{r.Value, r.Events, place{pointer, "fine", i}})
	}
	return t
}

func (w *Window) coarseTable(pointer string) table {
	t := make(table, 0, len(levels))
	for rank, name := range levels {
		if l, ok := w.Coarse[name]; ok {
			t = append(t, entry{rank, l.Events, place{pointer, "coarse", name}})
		}
	}
	return t
}

// dimension picks one of the two bands of an event.
type dimension func(MappedEvent) (band, bool)

// begins returns whether a band of the event other than b begins at an amount.
func (t table) begins(name string, of dimension, b band) func(decimal.Decimal) bool {
	return func(at decimal.Decimal) bool {
		for _, e := range t {
			for _, ev := range e.events {
				if ev.Name != name {
					continue
				}
				o, ok := of(ev)
				if ok && o.min.Equal(at) && !o.equal(b) {
					return true
				}
			}
		}
		return false
	}
}

// total is what one event amounts to for one install.
type total struct {
	count   int
	revenue decimal.Decimal
}

// holds reports whether all conditions of the entry are met.
func (t table) holds(e entry, x map[string]total) bool {
	for _, ev := range e.events {
		if !t.met(ev, x[ev.Name]) {
			return false
		}
	}
	return true
}

func (t table) met(ev MappedEvent, x total) bool {
	if x.count < ev.leastCount() {
		return false
	}
	if ev.CountMax != nil && x.count >= *ev.CountMax {
		b, _ := ev.countBand()
		n := decimal.NewFromInt(int64(x.count))
		if !b.contains(n, t.begins(ev.Name, MappedEvent.countBand, b)) {
			return false
		}
	}
	b, ok := ev.revenueBand()
	return !ok || b.contains(x.revenue, t.begins(ev.Name, MappedEvent.revenueBand, b))
}

// highest returns the position of the winning entry; -1 when none is met. Entries
// that skip refuses cannot win.
func (t table) highest(x map[string]total, skip func(entry) bool) int {
	best := -1
	for i, e := range t {
		if best >= 0 && e.rank <= t[best].rank || skip != nil && skip(e) {
			continue
		}
		if t.holds(e, x) {
			best = i
		}
	}
	return best
}
