package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// textTable writes aligned columns and keeps the first error.
type textTable struct {
	t   *tabwriter.Writer
	err error
}

func newTable(w io.Writer) *textTable { return &textTable{t: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t *textTable) linef(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.t, format+"\n", args...)
	}
}

// end aligns what came since the last end.
func (t *textTable) end() error {
	if t.err == nil {
		t.err = t.t.Flush()
	}
	return t.err
}

func printSimulation(w io.Writer, s schema.Simulation) error {
	t := newTable(w)
	for _, p := range s.Published {
		t.published(p, s.Currency)
	}
	for _, m := range s.Deterministic {
		t.measured(m, s.Currency)
	}
	if s.AmbiguousShare != nil {
		t.linef("ambiguous in the histogram: %s", percent(*s.AmbiguousShare))
	}
	if s.Changes != nil {
		t.linef("changes against the current version: %d", len(s.Changes))
		for _, c := range s.Changes {
			t.linef("  %s", c.Words)
		}
	}
	for _, n := range s.Notes {
		t.linef("note: %s", n)
	}
	return t.end()
}

func (t *textTable) published(p schema.PublishedWindow, currency string) {
	t.linef("window %d, published: %d installs (%d fine, %d coarse, %d null: %s, %d unset, %d unmapped)",
		p.Index, p.Installs, p.Fine, p.Coarse, p.Null, percent(p.NullShare), p.Unset, p.Unmapped)
	t.err = t.end()
	t.linef("value\tmeans\tinstalls\tmin\tmax\tshare")
	for _, v := range p.Values {
		name := v.Value
		if v.Kind == schema.KindUnset {
			name = "-"
		}
		t.linef("%s\t%s\t%s\t%s\t%s\t%s", name, v.Means, v.Installs.Est, v.Installs.Min, v.Installs.Max, percent(v.Share))
	}
	t.err = t.end()
	t.linef("unused\t%s", listed(p.Unused))
	t.linef("payers\t%s", rangeWords(p.Payers, ""))
	t.linef("revenue\t%s", rangeWords(p.Revenue, currency))
	if p.CurrentPayers != nil && p.CurrentRevenue != nil {
		t.linef("payers now\t%s", rangeWords(*p.CurrentPayers, ""))
		t.linef("revenue now\t%s", rangeWords(*p.CurrentRevenue, currency))
		t.linef("read differently\t%s installs, %s of those with a value", p.Disputed, percent(p.DisputedShare))
	}
	if p.WithoutEstimate.IsPositive() {
		t.linef("without estimate\t%s installs on coarse levels without revenue_est, at their least", p.WithoutEstimate)
	}
	t.linef("")
	t.err = t.end()
}

func (t *textTable) measured(m schema.MeasuredTable, currency string) {
	payers := "too few to tell"
	if m.Payers != nil {
		payers = fmt.Sprint(*m.Payers)
	}
	t.linef("window %d, %s, installs with a known truth: %d (payers: %s)", m.Index, m.Kind, m.Installs, payers)
	t.err = t.end()
	t.linef("value\tinstalls\tshare")
	for _, v := range m.Values {
		name := v.From
		if v.To != v.From {
			name += " to " + v.To
		}
		t.linef("%s\t%d\t%s", name, v.Installs, percent(v.Share))
	}
	t.err = t.end()
	if m.Unused != nil {
		t.linef("unused\t%s", listed(m.Unused))
	}
	if m.Error != nil {
		t.linef("draft\t%s", errorWords(*m.Error, currency))
	}
	if m.CurrentError != nil {
		t.linef("now\t%s", errorWords(*m.CurrentError, currency))
	}
	t.linef("")
	t.err = t.end()
}

func errorWords(e schema.RevenueError, currency string) string {
	s := fmt.Sprintf("%s off per install; total %s for a true %s %s (%s)",
		e.MeanAbsolute.Round(4), e.Estimated.Round(2), e.True, currency, signed(e.TotalShare))
	if e.WithoutEstimate > 0 {
		s += fmt.Sprintf("; %d installs on coarse levels without revenue_est", e.WithoutEstimate)
	}
	return s
}

func rangeWords(r schema.Range, unit string) string {
	high := "without bound"
	if r.Max != nil {
		high = r.Max.String()
	}
	return strings.TrimSpace(fmt.Sprintf("%s (%s to %s) %s", r.Est, r.Min, high, unit))
}

func percent(share decimal.Decimal) string { return share.Shift(2).Round(2).String() + " %" }

func signed(share decimal.Decimal) string {
	if share.IsPositive() {
		return "+" + percent(share)
	}
	return percent(share)
}

func listed(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(values, ", ")
}
