package schema

// Agree reports whether two documents read a value the same: its state, its events
// with their bands and partner names, and its revenue. A value that two versions
// may have set can be used without knowing which only where they agree. A value
// with nothing to decode (null, unset) is read the same by all.
func Agree(a, b *Document, v Value) bool {
	x, y := a.Decode(v), b.Decode(v)
	switch {
	case x.State != y.State || x.Overlap != y.Overlap || x.EstimateMissing != y.EstimateMissing,
		!x.RevenueMin.Equal(y.RevenueMin) || !x.RevenueEst.Equal(y.RevenueEst),
		(x.RevenueMax == nil) != (y.RevenueMax == nil),
		x.RevenueMax != nil && !x.RevenueMax.Equal(*y.RevenueMax),
		x.Payer && a.Currency != b.Currency:
		return false
	}
	return fingerprint(canonicalEvents(x.Events)) == fingerprint(canonicalEvents(y.Events))
}
