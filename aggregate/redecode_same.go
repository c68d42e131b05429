package aggregate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

func (c histogramKey) label(values []ValueBin) []ValueBin {
	for i := range values {
		values[i].NetworkID, values[i].IDKind, values[i].Source2 = c.network, c.idKind, c.source2
	}
	return values
}

func (c histogramKey) labelEvents(events []EventCount) []EventCount {
	for i := range events {
		events[i].NetworkID, events[i].IDKind, events[i].Source2 = c.network, c.idKind, c.source2
	}
	return events
}

// sameMoney compares published amounts. SQLite keeps 15 digits of them, so that one
// that was read back may differ from the one that was written in a later digit.
func sameMoney(a, b *decimal.Decimal) bool {
	if a == nil || b == nil {
		return a == b
	}
	bound := a.Abs().Mul(decimal.New(1, -12))
	return a.Sub(*b).Abs().LessThanOrEqual(bound)
}

func sameCount(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

func compareCount(a, b *int) int {
	if a == nil || b == nil {
		return boolInt(a != nil) - boolInt(b != nil)
	}
	return *a - *b
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sameValues compares bins in any order, by what they hold, are called and are worth.
func sameValues(a, b []ValueBin) bool {
	order := func(a, b ValueBin) int {
		return cmp.Or(
			histogramKey{a.NetworkID, a.IDKind, a.Source2}.compare(histogramKey{b.NetworkID, b.IDKind, b.Source2}),
			cmp.Compare(a.Kind, b.Kind), a.From-b.From, a.To-b.To, cmp.Compare(a.Values, b.Values),
			a.SchemaVersion-b.SchemaVersion, compareCount(a.Installs, b.Installs))
	}
	return slices.EqualFunc(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order),
		func(a, b ValueBin) bool {
			return order(a, b) == 0 && sameMoney(a.RevenueMin, b.RevenueMin) &&
				sameMoney(a.RevenueEst, b.RevenueEst) && sameMoney(a.RevenueMax, b.RevenueMax)
		})
}

// sameEvents compares events in any order.
func sameEvents(a, b []EventCount) bool {
	order := func(a, b EventCount) int {
		return cmp.Or(
			histogramKey{a.NetworkID, a.IDKind, a.Source2}.compare(histogramKey{b.NetworkID, b.IDKind, b.Source2}),
			cmp.Compare(a.EventName, b.EventName))
	}
	return slices.EqualFunc(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order),
		func(a, b EventCount) bool {
			return order(a, b) == 0 && sameCount(a.Installs, b.Installs) && sameMoney(a.CountMin, b.CountMin) &&
				sameMoney(a.CountEst, b.CountEst) && sameMoney(a.CountMax, b.CountMax) && sameMoney(a.AmbiguousShare, b.AmbiguousShare)
		})
}

// readsAlike reports whether a redecode says what its base says, by whatever version.
func readsAlike(base, again Release) bool {
	return slices.EqualFunc(base.Rows, again.Rows, func(a, b Row) bool {
		return sameCount(a.Payers, b.Payers) && sameMoney(a.RevenueMin, b.RevenueMin) &&
			sameMoney(a.RevenueEst, b.RevenueEst) && sameMoney(a.RevenueMax, b.RevenueMax)
	}) && slices.EqualFunc(base.Remainders, again.Remainders, func(a, b Remainder) bool {
		return a.Measure == b.Measure && a.NetworkID == b.NetworkID && sameMoney(a.RevenueMin, b.RevenueMin)
	}) && sameEvents(base.Events, again.Events) && sameValues(unversioned(base.Values), unversioned(again.Values))
}

// unversioned is bins without what names the versions that they read right by.
func unversioned(values []ValueBin) []ValueBin {
	out := slices.Clone(values)
	for i := range out {
		out[i].Values, out[i].SchemaVersion = "", 0
	}
	return out
}

// checkRedecode looks a second time before the promise is kept: the redecode has the
// rows of its base with their installs and kinds, bins of the same sizes, and no
// count of 1 to b-1.
func (r Release) checkRedecode(base Release) error {
	for i, row := range r.Rows {
		if !countedAlike(row, base.Rows[i]) {
			return fmt.Errorf("redecode %s: row %s is not that of its base", r.ID, row.Key())
		}
		if row.Payers != nil && !bothHold(*row.FineInstalls, *row.Payers, r.B) {
			return fmt.Errorf("redecode %s: payers of row %s can't be told", r.ID, row.Key())
		}
		if row.Payers == nil && row.RevenueMin != nil {
			return fmt.Errorf("redecode %s: row %s has revenue without payers", r.ID, row.Key())
		}
	}
	if !slices.Equal(sizes(r.Values), sizes(base.Values)) {
		return fmt.Errorf("redecode %s: its bins are not those of its base", r.ID)
	}
	for _, v := range r.Values {
		if v.Installs != nil && !holds(*v.Installs, r.B) {
			return fmt.Errorf("redecode %s: line %s %s of campaign %q can't be told", r.ID, v.Kind, v.Values, v.Source2)
		}
	}
	for _, e := range r.Events {
		if e.Installs != nil && !holds(*e.Installs, r.B) {
			return fmt.Errorf("redecode %s: event %s of campaign %q can't be told", r.ID, e.EventName, e.Source2)
		}
	}
	return nil
}

// countedAlike compares what no schema decides.
func countedAlike(a, b Row) bool {
	return a.Key() == b.Key() && a.Level == b.Level && a.Installs == b.Installs && sameCount(a.NullInstalls, b.NullInstalls) &&
		sameCount(a.UnsetInstalls, b.UnsetInstalls) && sameCount(a.UnmappedInstalls, b.UnmappedInstalls) &&
		sameCount(a.CoarseLow, b.CoarseLow) && sameCount(a.CoarseMedium, b.CoarseMedium) && sameCount(a.CoarseHigh, b.CoarseHigh) &&
		sameCount(a.FineInstalls, b.FineInstalls) && sameCount(a.Redownloads, b.Redownloads)
}

// sizes are the fine bins of each campaign by their installs alone.
func sizes(values []ValueBin) []string {
	var out []string
	for _, v := range values {
		if v.Kind == BinFine {
			out = append(out, fmt.Sprintf("%q %q %q %d", v.NetworkID, v.IDKind, v.Source2, *v.Installs))
		}
	}
	slices.Sort(out)
	return out
}
