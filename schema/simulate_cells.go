package schema

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// A value of the current version stands for many installs: any purchase from $2 to
// $4, say. To see what a draft makes of them, the installs are cut into cells at
// every edge that either version has, so that all of a cell read the same.

// cell is one kind of install behind a value, and its share of them.
type cell struct {
	totals map[string]total
	weight decimal.Decimal // 0: possible, but not assumed
}

// maxCells bounds the cells of one value; beyond it further events are taken at
// their most likely amount only.
const maxCells = 256

// side is one table of one version, asked as a phone asks it.
type side struct {
	doc   *Document
	table table
}

func sideOf(d *Document, index int, kind string) side {
	w := d.window(index, false)
	switch {
	case w == nil:
		return side{doc: d}
	case kind == KindFine:
		t := w.fineTable("")
		return side{d, slices.DeleteFunc(t, func(e entry) bool { return d.hasOverlapBit(e.rank) })}
	default:
		return side{d, w.coarseTable("")}
	}
}

// rank is what a phone with these totals sets; nothing is -1.
func (s side) rank(x map[string]total) int {
	if limit := s.doc.RevenueCap; limit != nil {
		capped := make(map[string]total, len(x))
		for name, t := range x {
			capped[name] = total{t.count, decimal.Min(t.revenue, *limit)}
		}
		x = capped
	}
	i := s.table.highest(x, nil)
	if i < 0 {
		return -1
	}
	return s.table[i].rank
}

// entryOf finds the entry of a value; nil when it is not mapped.
func (s side) entryOf(rank int) *entry {
	for i := range s.table {
		if s.table[i].rank == rank {
			return &s.table[i]
		}
	}
	return nil
}

// outcome is what a draft makes of the installs of one current value.
type outcome struct {
	shares   map[int]decimal.Decimal // by draft value; -1 is nothing set. They add up to 1
	possible map[int]bool
}

// outcomeOf maps the installs of one entry of the current version to the draft.
// Point estimate: amounts spread evenly over a closed band, an open band lies at
// its estimate, counts spread evenly (an open count at its minimum), and what the
// value does not vouch for did not happen. Possible is every draft value for which
// there is an install that the current version gives this value.
func outcomeOf(current side, e entry, draft side) outcome {
	cells := []cell{{totals: map[string]total{}, weight: unity}}
	for _, ev := range e.events {
		cells = spread(cells, ev.Name, current.amounts(ev, draft))
	}
	fits := slices.DeleteFunc(slices.Clone(cells), func(c cell) bool { return current.rank(c.totals) != e.rank })
	sum := decimal.Zero
	for _, c := range fits {
		sum = sum.Add(c.weight)
	}
	if sum.IsZero() { // a value that no phone can hold; take it at its word
		fits, sum = cells, unity
	}
	out := outcome{map[int]decimal.Decimal{}, map[int]bool{}}
	for _, c := range fits {
		rank := draft.rank(c.totals)
		out.possible[rank] = true
		if !c.weight.IsZero() {
			out.shares[rank] = out.shares[rank].Add(c.weight.DivRound(sum, weightDigits))
		}
		for _, d := range draft.table {
			if x := raised(c.totals, d); !out.possible[d.rank] && current.rank(x) == e.rank && draft.rank(x) == d.rank {
				out.possible[d.rank] = true
			}
		}
	}
	return out
}

const weightDigits = 18

// raised is the least that has to happen beyond x for the entry to hold.
func raised(x map[string]total, e entry) map[string]total {
	y := maps.Clone(x)
	for _, ev := range e.events {
		t := y[ev.Name]
		t.count = max(t.count, ev.leastCount())
		b, ok := ev.revenueBand()
		if ok {
			t.revenue = decimal.Max(t.revenue, b.min)
		}
		y[ev.Name] = t
	}
	return y
}

// share is one amount of one event with its part of the installs.
type share struct {
	total  total
	weight decimal.Decimal
}

// spread crosses the cells with the amounts of one more event.
func spread(cells []cell, name string, amounts []share) []cell {
	if len(cells)*len(amounts) > maxCells {
		heaviest := amounts[0]
		for _, a := range amounts {
			if a.weight.GreaterThan(heaviest.weight) {
				heaviest = a
			}
		}
		amounts = []share{{heaviest.total, unity}}
	}
	out := make([]cell, 0, len(cells)*len(amounts))
	for _, c := range cells {
		for _, a := range amounts {
			totals := maps.Clone(c.totals)
			totals[name] = a.total
			out = append(out, cell{totals, c.weight.Mul(a.weight).Round(weightDigits)})
		}
	}
	return out
}

// amounts lists what an event of the current version can amount to, cut where
// either version has an edge.
func (s side) amounts(ev MappedEvent, draft side) []share {
	counts := s.counts(ev, draft)
	money := []share{{weight: unity}}
	if b, ok := ev.revenueBand(); ok {
		cuts := append(s.edges(ev.Name, MappedEvent.revenueBand), draft.edges(ev.Name, MappedEvent.revenueBand)...)
		for _, d := range []*Document{s.doc, draft.doc} {
			if d.RevenueCap != nil {
				cuts = append(cuts, *d.RevenueCap)
			}
		}
		if b.max == nil {
			money = openBand(b, decimal.Max(b.min, s.doc.estimate(ev, b)), cuts)
		} else {
			money = closedBand(b, cuts)
		}
	}
	var out []share
	for _, c := range counts {
		for _, m := range money {
			out = append(out, share{total{c.total.count, m.total.revenue}, c.weight.Mul(m.weight).Round(weightDigits)})
		}
	}
	return out
}

func (s side) edges(name string, of dimension) []decimal.Decimal {
	var out []decimal.Decimal
	for _, e := range s.table {
		for _, ev := range e.events {
			b, ok := of(ev)
			if ev.Name != name || !ok {
				continue
			}
			out = append(out, b.min)
			if b.max != nil {
				out = append(out, *b.max)
			}
		}
	}
	return out
}

// between sorts the cuts strictly inside a range; a nil high is open.
func between(cuts []decimal.Decimal, low decimal.Decimal, high *decimal.Decimal) []decimal.Decimal {
	slices.SortFunc(cuts, decimal.Decimal.Cmp)
	cuts = slices.CompactFunc(cuts, decimal.Decimal.Equal)
	return slices.DeleteFunc(cuts, func(c decimal.Decimal) bool {
		return !c.GreaterThan(low) || high != nil && !c.LessThan(*high)
	})
}

// openBand assumes the estimate; every edge above the minimum is possible too.
func openBand(b band, estimate decimal.Decimal, cuts []decimal.Decimal) []share {
	out := []share{{total{1, estimate}, unity}, {total{1, b.min}, decimal.Zero}}
	for _, c := range between(cuts, b.min, nil) {
		out = append(out, share{total{1, c}, decimal.Zero})
	}
	return out
}

// closedBand gives every piece between two cuts its length, at its middle. The
// edges themselves are possible, but have no length.
func closedBand(b band, cuts []decimal.Decimal) []share {
	width := b.max.Sub(b.min)
	if !width.IsPositive() {
		return []share{{total{1, b.min}, unity}}
	}
	out := []share{{total{1, b.min}, decimal.Zero}, {total{1, *b.max}, decimal.Zero}}
	from := b.min
	for _, to := range append(between(cuts, b.min, b.max), *b.max) {
		out = append(out, share{total{1, from.Add(to).Mul(half)}, to.Sub(from).DivRound(width, weightDigits)})
		if to.LessThan(*b.max) {
			out = append(out, share{total{1, to}, decimal.Zero})
		}
		from = to
	}
	return out
}

// counts is the same for how often the event happened.
func (s side) counts(ev MappedEvent, draft side) []share {
	b, _ := ev.countBand()
	cuts := append(s.edges(ev.Name, MappedEvent.countBand), draft.edges(ev.Name, MappedEvent.countBand)...)
	for _, c := range slices.Clone(cuts) {
		cuts = append(cuts, c.Add(unity)) // a maximum may belong to its band
	}
	least := ev.leastCount()
	if b.max == nil {
		out := []share{{total{count: least}, unity}}
		for _, c := range between(cuts, b.min, nil) {
			out = append(out, share{total{count: int(c.IntPart())}, decimal.Zero})
		}
		return out
	}
	end := *b.max
	if b.contains(end, s.table.begins(ev.Name, MappedEvent.countBand, b)) {
		end = end.Add(unity)
	}
	width := end.Sub(b.min)
	if !width.IsPositive() {
		return []share{{total{count: least}, unity}}
	}
	var out []share
	from := b.min
	for _, to := range append(between(cuts, b.min, &end), end) {
		out = append(out, share{total{count: int(from.IntPart())}, to.Sub(from).DivRound(width, weightDigits)})
		from = to
	}
	return out
}
