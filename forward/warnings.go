package forward

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Warnings are what can be saved and is probably not meant: one line each, naming
// destination, field and remedy. They count for a destination that Validate accepts.
func (d Destination) Warnings() []string {
	d = d.WithDefaults()
	var out []string
	warn := func(field, format string, args ...any) {
		out = append(out, fmt.Sprintf("destination %q: %s: %s", d.ID, field, fmt.Sprintf(format, args...)))
	}
	for _, t := range d.templates() {
		for _, name := range macrosIn(t.text) {
			d.warnMacro(t, name, warn)
		}
		if syntax := DetectSyntax(t.text); syntax != "" {
			warn(t.field, "holds placeholders of another program (%s), which are sent as they stand; translate it: skand destination translate", syntax)
		}
	}
	if d.Method == MethodPost && d.Body == "" && len(macrosIn(d.URL)) == 0 {
		warn("body", "is empty, and the URL has no macro: nothing of the conversion is sent; write body: json")
	}
	d.signingWarnings(warn)
	return out
}

func (d Destination) warnMacro(t sentText, name string, warn faulting) {
	m := macroByName[name]
	if m == nil {
		return
	}
	switch {
	case !slices.ContainsFunc(d.Kinds, func(kind string) bool { return slices.Contains(m.Kinds, kind) }):
		warn(t.field, "{%s} has no value in kinds [%s]; it has one in %s", name,
			strings.Join(d.Kinds, ", "), strings.Join(m.Kinds, ", "))
	case m.Identifies && t.denied:
		warn(t.field, "{%s} is always empty here: identifiers leave only where ATT is authorized; remove it from this template", name)
	case !d.SendRevenue && slices.Contains(revenueMacros, name) && !slices.Equal(d.Kinds, ofPostback):
		warn(t.field, "{%s} is always empty: write send_revenue: true, or remove it", name)
	case t.header && (name == "campaign_name" || name == "event_name" || name == "sk_payload"):
		warn(t.field, "{%s} may hold what no header can carry, and such a delivery is refused; send it in the query or the body", name)
	}
}

// sentText is a template and what is known of where it is used.
type sentText struct {
	fieldText
	denied bool // sent without ATT authorization only
	header bool
}

// templates are all texts of the definition that may hold macros.
func (d Destination) templates() []sentText {
	all := []sentText{{fieldText: fieldText{"url", d.URL}}, {fieldText: fieldText{"body_template", d.BodyTemplate}}}
	for _, c := range d.consentTemplates() {
		prefix := "consent." + c.state
		all = append(all,
			sentText{fieldText: fieldText{prefix + ".url", c.URL}, denied: c.state == consentDenied},
			sentText{fieldText: fieldText{prefix + ".body_template", c.BodyTemplate}, denied: c.state == consentDenied})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Headers)) {
		all = append(all, sentText{fieldText: fieldText{"headers." + name, d.Headers[name]}, header: true})
	}
	return all
}

var macroPattern = regexp.MustCompile(`\{([a-z_]+)\}`)

// macrosIn are the macros of a text, each once, in their order.
func macrosIn(text string) (names []string) {
	for _, m := range macroPattern.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}
