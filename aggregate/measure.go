package aggregate

// tally is what a row's installs did, in full; it never leaves this package.
type tally struct {
	installs int
	kinds    kinds
	levels   levels
	payers   int
	revenue  revenue
}

func (t *tally) add(c *Counted) {
	t.installs += c.N
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
func (t *tally) publish(row *Row, d Dataset, s Settings, openRevenue bool) {
	row.Installs = t.installs
	if d.Kind == KindQualifier {
		return // Apple sends no value with a losing postback: none of this exists
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
	if !stands[fine] || !payersStand(shown[fine], t.payers, s.B) {
		return
	}
	row.Payers = standing(t.payers, true)
	if s.Revenue == RevenueBanded {
		return
	}
	sum := t.revenue
	row.RevenueMin, row.RevenueEst = &sum.min, &sum.est
	if !openRevenue {
		row.RevenueMax = &sum.max
	}
}

func standing(n int, stands bool) *int {
	if !stands {
		return nil
	}
	return &n
}
