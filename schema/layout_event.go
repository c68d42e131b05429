package schema

import (
	"fmt"
	"strings"
)

// who reads the event of a model that makes the conditions itself.
func (r *reader) who(n *node, at string) MappedEvent {
	var e MappedEvent
	r.object(n, at, whoMembers(r, &e))
	r.named(e, n, at)
	return e
}

// condition reads an event with its least count and revenue.
func (r *reader) condition(n *node, at string) MappedEvent {
	return r.conditionWith(n, at, nil)
}

// conditionWith reads a condition that stands in one object with members of its model.
func (r *reader) conditionWith(n *node, at string, more map[string]field) MappedEvent {
	var e MappedEvent
	fields := whoMembers(r, &e)
	fields["count_min"] = func(v *node, at string) { e.CountMin = r.count(v, at) }
	fields["revenue_min"] = func(v *node, at string) { e.RevenueMin = r.money(v, at) }
	fields["revenue_est"] = func(v *node, at string) { e.RevenueEst = r.money(v, at) }
	for name, f := range more {
		fields[name] = f
	}
	r.object(n, at, fields)
	r.named(e, n, at)
	if e.leastCount() == 0 {
		r.add(CodeLayoutInvalid, under(at, "count_min"), "is 0, which every install meets; write 1 or more")
	}
	return e
}

func whoMembers(r *reader, e *MappedEvent) map[string]field {
	return map[string]field{
		"name":         func(v *node, at string) { e.Name = r.text(v, at) },
		"partner_name": func(v *node, at string) { e.PartnerName = r.text(v, at) },
	}
}

func (r *reader) named(e MappedEvent, n *node, at string) {
	name := n.member("name")
	if n.kind == object && (name == nil || name.kind == text) && strings.TrimSpace(e.Name) == "" {
		r.add(CodeEventNameMissing, under(at, "name"), "the event has no name; add the one that the app sends")
	}
}

// once reports an event that a model uses twice: a row that lists both would ask
// for the same event twice and count its revenue twice.
func (r *reader) once(seen map[string]bool, e MappedEvent, at string) {
	if e.Name != "" && seen[e.Name] {
		r.add(CodeLayoutInvalid, under(at, "name"),
			fmt.Sprintf("%q stands in this model already; for more of one event use bands or counts", e.Name))
	}
	seen[e.Name] = true
}
