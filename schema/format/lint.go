package format

import (
	"fmt"

	"skand/schema"
)

// Limits of what networks take, as far as they are documented. Adjust, Airbridge,
// Branch and the csv have none that is.

// googleConditions: the schema that Google Analytics exports to the Google Ads
// accounts of a property has 1 to 3 conditions at a value (Google Analytics Admin
// API, SKAdNetworkConversionValueSchema, event_mappings).
const googleConditions = 3

// lintGoogle finds values with more conditions than Google's own editor allows.
func lintGoogle(d *schema.Document) []schema.Finding {
	return lintRows(d, func(events []schema.MappedEvent) string {
		if len(events) <= googleConditions {
			return ""
		}
		return fmt.Sprintf("has %d conditions; Google allows 1 to %d at a value, drop the least useful", len(events), googleConditions)
	})
}

// lintMeta finds values with several amounts: Meta's iOS SDK decides a rule by the
// first event that has one and never looks at the others (SKAdNetworkRule,
// isMatched).
func lintMeta(d *schema.Document) []schema.Finding {
	return lintRows(d, func(events []schema.MappedEvent) string {
		n := 0
		for _, e := range events {
			if priced(e) {
				n++
			}
		}
		if n <= 1 {
			return ""
		}
		return fmt.Sprintf("has %d events with revenue; Meta's SDK decides by the first one, keep one", n)
	})
}

func lintRows(d *schema.Document, judge func([]schema.MappedEvent) string) []schema.Finding {
	var out []schema.Finding
	add := func(at string, events []schema.MappedEvent) {
		if why := judge(events); why != "" {
			out = append(out, schema.Finding{Code: schema.CodeFormatEventLimit, Pointer: under(at, "events"), Message: why})
		}
	}
	for i, w := range d.Windows {
		at := under("/windows", i)
		for j, r := range w.Fine {
			add(under(under(at, "fine"), j), r.Events)
		}
		for _, name := range levels {
			if l, ok := w.Coarse[name]; ok {
				add(under(under(at, "coarse"), name), l.Events)
			}
		}
	}
	return out
}
