package schema

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// coarsePart is what a layout writes to the coarse levels of one window. It comes in
// four ways: the levels themselves ({"low", "medium", "high"} as in a window); or two
// thresholds where medium and high begin, of an event's revenue ("event" and
// "revenue"), of its counts ("event" and "counts"), or the days on which an install
// came back ("days"). Thresholds leave low without a condition: it is what the others
// are not. A document keeps its own levels in windows that the layout leaves out.
type coarsePart struct {
	window int
	levels map[string]Level
}

func (r *reader) coarsePart(n *node, at string) coarsePart {
	c := coarsePart{window: -1}
	var event MappedEvent
	var revenue []*decimal.Decimal
	var counts, days []*int
	var given []member
	est := map[string]*decimal.Decimal{}
	fields := map[string]field{
		"window":  func(v *node, at string) { c.window = r.within(v, at, 0, maxWindow) },
		"event":   func(v *node, at string) { event = r.who(v, at) },
		"revenue": func(v *node, at string) { revenue = list(r, v, at, 2, r.money) },
		"counts":  func(v *node, at string) { counts = list(r, v, at, 2, r.count) },
		"days":    func(v *node, at string) { days = list(r, v, at, 2, r.count) },
		"revenue_est": func(v *node, at string) {
			byLevel := map[string]field{}
			for _, l := range levels {
				byLevel[l] = func(v *node, at string) { est[l] = r.money(v, at) }
			}
			r.object(v, at, byLevel)
		},
	}
	for _, l := range levels {
		fields[l] = func(v *node, _ string) { given = append(given, member{l, v}) }
	}
	r.object(n, at, fields, "window")
	if n.kind != object {
		return c
	}
	r.coarseWays(n, at)
	switch {
	case len(given) > 0:
		c.levels = r.coarse(&node{kind: object, members: given}, at)
	case n.member("revenue") != nil && r.pair(revenue, at, "revenue"):
		r.risingAmounts(revenue, under(at, "revenue"))
		medium, high := event, event
		medium.RevenueMin, medium.RevenueMax, high.RevenueMin = revenue[0], revenue[1], revenue[1]
		c.levels = thresholds(medium, high)
	case n.member("counts") != nil && r.pair(counts, at, "counts"):
		r.rising(counts, under(at, "counts"))
		medium, high := event, event
		medium.CountMin, medium.CountMax, high.CountMin = counts[0], counts[1], counts[1]
		c.levels = thresholds(medium, high)
	case n.member("days") != nil && r.pair(days, at, "days"):
		r.rising(days, under(at, "days"))
		r.daysOf(c.window, days, under(at, "days"))
		c.levels = thresholds(retained(*days[0]), retained(*days[1]))
	}
	for name, e := range est {
		if l, ok := c.levels[name]; ok {
			l.RevenueEst = e
			c.levels[name] = l
		}
	}
	return c
}

// coarseWays reports a part that mixes the ways of saying it, or uses none.
func (r *reader) coarseWays(n *node, at string) {
	has := func(name string) bool { return n.member(name) != nil }
	ways := 0
	for _, way := range []string{"revenue", "counts", "days"} {
		if has(way) {
			ways++
		}
	}
	byLevel := slices.ContainsFunc(levels, has)
	if byLevel {
		ways++
	}
	takesEvent := has("revenue") || has("counts")
	switch {
	case ways != 1:
		r.add(CodeLayoutInvalid, at, "write the levels low, medium, high; or revenue, counts or days with two thresholds; and only one of these")
	case takesEvent && !has("event"):
		r.add(CodeMemberMissing, under(at, "event"), "is missing; name the event that the thresholds are of")
	case !takesEvent && has("event"):
		r.add(CodeLayoutInvalid, under(at, "event"), "belongs to revenue or counts; remove it")
	case byLevel && has("revenue_est"):
		r.add(CodeLayoutInvalid, under(at, "revenue_est"), "belongs into the levels; move it there")
	}
}

// pair reports whether both thresholds were read. What was refused has been said.
func (r *reader) pair(of any, at, name string) bool {
	refused, n := false, 0
	switch of := of.(type) {
	case []*decimal.Decimal:
		refused, n = of == nil || slices.Contains(of, nil), len(of)
	case []*int:
		refused, n = of == nil || slices.Contains(of, nil), len(of)
	}
	if !refused && n < 2 {
		r.add(CodeLayoutInvalid, under(at, name), "takes two thresholds: where medium begins, and where high does")
	}
	return !refused && n == 2
}

func (r *reader) risingAmounts(a []*decimal.Decimal, at string) {
	if !a[0].LessThan(*a[1]) {
		r.add(CodeLayoutInvalid, under(at, 1), fmt.Sprintf("%s is not above %s; write where high begins", a[1], a[0]))
	}
}

// windowDays are the days that can begin within a window. By the calendar the last
// day may begin before the window's last hour does.
var windowDays = [...][2]int{{1, 2}, {2, 7}, {7, 35}}

func (r *reader) daysOf(window int, days []*int, at string) {
	if window < 0 {
		return
	}
	span := windowDays[window]
	for i, day := range days {
		if *day < span[0] || *day > span[1] {
			r.add(CodeLayoutInvalid, under(at, i),
				fmt.Sprintf("is day %d; window %d has the days %d to %d", *day, window, span[0], span[1]))
		}
	}
}

func thresholds(medium, high MappedEvent) map[string]Level {
	return map[string]Level{
		"low":    {Events: []MappedEvent{}},
		"medium": {Events: []MappedEvent{medium}},
		"high":   {Events: []MappedEvent{high}},
	}
}
