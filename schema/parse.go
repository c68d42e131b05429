package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// ParseError lists everything in a text that keeps it from being a document.
type ParseError struct{ Findings []Finding }

// Error gives the first finding in one line and counts the others.
func (e *ParseError) Error() string {
	f := e.Findings[0]
	at := f.Pointer
	if at == "" {
		at = "the document"
	}
	s := fmt.Sprintf("schema: %s: %s", at, f.Message)
	if n := len(e.Findings) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// Parse reads a document from JSON. The error is a *ParseError with all findings
// of syntax and type, each with its JSON pointer: bad JSON, unknown and duplicate
// members, wrong types, amounts that are not decimals. What the document means is
// for Validate to judge. A member that is null counts as absent.
func Parse(b []byte) (*Document, error) {
	d, findings := parse(b)
	if len(findings) > 0 {
		return nil, &ParseError{Findings: findings}
	}
	return d, nil
}

// Lint reports everything that is wrong with a text, syntax and meaning together.
// Meaning is left unsaid where syntax has spoken already.
func Lint(b []byte) Report {
	d, findings := parse(b)
	if d == nil {
		return Report{Errors: findings, Warnings: []Finding{}}
	}
	r := d.Validate()
	known := func(f Finding) bool {
		return slices.ContainsFunc(findings, func(p Finding) bool {
			return f.Pointer == p.Pointer || strings.HasPrefix(f.Pointer, p.Pointer+"/")
		})
	}
	r.Errors = append(append([]Finding{}, findings...), slices.DeleteFunc(r.Errors, known)...)
	r.Warnings = slices.DeleteFunc(r.Warnings, known)
	r.OK = len(r.Errors) == 0
	return r
}

// UnmarshalJSON is Parse, so that a document inside another JSON value is read
// just as strictly.
func (d *Document) UnmarshalJSON(b []byte) error {
	p, err := Parse(b)
	if err != nil {
		return err
	}
	*d = *p
	return nil
}

// parse keeps a place in the document for everything that it refuses, so that
// the pointers of later findings still fit the input. The document is nil when
// there is nothing to go on with.
func parse(b []byte) (*Document, []Finding) {
	tree, err := readTree(b)
	if err != nil {
		return nil, []Finding{{CodeSyntax, "", err.Error()}}
	}
	r := &reader{}
	if tree.kind != object {
		r.wrong("", tree, object)
		return nil, r.findings
	}
	d := r.document(tree)
	if len(r.findings) == 0 {
		// What was read must be readable again when it comes back from the store.
		c, err := d.Canonical()
		if err != nil || len(c) > maxBytes {
			r.add(CodeTooLarge, "", fmt.Sprintf("the document takes more than %d bytes; shorten it", maxBytes))
		}
	}
	return d, r.findings
}

func (r *reader) document(n *node) *Document {
	d := &Document{}
	r.object(n, "", map[string]field{
		"app_id": func(v *node, at string) {
			if id := r.whole(v, at, 1, 1<<53); id != nil {
				d.AppID = *id
			}
		},
		"name":           func(v *node, at string) { d.Name = r.text(v, at) },
		"currency":       func(v *node, at string) { d.Currency = r.text(v, at) },
		"revenue_source": func(v *node, at string) { d.RevenueSource = r.oneOf(v, at, "iap", "ads", "all") },
		"windows":        func(v *node, at string) { d.Windows = list(r, v, at, len(levels), r.window) },
		"reengagement_windows": func(v *node, at string) {
			d.ReengagementWindows = list(r, v, at, len(levels), r.window)
		},
		"revenue_cap":    func(v *node, at string) { d.RevenueCap = r.money(v, at) },
		"open_band_mean": func(v *node, at string) { d.OpenBandMean = r.money(v, at) },
		"overlap_bit":    func(v *node, at string) { d.OverlapBit = r.integer(v, at) },
		"layout": func(v *node, at string) {
			if v.kind != object {
				r.wrong(at, v, object)
				return
			}
			for _, f := range duplicates(v, at) {
				r.add(CodeDuplicateMember, f, "the member stands here twice; keep one")
			}
			var b bytes.Buffer
			v.write(&b)
			d.Layout = b.Bytes()
		},
	})
	return d
}

func (r *reader) window(n *node, at string) Window {
	w := Window{Index: -1}
	r.object(n, at, map[string]field{
		"index":    func(v *node, at string) { w.Index = r.value(v, at) },
		"fine":     func(v *node, at string) { w.Fine = list(r, v, at, maxRows, r.row) },
		"coarse":   func(v *node, at string) { w.Coarse = r.coarse(v, at) },
		"reserved": func(v *node, at string) { w.Reserved = list(r, v, at, maxGaps, r.gap) },
		"lock":     func(v *node, at string) { w.Lock = r.lock(v, at) },
	}, "index")
	return w
}

func (r *reader) row(n *node, at string) Row {
	row := Row{Value: -1}
	r.object(n, at, map[string]field{
		"value":  func(v *node, at string) { row.Value = r.value(v, at) },
		"events": func(v *node, at string) { row.Events = list(r, v, at, maxEvents, r.event) },
	}, "value")
	return row
}

// coarse keeps unknown levels, for Validate to name.
func (r *reader) coarse(n *node, at string) map[string]Level {
	if n.kind != object {
		r.wrong(at, n, object)
		return nil
	}
	c := map[string]Level{}
	fields := map[string]field{}
	for _, m := range n.members {
		fields[m.key] = func(v *node, at string) {
			var l Level
			r.object(v, at, map[string]field{
				"events":      func(v *node, at string) { l.Events = list(r, v, at, maxEvents, r.event) },
				"revenue_est": func(v *node, at string) { l.RevenueEst = r.money(v, at) },
			})
			c[m.key] = l
		}
	}
	r.object(n, at, fields)
	return c
}

func (r *reader) event(n *node, at string) MappedEvent {
	var e MappedEvent
	r.object(n, at, map[string]field{
		"name":         func(v *node, at string) { e.Name = r.text(v, at) },
		"partner_name": func(v *node, at string) { e.PartnerName = r.text(v, at) },
		"count_min":    func(v *node, at string) { e.CountMin = r.count(v, at) },
		"count_max":    func(v *node, at string) { e.CountMax = r.count(v, at) },
		"revenue_min":  func(v *node, at string) { e.RevenueMin = r.money(v, at) },
		"revenue_max":  func(v *node, at string) { e.RevenueMax = r.money(v, at) },
		"revenue_est":  func(v *node, at string) { e.RevenueEst = r.money(v, at) },
	})
	return e
}

func (r *reader) gap(n *node, at string) [2]int {
	if n.kind != array || len(n.items) != 2 {
		r.add(CodeWrongType, at, "is not a range; write [first, last], both included")
		return [2]int{-1, -1}
	}
	return [2]int{r.value(n.items[0], under(at, 0)), r.value(n.items[1], under(at, 1))}
}

func (r *reader) lock(n *node, at string) *Lock {
	l := &Lock{}
	var value *node
	r.object(n, at, map[string]field{
		"on":    func(v *node, at string) { l.On = r.oneOf(v, at, LockTime, LockEvent, LockFine, LockCoarse) },
		"value": func(v *node, _ string) { value = v },
	}, "on", "value")
	if value == nil || l.On == "" {
		return nil
	}
	if l.On == LockEvent || l.On == LockCoarse {
		l.Name = r.text(value, under(at, "value"))
	} else {
		l.Number = r.value(value, under(at, "value"))
	}
	return l
}
