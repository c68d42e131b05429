package schema

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// bandsModel writes one revenue band of an event to each value: count bands of equal
// width from an amount on, or bands between edges. Bands touch: the maximum of one is
// the minimum of the next and belongs to the next.
//
// The last band is open (of equal bands the last one loses its maximum; of edges the
// last one begins a band more), so that nobody who spends more falls out of the
// table. It is closed where "open" is false, or is not said and the cap of the
// document cuts what lies above the last edge anyhow.
type bandsModel struct {
	event MappedEvent
	equal bool
	from  *decimal.Decimal
	step  *decimal.Decimal
	count int
	edges []*decimal.Decimal // of equal bands too, once they are checked
	open  *bool
}

func (b *bandsModel) members(r *reader) (map[string]field, []string) {
	return map[string]field{
		"event": func(v *node, at string) { b.event = r.who(v, at) },
		"from":  func(v *node, at string) { b.from = r.money(v, at) },
		"step":  func(v *node, at string) { b.step = r.money(v, at) },
		"count": func(v *node, at string) { b.count = r.within(v, at, 1, maxFine) },
		"edges": func(v *node, at string) { b.edges = list(r, v, at, maxFine+1, r.money) },
		"open": func(v *node, at string) {
			if v.kind != boolean {
				r.wrong(at, v, boolean)
				return
			}
			b.open = &v.truth
		},
	}, []string{"event"}
}

func (b *bandsModel) check(r *reader, n *node, at string) {
	if n.kind != object {
		return
	}
	edges := n.member("edges")
	b.equal = edges == nil
	for _, name := range []string{"from", "step", "count"} {
		switch m := n.member(name); {
		case b.equal && m == nil:
			r.add(CodeMemberMissing, under(at, name), "is missing; add it, or write the bands by their edges")
		case !b.equal && m != nil:
			r.add(CodeLayoutInvalid, under(at, name), "stands beside edges; keep edges, or from, step and count")
		}
	}
	if b.equal {
		b.checkEqual(r, at)
		return
	}
	at = under(at, "edges")
	if edges.kind == array && len(edges.items) == 0 {
		r.add(CodeLayoutInvalid, at, "is empty; write the amounts where bands begin")
	}
	if len(b.edges) == 1 && b.open != nil && !*b.open {
		r.add(CodeLayoutInvalid, at, "has one edge, which makes no closed band; add one")
	}
	for i := 1; i < len(b.edges); i++ {
		if a, z := b.edges[i-1], b.edges[i]; a != nil && z != nil && !a.LessThan(*z) {
			r.add(CodeLayoutInvalid, under(at, i), fmt.Sprintf("%s is not above %s; write the edges from low to high", z, a))
		}
	}
}

func (b *bandsModel) checkEqual(r *reader, at string) {
	if b.from == nil || b.step == nil || b.count < 1 {
		return
	}
	if b.step.IsZero() {
		r.add(CodeLayoutInvalid, under(at, "step"), "is 0; write the width of a band")
		return
	}
	edge := *b.from
	for range b.count + 1 {
		e := edge
		b.edges = append(b.edges, &e)
		edge = edge.Add(*b.step)
	}
	if top := b.edges[b.count]; top.GreaterThanOrEqual(maxMoney) {
		r.add(CodeLayoutInvalid, under(at, "count"), fmt.Sprintf("the last band ends at %s; amounts are below %s", top, maxMoney))
	}
}

// bands lists the bands from low to high.
func (b *bandsModel) bands(limit *decimal.Decimal) []MappedEvent {
	n := len(b.edges) - 1
	open := limit == nil || limit.GreaterThan(*b.edges[n])
	if b.open != nil {
		open = *b.open
	}
	open = open || n == 0
	if open && !b.equal {
		n++
	}
	out := make([]MappedEvent, n)
	for i := range out {
		out[i] = b.event
		out[i].RevenueMin = b.edges[i]
		if i+1 < n || !open {
			out[i].RevenueMax = b.edges[i+1]
		}
	}
	return out
}

func (b *bandsModel) rows(x *expansion) []Row { return x.deal(singles(b.bands(x.d.RevenueCap))) }

// singles makes a step of each event.
func singles(events []MappedEvent) [][]MappedEvent {
	steps := make([][]MappedEvent, len(events))
	for i, e := range events {
		steps[i] = []MappedEvent{e}
	}
	return steps
}
