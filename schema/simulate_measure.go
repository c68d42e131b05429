package schema

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// measure adds up payers and revenue. Of one bin it first holds the expectation
// and the bounds of a single install; add then counts the bin.
type measure struct {
	payers, revenue Range
	open            bool // no upper bound of the revenue
	without         decimal.Decimal
	any             bool
}

// expect adds what n of the bin's installs are expected to say.
func (m *measure) expect(d Decoded, n decimal.Decimal) {
	if d.Payer {
		m.payers.Est = m.payers.Est.Add(n)
	}
	if d.EstimateMissing {
		m.without = m.without.Add(n)
	}
	m.revenue.Est = m.revenue.Est.Add(d.RevenueEst.Mul(n))
}

// bound widens the bounds of one install by a value that it may have.
func (m *measure) bound(d Decoded) {
	payer := decimal.Zero
	if d.Payer {
		payer = unity
	}
	if d.RevenueMax == nil {
		m.open = true
	}
	high := d.RevenueMin
	if d.RevenueMax != nil {
		high = *d.RevenueMax
	}
	if !m.any {
		m.any = true
		m.payers.Min, m.payers.Max = payer, &payer
		m.revenue.Min, m.revenue.Max = d.RevenueMin, &high
		return
	}
	m.payers.Min = decimal.Min(m.payers.Min, payer)
	m.revenue.Min = decimal.Min(m.revenue.Min, d.RevenueMin)
	payer, high = decimal.Max(*m.payers.Max, payer), decimal.Max(*m.revenue.Max, high)
	m.payers.Max, m.revenue.Max = &payer, &high
}

// add counts a bin of n installs.
func (m *measure) add(bin measure, n decimal.Decimal) {
	sum := func(into *Range, r Range) {
		into.Min, into.Est = into.Min.Add(r.Min.Mul(n)), into.Est.Add(r.Est)
		high := r.Max.Mul(n)
		if into.Max != nil {
			high = high.Add(*into.Max)
		}
		into.Max = &high
	}
	sum(&m.payers, bin.payers)
	sum(&m.revenue, bin.revenue)
	m.without = m.without.Add(bin.without)
	m.open = m.open || bin.open
}

// result rounds what was spread; bounds are exact.
func (m measure) result() (payers, revenue Range) {
	payers, revenue = m.payers.round(2), m.revenue.round(4)
	if m.open {
		revenue.Max = nil
	}
	return payers, revenue
}

// finish works out what stands on the whole window.
func (w *windowRun) finish(compared bool) PublishedWindow {
	out := w.PublishedWindow
	all := decimal.NewFromInt(out.Installs)
	out.NullShare = shareOf(decimal.NewFromInt(out.Null), decimal.NewFromInt(out.Installs+out.OtherVersions+out.Unpublished))
	unset := Range{Max: &decimal.Decimal{}}
	for _, kind := range []string{KindFine, KindCoarse} {
		if kind == KindFine && out.Fine == 0 || kind == KindCoarse && out.Coarse == 0 {
			continue // nothing was counted, so nothing is known to be unused
		}
		for _, rank := range slices.Sorted(maps.Keys(w.values[kind])) {
			v := *w.values[kind][rank]
			if rank < 0 {
				high := unset.Max.Add(*v.Max)
				unset = Range{unset.Min.Add(v.Min), unset.Est.Add(v.Est), &high}
				continue
			}
			s := ValueShare{Kind: kind, Value: rankName(kind, rank), Installs: v.round(2), Share: shareOf(v.Est, all)}
			s.Means = w.draft.meansOf(w.sides[kind][1], rank)
			out.Values = append(out.Values, s)
			if v.Est.IsZero() {
				out.Unused = append(out.Unused, s.Value)
			}
		}
	}
	if !unset.Max.IsZero() {
		out.Values = append(out.Values, ValueShare{
			Kind: KindUnset, Means: "nothing would be set", Installs: unset.round(2), Share: shareOf(unset.Est, all),
		})
	}
	out.Payers, out.Revenue = w.now.result()
	out.WithoutEstimate = w.now.without.Round(2)
	if compared {
		payers, revenue := w.was.result()
		out.CurrentPayers, out.CurrentRevenue = &payers, &revenue
	}
	out.DisputedShare = shareOf(out.Disputed, decimal.NewFromInt(out.Fine+out.Coarse))
	out.Disputed = out.Disputed.Round(2)
	return out
}

func (r Range) round(digits int32) Range {
	if r.Max == nil {
		r.Max = &decimal.Decimal{}
	}
	r.Est = r.Est.Round(digits)
	return r
}

// meansOf is the meaning of a value in words.
func (d *Document) meansOf(s side, rank int) string {
	e := s.entryOf(rank)
	if e == nil {
		return "not mapped"
	}
	return Level{Events: e.events}.words(d.Currency, false)
}
