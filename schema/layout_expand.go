package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Expand rebuilds the table from the layout and returns the result as a new document;
// d stays as it is. Rows of values that the layout owns are replaced, and so are the
// coarse levels of the windows that it gives; everything else stays, among it the rows
// of other values, reserved gaps, locks and the re-engagement windows. A window that
// is missing is added. Expanding twice changes nothing, and a document without a
// layout comes back as it is.
//
// The error is a *ParseError with everything that keeps the layout from being a
// table; its pointers lie under /layout. What the layout writes has no errors in
// Validate; the rest of the document may have some.
//
// Nothing expands by itself: Parse, Decode and Encode look at the table alone.
func (d *Document) Expand() (*Document, error) {
	if len(d.Layout) == 0 {
		out := *d
		return &out, nil
	}
	l, err := ParseLayout(d.Layout)
	if err != nil {
		return nil, err
	}
	out, findings := l.expand(d)
	if len(findings) > 0 {
		return nil, &ParseError{Findings: findings}
	}
	return out, nil
}

// expansion is one layout on its way into one document.
type expansion struct {
	d        *Document
	l        *Layout
	window   *Window // window 0; nil when there is none yet
	findings []Finding
}

func (x *expansion) fail(at, message string) {
	x.findings = append(x.findings, Finding{CodeLayoutInvalid, at, message})
}

func (x *expansion) reserved(value int) bool { return x.window != nil && x.window.isReserved(value) }

// deal gives every step the next value that is free, after value 0 for "installed".
func (x *expansion) deal(steps [][]MappedEvent) []Row {
	var rows []Row
	if !x.reserved(0) {
		rows = append(rows, Row{Value: 0, Events: []MappedEvent{}})
	}
	var free []int
	for v := x.l.First; v <= x.l.Last; v++ {
		if !x.reserved(v) && !x.d.hasOverlapBit(v) {
			free = append(free, v)
		}
	}
	if len(steps) > len(free) {
		x.fail(layoutAt, fmt.Sprintf("needs %d values; of %d to %d only %d are neither reserved nor carry the overlap bit",
			len(steps), x.l.First, x.l.Last, len(free)))
		return nil
	}
	for i, events := range steps {
		rows = append(rows, Row{free[i], events})
	}
	return rows
}

func (l *Layout) expand(d *Document) (*Document, []Finding) {
	x := &expansion{d: d, l: l, window: d.window(0, false)}
	rows := l.model.rows(x)
	if len(x.findings) > 0 {
		return nil, x.findings
	}
	l.try(x, rows)
	if len(x.findings) > 0 {
		return nil, x.findings
	}
	out := *d
	out.Windows = slices.Clone(d.Windows)
	last := 0
	for _, c := range l.coarse {
		last = max(last, c.window)
	}
	for i := 0; i <= last; i++ {
		if out.window(i, false) == nil {
			out.Windows = append(out.Windows, Window{Index: i})
		}
	}
	w := out.window(0, false)
	own := slices.DeleteFunc(slices.Clone(w.Fine), func(r Row) bool { return l.owns(r.Value) })
	w.Fine = append(own, rows...)
	slices.SortStableFunc(w.Fine, func(a, b Row) int { return cmp.Compare(a.Value, b.Value) })
	for _, c := range l.coarse {
		out.window(c.window, false).Coarse = maps.Clone(c.levels)
	}
	return &out, nil
}

// try validates what the layout writes by itself, so that whatever its model did not
// foresee (a day that fine values never see, an estimate outside its band) is said of
// the layout and not of a table that nobody wrote by hand.
func (l *Layout) try(x *expansion, rows []Row) {
	alone := Document{
		AppID: 1, Currency: "USD", OverlapBit: x.d.OverlapBit,
		Windows: []Window{{Index: 0, Fine: rows}, {Index: 1}, {Index: 2}},
	}
	for _, c := range l.coarse {
		alone.Windows[c.window].Coarse = c.levels
	}
	said := map[Code]bool{} // one for the 64 rows that share a mistake
	for _, f := range alone.Validate().Errors {
		if said[f.Code] || !strings.HasPrefix(f.Pointer, "/windows/") {
			continue
		}
		said[f.Code] = true
		x.fail(layoutAt, fmt.Sprintf("writes a table with %s at %s: %s", f.Code, f.Pointer, f.Message))
	}
}
