package aggregate

import "github.com/shopspring/decimal"

// tally is what a row's installs did, in full; it never leaves this package.
type tally struct {
	installs int
	kinds    kinds
	levels   levels
	payers   int
	revenue  revenue

	redownloads int
}

// measured is a row with what it was cut from; only the row leaves this package.
type measured struct {
	row    Row
	tally  tally
	groups []*Counted
}

func (t *tally) add(c *Counted) {
	t.installs += c.N
	if c.Redownload {
		t.redownloads += c.N
	}
	kind, known := kindIndex[c.Kind]
	if !known {
		kind = unmapped // a value nobody can read is a value without meaning
	}
	if kind == coarse {
		level, known := levelIndex[c.Coarse]
		if known {
			t.levels[level] += c.N
		} else {
			kind = unmapped
		}
	}
	t.kinds[kind] += c.N
	if kind == fine && c.Payer {
		t.payers += c.N
		t.revenue.add(c)
	}
}

// publish sets the measures of a row: each only where it stands. A measure stands
// only where the kind it is taken from stands, or the kinds minus the measure
// would leave 1 to b-1; revenue only where payers do.
func (t *tally) publish(row *Row, r rules) {
	row.Installs = t.installs
	if r.dataset.Kind == KindQualifier {
		return // Apple sends no value with a losing postback: none of this exists
	}
	s := r.settings
	if r.redownloads {
		row.Redownloads = standing(t.redownloads, bothHold(t.installs, t.redownloads, s.B))
	}
	shown, stands := t.kinds.merge(s.B)
	row.NullInstalls = &shown[null]
	row.UnsetInstalls = standing(shown[unset], stands[unset])
	row.UnmappedInstalls = standing(shown[unmapped], stands[unmapped])
	row.FineInstalls = standing(shown[fine], stands[fine])
	if stands[coarse] {
		stand := t.levels.merge(s.B)
		row.CoarseLow = standing(t.levels[low], stand[low])
		row.CoarseMedium = standing(t.levels[medium], stand[medium])
		row.CoarseHigh = standing(t.levels[high], stand[high])
	}
	if !stands[fine] || !bothHold(shown[fine], t.payers, s.B) {
		return
	}
	row.Payers = standing(t.payers, true)
	row.RevenueMin, row.RevenueEst, row.RevenueMax = r.amounts(t.revenue)
}

// rules are how the measures of a release are published: the same on every row.
type rules struct {
	dataset     Dataset
	settings    Settings
	openRevenue bool // no row has a revenue_max
	redownloads bool // rows have redownloads
}

// amounts is revenue as it stands beside payers. An app that publishes it banded
// shows it nowhere but in the bins.
func (r rules) amounts(sum revenue) (least, est, most *decimal.Decimal) {
	if r.settings.Revenue == RevenueBanded {
		return nil, nil, nil
	}
	if !r.openRevenue {
		most = &sum.max
	}
	return &sum.min, &sum.est, most
}

func standing(n int, stands bool) *int {
	if !stands {
		return nil
	}
	return &n
}
