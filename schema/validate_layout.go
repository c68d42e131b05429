package schema

import (
	"errors"
	"fmt"
	"strings"
)

// checkLayout finds a layout that cannot be read or expanded (the codes of Parse and
// layout_invalid, an error: the editor could not reopen it), layout_not_expanded (the
// table has none of the values that the layout writes, so nothing would decode) and
// layout_differs (the table was edited by hand since: it is what counts, and
// expanding would undo the edit). It returns true for layout_not_expanded: then what
// is missing from the table is not the user's omission.
func (d *Document) checkLayout(r *Report) (pending bool) {
	if len(d.Layout) == 0 {
		return false
	}
	l, err := ParseLayout(d.Layout)
	var unread *ParseError
	if errors.As(err, &unread) {
		r.Errors = append(r.Errors, unread.Findings...)
		return false
	}
	full, findings := l.expand(d)
	if len(findings) > 0 {
		r.Errors = append(r.Errors, findings...)
		return false
	}
	differ, found := l.differences(d, full)
	switch {
	case !found:
		r.fail(CodeLayoutNotExpanded, layoutAt,
			"the table is not filled from the layout, and only the table decodes; run 'skand schema expand', or fill it in the editor")
		return true
	case len(differ) > 0:
		r.warn(CodeLayoutDiffers, layoutAt, fmt.Sprintf(
			"the table is not what the layout writes (%s); the table counts: expand the layout again, or remove it", strings.Join(differ, "; ")))
	}
	return false
}

// differences names what the layout owns and the table has otherwise. It also
// reports whether the table has any value above 0 that the layout writes.
func (l *Layout) differences(d, full *Document) (differ []string, found bool) {
	have, want := fingerprints(d), fingerprints(full)
	var values []int
	for v := 0; v <= maxFine; v++ {
		found = found || v > 0 && l.owns(v) && have[v] != "" && want[v] != ""
		if l.owns(v) && have[v] != want[v] {
			values = append(values, v)
		}
	}
	if len(values) > 0 {
		differ = append(differ, "fine values "+ranges(values))
	}
	for _, c := range l.coarse {
		var now map[string]Level
		if w := d.window(c.window, false); w != nil {
			now = w.Coarse
		}
		a, b := canonicalWindows([]Window{{Coarse: now}}), canonicalWindows([]Window{{Coarse: c.levels}})
		if fingerprint(a) != fingerprint(b) {
			differ = append(differ, fmt.Sprintf("coarse levels of window %d", c.window))
		}
	}
	return differ, found
}

// fingerprints gives the meaning of every fine value in one string; "" has no row.
func fingerprints(d *Document) map[int]string {
	out := map[int]string{}
	if w := d.window(0, false); w != nil {
		for _, r := range w.Fine {
			if out[r.Value] == "" { // of two rows the first decodes
				out[r.Value] = fingerprint(canonicalEvents(r.Events))
			}
		}
	}
	return out
}
