package aggregate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// histogramKey is what one histogram is of: two digits or a campaign id of a network;
// else the network's rows without them; else the app's `other` or `total`. Each row
// is in one campaign, so no other histogram of the same installs exists.
type histogramKey struct{ network, idKind, source2 string }

func campaignOf(r Row) histogramKey {
	if r.Source2 == "" {
		return histogramKey{network: r.NetworkID}
	}
	return histogramKey{r.NetworkID, r.IDKind, r.Source2}
}

func (c histogramKey) compare(o histogramKey) int {
	return cmp.Or(cmp.Compare(c.network, o.network), cmp.Compare(c.source2, o.source2), cmp.Compare(c.idKind, o.idKind))
}

// histogram is the fine installs of a campaign's rows on which payers stand: those
// rows and no others, or rows and histogram together would leave remainders.
type histogram struct {
	counts    []int // by cell of the tree
	installs  int
	ambiguous int
}

func histograms(rows []measured, t *valueTree) map[histogramKey]*histogram {
	out := map[histogramKey]*histogram{}
	for _, m := range rows {
		if m.row.Payers == nil {
			continue
		}
		c := campaignOf(m.row)
		h := out[c]
		if h == nil {
			h = &histogram{counts: make([]int, len(t.cells))}
			out[c] = h
		}
		for _, g := range m.groups {
			if g.Kind == ValueFine {
				h.add(g, t)
			}
		}
	}
	return out
}

func (h *histogram) add(g *Counted, t *valueTree) {
	h.counts[t.find(g)] += g.N
	h.installs += g.N
	if g.Ambiguous {
		h.ambiguous += g.N
	}
}

// publish gives the bins and events of a release.
func (t *valueTree) publish(rows []measured, b int) (values []ValueBin, events []EventCount) {
	found := histograms(rows, t)
	for _, c := range slices.SortedFunc(maps.Keys(found), histogramKey.compare) {
		h := found[c]
		if h.installs == 0 {
			continue // the rows say it: none had a fine value
		}
		bins := t.bins(h.counts, b)
		v := t.values(bins)
		e := t.eventCounts(bins, ambiguousShare(h.ambiguous, h.installs, b))
		for i := range v {
			v[i].NetworkID, v[i].IDKind, v[i].Source2 = c.network, c.idKind, c.source2
		}
		for i := range e {
			e[i].NetworkID, e[i].IDKind, e[i].Source2 = c.network, c.idKind, c.source2
		}
		values, events = append(values, v...), append(events, e...)
	}
	return values, events
}

// values is the bins as published, and what the cap cut as a sum of them.
func (t *valueTree) values(bins []bin) []ValueBin {
	var out []ValueBin
	for _, b := range bins {
		out = append(out, t.value(b))
	}
	slices.SortStableFunc(out, func(a, b ValueBin) int {
		return cmp.Or(a.From-b.From, a.To-b.To, cmp.Compare(a.Values, b.Values))
	})
	clamped := func(c cell) bool { return c.meaning.Clamped }
	all := t.all()
	if t.contains(all, clamped) == none {
		return out
	}
	cut, _ := split(all, func(i int) bool { return clamped(t.cells[i]) })
	line := t.value(bin{cells: cut})
	line.Kind, line.RevenueMin, line.RevenueEst, line.RevenueMax = BinClamped, nil, nil, nil
	n, stands := t.total(bins, clamped)
	line.Installs = standing(n, stands)
	return append(out, line)
}

// ambiguousShare is a share in steps of 5 %, where 0 or at least b stand on both
// sides of it.
func ambiguousShare(ambiguous, installs, b int) *decimal.Decimal {
	if installs == 0 || !bothHold(installs, ambiguous, b) {
		return nil
	}
	const steps = 20
	nearest := (2*steps*ambiguous + installs) / (2 * installs)
	share := decimal.New(int64(nearest)*100/steps, -2)
	return &share
}
