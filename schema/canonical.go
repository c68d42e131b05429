package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// Canonical writes the document so that the same meaning gives the same bytes:
// windows by index, rows by value, events by name, adjoining gaps joined, defaults
// written out, amounts as decimal strings without trailing zeros, one line without
// spaces. Parse(Canonical(d)) means what d means.
func (d *Document) Canonical() ([]byte, error) {
	c := plain(*d)
	c.Windows = canonicalWindows(d.Windows)
	c.ReengagementWindows = canonicalWindows(d.ReengagementWindows)
	if len(d.Layout) > 0 {
		tree, err := readTree(d.Layout)
		if err != nil {
			return nil, fmt.Errorf("write schema: layout: %w", err)
		}
		var b bytes.Buffer
		tree.write(&b)
		c.Layout = b.Bytes()
	}
	b, err := compact(&c)
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return b, nil
}

// MarshalJSON is Canonical.
func (d Document) MarshalJSON() ([]byte, error) { return d.Canonical() }

// Equal reports whether two documents mean the same.
func (d *Document) Equal(o *Document) bool {
	a, errA := d.Canonical()
	b, errB := o.Canonical()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// plain is a Document without its methods, for encoding/json to walk.
type plain Document

// compact marshals without the HTML escapes that would make < three times as long.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func canonicalWindows(in []Window) []Window {
	out := make([]Window, 0, len(in))
	for _, w := range in {
		c := Window{Index: w.Index, Lock: w.Lock, Reserved: joined(w.Reserved)}
		for _, r := range w.Fine {
			c.Fine = append(c.Fine, Row{r.Value, canonicalEvents(r.Events)})
		}
		// A draft may hold a value twice; its order must not depend on the input.
		slices.SortStableFunc(c.Fine, func(a, b Row) int {
			return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(fingerprint(a), fingerprint(b)))
		})
		for name, l := range w.Coarse {
			if c.Coarse == nil {
				c.Coarse = map[string]Level{}
			}
			c.Coarse[name] = Level{canonicalEvents(l.Events), normal(l.RevenueEst)}
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Window) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(fingerprint(a), fingerprint(b)))
	})
	return out
}

func canonicalEvents(in []MappedEvent) []MappedEvent {
	out := make([]MappedEvent, 0, len(in))
	for _, e := range in {
		n := e.leastCount()
		e.CountMin = &n
		if b, ok := e.revenueBand(); ok {
			e.RevenueMin = &b.min
		}
		e.RevenueMin, e.RevenueMax, e.RevenueEst = normal(e.RevenueMin), normal(e.RevenueMax), normal(e.RevenueEst)
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b MappedEvent) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(fingerprint(a), fingerprint(b)))
	})
	return out
}

// normal drops the trailing zeros of an amount that did not come through Parse.
func normal(d *decimal.Decimal) *decimal.Decimal {
	if d == nil {
		return nil
	}
	n, err := decimal.NewFromString(d.String())
	if err != nil {
		return d
	}
	return &n
}

// fingerprint breaks ties between parts of a document.
func fingerprint(v any) string {
	b, err := compact(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// joined sorts gaps and joins those that touch. Gaps that Validate refuses stay as
// they are, for it to refuse them again.
func joined(in [][2]int) [][2]int {
	out := slices.Clone(in)
	slices.SortFunc(out, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	for i := 1; i < len(out); {
		a, b := out[i-1], out[i]
		if !goodGap(a) || !goodGap(b) || b[0] > a[1]+1 {
			i++
			continue
		}
		out[i-1][1] = max(a[1], b[1])
		out = slices.Delete(out, i, i+1)
	}
	return out
}

func goodGap(g [2]int) bool { return g[0] >= 0 && g[0] <= g[1] && g[1] <= maxFine }
