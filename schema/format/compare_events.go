package format

import (
	"fmt"
	"slices"

	"skand/schema"
)

// events compares the conditions of a row or level, whatever their order.
func (c *comparison) events(at string, where cell, was, is []schema.MappedEvent) {
	if note, ok := c.x.notes[where]; ok {
		c.lose(under(at, "events"), note)
	}
	rest := slices.Clone(is)
	for j, e := range was {
		p := under(under(at, "events"), j)
		k := c.partner(e, rest)
		if k < 0 {
			c.lose(p, fmt.Sprintf("%q is lost: %s has no place for it beside the others", e.Name, c.format))
			continue
		}
		c.event(p, e, rest[k])
		rest = slices.Delete(rest, k, k+1)
	}
	for _, e := range rest {
		c.lose(under(at, "events"), fmt.Sprintf("%s adds %q", c.format, e.Name))
	}
}

// partner finds what became of an event: the one that is the same, else one of its
// name.
func (c *comparison) partner(e schema.MappedEvent, among []schema.MappedEvent) int {
	name := c.x.name(e)
	same := slices.IndexFunc(among, func(b schema.MappedEvent) bool {
		return b.Name == name && conditions(b) == conditions(e)
	})
	if same >= 0 {
		return same
	}
	return slices.IndexFunc(among, func(b schema.MappedEvent) bool { return b.Name == name })
}

func (c *comparison) event(at string, was, is schema.MappedEvent) {
	switch {
	case was.Name != is.Name:
		c.once(under(at, "name"), fmt.Sprintf(
			"%q is written as %q, the name that networks know; the app's own name is lost", was.Name, is.Name))
	case is.PartnerName == "" && was.PartnerName != "":
		c.once(under(at, "partner_name"), fmt.Sprintf("%q is lost: %s has no place for it", was.PartnerName, c.format))
	default:
		c.field(under(at, "partner_name"), quoted(was.PartnerName), quoted(is.PartnerName))
	}
	a, b := conditions(was), conditions(is)
	for i, member := range []string{"count_min", "count_max", "revenue_min", "revenue_max", "revenue_est"} {
		c.field(under(at, member), a[i], b[i])
	}
}

// conditions prints the five limits of an event with their defaults.
func conditions(e schema.MappedEvent) [5]string {
	least := leastCount(e)
	out := [5]string{integer(&least), integer(e.CountMax), "", amount(e.RevenueMax), amount(e.RevenueEst)}
	if priced(e) {
		out[2] = leastRevenue(e).String()
	}
	return out
}

// once reports what happens to a name, which is the same wherever the event stands,
// at the first place.
func (c *comparison) once(at, message string) {
	i := slices.IndexFunc(c.names, func(n nameLoss) bool { return n.Message == message })
	if i < 0 {
		c.names = append(c.names, nameLoss{Loss: Loss{at, message}})
		return
	}
	c.names[i].more++
}
