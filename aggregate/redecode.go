package aggregate

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Decodes is what an app's schema versions say of the fine values of a dataset.
type Decodes struct {
	Old      []Meaning // as Batch.Schemas of the base's window: the versions that may have decoded it
	New      Meaning   // the version that it is to be read by
	Currency string    // of the amounts in New, ISO 4217
}

// Redecode reads a published base release by another schema version. It is made of
// what that release published and of what its versions mean, of nothing else: no
// counted row is looked at, so nothing finer moves than was published, and whoever
// has the base and the schemas can compute it. It returns *RedecodeRefused where
// there is nothing to relabel, or nothing that may be.
//
// What stays: the rows, their installs, kinds, levels and redownloads, the bins and
// their installs. A value that the base's versions had no meaning for was counted as
// unmapped and is in no bin, so no version can give it one afterwards; coarse levels
// are told as levels, whatever they mean. A value that the new version has no row for
// stays among fine installs: it pays nothing and vouches for nothing.
//
// What is read again: revenue of bins, what the cap cut, events, and payers and
// revenue of rows as far as bins tell them; what bins don't tell is NULL.
func Redecode(base Release, d Decodes, now time.Time) (Release, error) {
	err := relabelable(base, d)
	if err != nil {
		return Release{}, err
	}
	l, err := newRelabelling(base, d)
	if err != nil {
		return Release{}, err
	}
	again := base
	again.ID = ReleaseID(base.Dataset, base.Window, base.View, ReleaseRedecode, 0)
	again.Kind, again.State, again.SealedAt = ReleaseRedecode, StatePrepared, now
	again.SchemaVersions, again.Crossings = []int{d.New.Version}, nil // noised views are read by no schema
	again.Values, again.Events = l.publish()
	again.Rows, again.Remainders = make([]Row, len(base.Rows)), nil
	for i, r := range base.Rows {
		again.Rows[i] = l.row(r)
	}
	for _, r := range base.Remainders {
		if kept, ok := l.remainder(r); ok {
			again.Remainders = append(again.Remainders, kept)
		}
	}
	if readsAlike(base, again) {
		return Release{}, refuse(base.ID, RefusedSame,
			"version %d says the same of everything that it published; a window can be decoded again once only, so this is not it", d.New.Version)
	}
	return again, again.checkRedecode(base)
}

// relabelable refuses what the ledger's line alone refuses.
func relabelable(base Release, d Decodes) error {
	switch {
	case base.Kind != ReleaseBase || base.View != ViewCohort:
		return refuse(base.ID, RefusedNotBase, "it is of kind %s and view %s; name the base release of the window", base.Kind, base.View)
	case base.State == StateCarried:
		return refuse(base.ID, RefusedCarried, "its window was carried: nothing was published that could be read again")
	case base.State != StatePublished:
		return refuse(base.ID, RefusedNotPublished, "it is %s and not published yet; the next seal publishes it, ask again then", base.State)
	case d.Currency != base.Settings.Currency:
		return refuse(base.ID, RefusedCurrency, "it is in %s, version %d in %q; name a version in its currency", base.Settings.Currency, d.New.Version, d.Currency)
	}
	return nil
}

// row is a row as the new version reads it. Where payers are NULL in the base they
// stay so; where no install had a fine value none of them pays under any version.
func (l *relabelling) row(r Row) Row {
	r.SchemaVersions = []int{l.version}
	if r.Payers == nil || *r.FineInstalls == 0 {
		return r
	}
	c, changed := l.campaigns[campaignOf(r)], l.any
	if c != nil {
		changed = c.changed // of its rows every fine install is in its bins
	}
	if changed.payers {
		r.Payers = l.payers(c, *r.FineInstalls)
	}
	switch {
	case r.Payers == nil:
		r.RevenueMin, r.RevenueEst, r.RevenueMax = nil, nil, nil
	case l.banded || !changed.payers && !changed.amounts || !changed.payers && *r.Payers == 0:
		// As in the base.
	case *r.Payers == 0:
		r.RevenueMin, r.RevenueEst, r.RevenueMax = &decimal.Decimal{}, &decimal.Decimal{}, &decimal.Decimal{}
	case c != nil && c.rows == 1 && !c.stray:
		r.RevenueMin, r.RevenueEst, r.RevenueMax = l.revenue(c)
	default:
		r.RevenueMin, r.RevenueEst, r.RevenueMax = nil, nil, nil // how the bins spread over rows is not told
	}
	return r
}

// payers is how many of a row's fine installs pay under the new version; nil where
// the bins of its campaign don't tell.
func (l *relabelling) payers(c *campaignBins, among int) *int {
	if c == nil || c.stray {
		return nil
	}
	n, stands := l.read.total(c.bins, func(c cell) bool { return c.meaning.Payer })
	switch {
	case !stands: // values that pay and values that don't are in one bin
		return nil
	case n == 0:
		return &n
	case n == c.installs:
		return &among
	case c.rows == 1:
		return &n
	}
	return nil
}

// revenue is that of the paying bins together: by their sizes and values alone.
func (l *relabelling) revenue(c *campaignBins) (least, est, most *decimal.Decimal) {
	var sum revenue
	open := false
	for _, b := range c.bins {
		if l.read.contains(b.cells, func(c cell) bool { return c.meaning.Payer }) != every {
			continue
		}
		v := l.read.value(b)
		sum.min, sum.est = sum.min.Add(*v.RevenueMin), sum.est.Add(*v.RevenueEst)
		if v.RevenueMax == nil {
			open = true
		} else {
			sum.max = sum.max.Add(*v.RevenueMax)
		}
	}
	if open {
		return &sum.min, &sum.est, nil
	}
	return &sum.min, &sum.est, &sum.max
}

// remainder is a remainder as the new version reads it. Which values are on its rows
// is told nowhere, so it stays only if no value that they could have had changed.
func (l *relabelling) remainder(r Remainder) (Remainder, bool) {
	if r.Measure != MeasurePayers {
		return r, true
	}
	if l.any.amounts {
		r.RevenueMin, r.RevenueEst, r.RevenueMax = nil, nil, nil
	}
	return r, !l.any.payers
}

// publish gives the bins and events of the redecode, in the order of a base release.
func (l *relabelling) publish() (values []ValueBin, events []EventCount) {
	for _, key := range slices.SortedFunc(l.keys(), histogramKey.compare) {
		c := l.campaigns[key]
		v, e := l.read.values(c.bins), l.read.eventCounts(c.bins, c.share)
		values, events = append(values, key.label(v)...), append(events, key.labelEvents(e)...)
	}
	return values, events
}
