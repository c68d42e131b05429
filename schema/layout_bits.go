package schema

import (
	"fmt"
	"math/bits"
)

const fineBits = 6

// bitsModel gives each event a bit; a value says which of them happened.
type bitsModel struct{ flags flags }

// flags are events by bit; an event without a name leaves its bit out.
type flags []MappedEvent

func (m *bitsModel) members(r *reader) (map[string]field, []string) {
	return map[string]field{
		"events": func(v *node, at string) { m.flags = list(r, v, at, fineBits, r.orNothing) },
	}, []string{"events"}
}

// orNothing reads a condition; null leaves its place empty.
func (r *reader) orNothing(n *node, at string) MappedEvent {
	if n.kind == null {
		return MappedEvent{}
	}
	return r.condition(n, at)
}

func (m *bitsModel) check(r *reader, n *node, at string) {
	m.flags.check(r, n.member("events"), under(at, "events"), map[string]bool{})
}

func (m *bitsModel) rows(x *expansion) []Row {
	return x.combine([]part{{shift: 0, at: under(layoutAt, "events"), choices: m.flags.choices()}})
}

func (f flags) check(r *reader, n *node, at string, seen map[string]bool) {
	if n == nil || n.kind != array || len(n.items) != len(f) {
		return
	}
	some := false
	for i, e := range f {
		r.once(seen, e, under(at, i))
		some = some || n.items[i].kind != null
	}
	if !some {
		r.add(CodeLayoutInvalid, at, "names no event; add one")
	}
}

// choices lists the values that the flags can take.
func (f flags) choices() []choice {
	var out []choice
	for v := range 1 << len(f) {
		c := choice{value: v}
		for bit, e := range f {
			if v>>bit&1 == 1 {
				c.unused = c.unused || e.Name == ""
				c.events = append(c.events, e)
			}
		}
		if !c.unused {
			out = append(out, c)
		}
	}
	return out
}

// choice is one thing that a range of bits can say.
type choice struct {
	value  int
	unused bool
	events []MappedEvent
}

// part is a range of bits with all its choices.
type part struct {
	shift   int
	at      string
	choices []choice
}

// combine writes a row for every combination of choices. Its values are patterns,
// so none can be moved out of the way of a reserved gap or of the overlap bit.
func (x *expansion) combine(parts []part) []Row {
	rows := []Row{{Value: 0, Events: []MappedEvent{}}}
	for _, p := range parts {
		var next []Row
		for _, c := range p.choices {
			if v := c.value << p.shift; x.d.hasOverlapBit(v) {
				x.fail(p.at, fmt.Sprintf("uses bit %d, which is the overlap bit; leave it out", *x.d.OverlapBit))
				return nil
			}
			for _, r := range rows {
				next = append(next, Row{r.Value | c.value<<p.shift, append(append([]MappedEvent{}, r.Events...), c.events...)})
			}
		}
		rows = next
	}
	for _, r := range rows {
		if x.reserved(r.Value) {
			x.fail(layoutAt, fmt.Sprintf("writes value %d, which is reserved; shrink the gap, or use fewer bits", r.Value))
			return nil
		}
	}
	return rows
}

// width is the number of bits that a count of choices takes.
func width(choices int) int { return bits.Len(uint(choices - 1)) }
