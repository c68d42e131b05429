package schema

import "fmt"

// fieldsModel splits the six bits into ranges that each say something of their own:
// bands of revenue, one of several events (enum), or a bit each (flags). In bands and
// enum 0 is "none of these", and the higher one wins.
type fieldsModel struct{ fields []bitField }

type bitField struct {
	lowest, highest int
	bands           *bandsModel
	enum            []MappedEvent
	flags           flags
	source          *node
}

func (m *fieldsModel) members(r *reader) (map[string]field, []string) {
	return map[string]field{
		"fields": func(v *node, at string) { m.fields = list(r, v, at, fineBits, r.bitField) },
	}, []string{"fields"}
}

func (r *reader) bitField(n *node, at string) bitField {
	f := bitField{lowest: -1, highest: -1, source: n}
	r.object(n, at, map[string]field{
		"bits": func(v *node, at string) {
			if v.kind != array || len(v.items) != 2 {
				r.add(CodeWrongType, at, "is not a range of bits; write [lowest, highest], both included")
				return
			}
			f.lowest = r.within(v.items[0], under(at, 0), 0, fineBits-1)
			f.highest = r.within(v.items[1], under(at, 1), 0, fineBits-1)
		},
		"bands": func(v *node, at string) {
			f.bands = &bandsModel{}
			fields, required := f.bands.members(r)
			r.object(v, at, fields, required...)
			f.bands.check(r, v, at)
		},
		"enum":  func(v *node, at string) { f.enum = list(r, v, at, maxFine, r.condition) },
		"flags": func(v *node, at string) { f.flags = list(r, v, at, fineBits, r.orNothing) },
	}, "bits")
	return f
}

func (m *fieldsModel) check(r *reader, n *node, at string) {
	at = under(at, "fields")
	if v := n.member("fields"); v != nil && v.kind == array && len(v.items) == 0 {
		r.add(CodeLayoutInvalid, at, "is empty; write the ranges of bits")
	}
	used := map[int]bool{}
	seen := map[string]bool{}
	for i, f := range m.fields {
		if f.source.kind == object {
			f.check(r, under(at, i), used, seen)
		}
	}
}

func (f *bitField) check(r *reader, at string, used map[int]bool, seen map[string]bool) {
	meanings := 0
	for _, name := range []string{"bands", "enum", "flags"} {
		if f.source.member(name) != nil {
			meanings++
		}
	}
	if meanings != 1 {
		r.add(CodeLayoutInvalid, at, fmt.Sprintf("has %d meanings; give it one of bands, enum, flags", meanings))
	}
	if f.bands != nil {
		r.once(seen, f.bands.event, under(under(at, "bands"), "event"))
	}
	for i, e := range f.enum {
		r.once(seen, e, under(under(at, "enum"), i))
	}
	if e := f.source.member("enum"); e != nil && e.kind == array && len(e.items) == 0 {
		r.add(CodeLayoutInvalid, under(at, "enum"), "names no event; add one")
	}
	f.flags.check(r, f.source.member("flags"), under(at, "flags"), seen)
	if f.lowest < 0 || f.highest < 0 {
		return
	}
	p := under(at, "bits")
	if f.lowest > f.highest {
		r.add(CodeLayoutInvalid, p, "ends before it begins; write [lowest, highest]")
		return
	}
	for bit := f.lowest; bit <= f.highest; bit++ {
		if used[bit] {
			r.add(CodeLayoutInvalid, p, fmt.Sprintf("takes bit %d, which another field has; let the ranges not meet", bit))
		}
		used[bit] = true
	}
	if have := f.highest - f.lowest + 1; len(f.flags) > have {
		r.add(CodeLayoutInvalid, p, fmt.Sprintf("has room for %d flags, not for %d; widen it", have, len(f.flags)))
	} else if need := width(len(f.enum) + 1); need > have {
		r.add(CodeLayoutInvalid, p, fmt.Sprintf("has %d bits; %d events beside none of them need %d", have, len(f.enum), need))
	}
}

func (m *fieldsModel) rows(x *expansion) []Row {
	var parts []part
	for i, f := range m.fields {
		p := part{shift: f.lowest, at: under(under(under(layoutAt, "fields"), i), "bits")}
		switch {
		case f.flags != nil:
			p.choices = f.flags.choices()
		case f.bands != nil:
			// Whether the last band is open depends on the cap, so their number does too.
			p.choices = oneOf(f.bands.bands(x.d.RevenueCap))
		default:
			p.choices = oneOf(f.enum)
		}
		if have := f.highest - f.lowest + 1; width(len(p.choices)) > have && f.bands != nil {
			x.fail(p.at, fmt.Sprintf("has %d bits; %d bands beside none of them need %d", have, len(p.choices)-1, width(len(p.choices))))
			continue
		}
		parts = append(parts, p)
	}
	if len(x.findings) > 0 {
		return nil
	}
	return x.combine(parts)
}

// oneOf lists "none of them", then each of the events.
func oneOf(events []MappedEvent) []choice {
	out := []choice{{value: 0}}
	for i, e := range events {
		out = append(out, choice{value: i + 1, events: []MappedEvent{e}})
	}
	return out
}
