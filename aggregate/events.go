package aggregate

import "github.com/shopspring/decimal"

// eventCounts is the events of a campaign as sums of its bins, in the schema's
// order. Events that the newest version no longer has are listed only where a
// number can be told and is not zero.
func (t *valueTree) eventCounts(bins []bin, ambiguous *decimal.Decimal) []EventCount {
	var out []EventCount
	for i, name := range t.events {
		e := EventCount{EventName: name, AmbiguousShare: ambiguous}
		n, stands := t.total(bins, func(c cell) bool { return c.meaning.event(name) != nil })
		if i >= t.newest && n == 0 {
			continue
		}
		if stands {
			e.Installs = &n
			t.occurrences(&e, bins)
		}
		out = append(out, e)
	}
	return out
}

// occurrences bounds how often the event happened on the installs of its bins. A
// bin counts as its size times what its values allow: how its installs spread over
// them is not told.
func (t *valueTree) occurrences(e *EventCount, bins []bin) {
	var least, est, most decimal.Decimal
	open := false
	for _, b := range bins {
		var lower, upper *int
		var sum decimal.Decimal
		for _, i := range b.cells {
			m := t.cells[i].meaning.event(e.EventName)
			if m == nil {
				break // the bin is not the event's: it has none of it, or it would cross
			}
			if lower == nil || m.CountMin < *lower {
				lower = &m.CountMin
			}
			if m.CountMax == nil {
				open = open || b.n > 0
			} else if upper == nil || *m.CountMax > *upper {
				upper = m.CountMax
			}
			sum = sum.Add(m.estimate())
		}
		if lower == nil {
			continue
		}
		n := decimal.NewFromInt(int64(b.n))
		least = least.Add(n.Mul(decimal.NewFromInt(int64(*lower))))
		est = est.Add(n.Mul(sum).DivRound(decimal.NewFromInt(int64(len(b.cells))), moneyPlaces))
		if upper != nil {
			most = most.Add(n.Mul(decimal.NewFromInt(int64(*upper))))
		}
	}
	e.CountMin, e.CountEst = &least, &est
	if !open {
		e.CountMax = &most
	}
}

// estimate is the middle of the band, or the least of an open one.
func (e EventMeaning) estimate() decimal.Decimal {
	least := decimal.NewFromInt(int64(e.CountMin))
	if e.CountMax == nil {
		return least
	}
	return least.Add(decimal.NewFromInt(int64(*e.CountMax))).Mul(decimal.New(5, -1))
}
