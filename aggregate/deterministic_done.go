package aggregate

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// DoneEvent is one `deterministic_event` line: how many consented installs of a
// campaign did something within the horizon. Like EventCount it is a sum of bins of the
// one histogram of the campaign, so that events, rows and funnels leave no remainder.
type DoneEvent struct {
	NetworkID string `json:"network_id"` // as in ValueBin; `organic` is one
	IDKind    string `json:"id_kind"`
	Source2   string `json:"source_2"`
	EventName string `json:"event_name"`

	Installs *int `json:"installs"` // 0 or at least b; nil: a bin crosses it
	// RevenueEst is all that these installs paid within the horizon. Of them 0 or at
	// least b paid, as of those that did not do it; nil where Installs is, or banded.
	RevenueEst *decimal.Decimal `json:"revenue_est"`
}

// done gives the events of the deterministic side. Payers never share a bin with
// others, so those who did it and paid are a sum of bins too.
func (t *valueTree) done(rows []measured, r rules) []DoneEvent {
	var out []DoneEvent
	found, sums := histograms(rows, t), t.paid(rows)
	for _, c := range slices.SortedFunc(maps.Keys(found), histogramKey.compare) {
		bins := t.bins(found[c].counts, r.settings.B)
		for _, name := range t.events {
			e := DoneEvent{NetworkID: c.network, IDKind: c.idKind, Source2: c.source2, EventName: name}
			did := func(x cell) bool { return x.meaning.event(name) != nil }
			if n, stands := t.total(bins, did); stands {
				e.Installs = &n
				if r.settings.Revenue != RevenueBanded {
					sum := decimal.Zero
					for i, amount := range sums[c] {
						if did(t.cells[i]) {
							sum = sum.Add(amount)
						}
					}
					e.RevenueEst = &sum
				}
			}
			out = append(out, e)
		}
	}
	return out
}

// paid sums revenue by campaign and cell, over the rows that histograms are of.
func (t *valueTree) paid(rows []measured) map[histogramKey]map[int]decimal.Decimal {
	out := map[histogramKey]map[int]decimal.Decimal{}
	for _, m := range rows {
		if m.row.Payers == nil {
			continue
		}
		c := campaignOf(m.row)
		if out[c] == nil {
			out[c] = map[int]decimal.Decimal{}
		}
		for _, g := range m.groups {
			if g.Payer {
				i := t.find(g)
				out[c][i] = out[c][i].Add(g.RevenueEst.Mul(decimal.NewFromInt(int64(g.N))))
			}
		}
	}
	return out
}
