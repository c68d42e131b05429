package schema

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// placedBand is a band with the pointer of its event.
type placedBand struct {
	band
	event   MappedEvent
	pointer string
}

var dimensions = []struct {
	name string
	of   dimension
}{
	{"revenue", MappedEvent.revenueBand},
	{"count", MappedEvent.countBand},
}

// checkBands finds what is wrong with the bands of both tables of a window.
func (d *Document) checkBands(r *Report, w *Window, at string) {
	for _, t := range d.halves(w, at) {
		for _, dim := range dimensions {
			for _, name := range t.eventNames() {
				d.checkInverted(r, t, dim.name, dim.of, name)
				t.checkGap(r, dim.name, dim.of, name)
			}
		}
		t.checkTwice(r)
		t.checkOverlap(r)
	}
	for _, e := range w.fineTable(at) {
		d.checkOpen(r, e)
	}
	for _, level := range sortedKeys(w.Coarse) {
		w.checkLevelEstimate(r, level, at)
	}
}

// halves lists the tables of a window. The two halves that an overlap bit makes of
// the fine values never compete: they are two tables.
func (d *Document) halves(w *Window, at string) []table {
	var without, with table
	for _, e := range w.fineTable(at) {
		if d.hasOverlapBit(e.rank) {
			with = append(with, e)
		} else {
			without = append(without, e)
		}
	}
	return []table{without, with, w.coarseTable(at)}
}

func (t table) eventNames() []string {
	var names []string
	for _, e := range t {
		for _, ev := range e.events {
			if !slices.Contains(names, ev.Name) {
				names = append(names, ev.Name)
			}
		}
	}
	return names
}

// bands lists the explicit bands of an event, and whether some entry names the
// event without one.
func (t table) bands(of dimension, name string) (out []placedBand, free bool) {
	for _, e := range t {
		for j, ev := range e.events {
			if ev.Name != name {
				continue
			}
			b, ok := of(ev)
			if !ok {
				free = true
				continue
			}
			out = append(out, placedBand{b, ev, e.event(j)})
		}
	}
	return out, free
}

// checkInverted finds band_inverted: a maximum below its minimum; a band that is
// empty because the next one begins at its only amount; an estimate that lies
// outside its own band; an open_band_mean below an open band that needs it.
func (d *Document) checkInverted(r *Report, t table, dim string, of dimension, name string) {
	bands, _ := t.bands(of, name)
	for _, b := range bands {
		if b.max != nil {
			p := under(b.pointer, dim+"_max")
			switch {
			case b.max.LessThan(b.min):
				r.fail(CodeBandInverted, p, fmt.Sprintf("%s is below the minimum %s; swap the two", b.max, b.min))
			case b.max.Equal(b.min) && t.begins(name, of, b.band)(b.min):
				r.fail(CodeBandInverted, p, fmt.Sprintf("the band is empty: the next one begins at %s; raise the maximum", b.min))
			}
		}
		if dim != "revenue" {
			continue
		}
		if est := b.event.RevenueEst; est != nil && outside(*est, b.band) {
			r.fail(CodeBandInverted, under(b.pointer, "revenue_est"),
				fmt.Sprintf("the estimate %s lies outside its band; write one within it", est))
		}
	}
}

func outside(x decimal.Decimal, b band) bool {
	return x.LessThan(b.min) || b.max != nil && !b.max.LessThan(b.min) && x.GreaterThan(*b.max)
}

// checkGap finds band_gap: amounts between two bands of an event that no row of
// the table covers, so that a phone there keeps a lower value. What lies below the
// first and above the last band is not a gap.
func (t table) checkGap(r *Report, dim string, of dimension, name string) {
	bands, free := t.bands(of, name)
	if free {
		return
	}
	slices.SortStableFunc(bands, func(a, b placedBand) int { return a.min.Cmp(b.min) })
	for i, b := range bands {
		if i == 0 {
			continue
		}
		covered := false // up to b.min by a band before
		var reach *decimal.Decimal
		for _, a := range bands[:i] {
			covered = covered || a.max == nil || !a.max.LessThan(b.min) || a.min.Equal(b.min) ||
				dim == "count" && a.max.Equal(b.min.Sub(one)) // 1-3 then 4: whole numbers leave nothing out
			if a.max != nil && (reach == nil || a.max.GreaterThan(*reach)) {
				reach = a.max
			}
		}
		if !covered {
			r.warn(CodeBandGap, under(b.pointer, dim+"_min"),
				fmt.Sprintf("no row covers %s %s from %s to %s; let the bands touch", name, dim, reach, b.min))
		}
	}
}

var one = decimal.NewFromInt(1)

// checkTwice finds band_overlap within a row: an event that is listed twice with
// bands of the same kind would count its revenue twice. One listing with counts
// and one with revenue is fine.
func (t table) checkTwice(r *Report) {
	for _, e := range t {
		for _, dim := range dimensions {
			seen := map[string]bool{}
			for j, ev := range e.events {
				_, ok := dim.of(ev)
				if ok && seen[ev.Name] {
					r.fail(CodeBandOverlap, e.event(j),
						fmt.Sprintf("%q has a %s band in this row already; keep one", ev.Name, dim.name))
				}
				seen[ev.Name] = seen[ev.Name] || ok
			}
		}
	}
}

// checkOverlap finds band_overlap between two rows or levels: they list the same
// events, some phone meets both, and they differ only by bands that intersect
// (at least one event carries a band of the same kind in both). Rows that list
// different events may hold at once: the higher one wins.
func (t table) checkOverlap(r *Report) {
	for i, b := range t {
		for _, a := range t[:i] {
			j := clash(a, b)
			if j < 0 {
				continue
			}
			r.fail(CodeBandOverlap, b.event(j),
				fmt.Sprintf("the band of %q intersects the one at %s; let one begin where the other ends", b.events[j].Name, a.pointer()))
		}
	}
}

// clash returns the event of b whose band intersects that of a while no other band
// keeps the two apart; -1 when they do not clash.
func clash(a, b entry) int {
	for _, ea := range a.events {
		if !slices.ContainsFunc(b.events, func(eb MappedEvent) bool { return eb.Name == ea.Name }) {
			return -1
		}
	}
	at := -1
	for j, eb := range b.events {
		named := false
		for _, ea := range a.events {
			if ea.Name != eb.Name {
				continue
			}
			named = true
			for _, dim := range dimensions {
				x, okA := dim.of(ea)
				y, okB := dim.of(eb)
				if okA && okB && !x.meets(y) {
					return -1
				}
				if okA && okB {
					at = j
				}
			}
		}
		if !named {
			return -1
		}
	}
	return at
}

// checkOpen finds open_band_without_mean: the estimate of an open band would be
// its minimum, far below what such installs spend. A mean below the band is
// band_inverted.
func (d *Document) checkOpen(r *Report, e entry) {
	for j, ev := range e.events {
		b, ok := ev.revenueBand()
		if !ok || b.max != nil || ev.RevenueEst != nil {
			continue
		}
		p := under(e.event(j), "revenue_min")
		switch {
		case d.OpenBandMean == nil:
			r.warn(CodeOpenBandWithoutMean, p,
				"the band has no maximum and is estimated at its minimum; add open_band_mean, or revenue_est to the band")
		case d.OpenBandMean.LessThan(b.min):
			r.fail(CodeBandInverted, "/open_band_mean",
				fmt.Sprintf("%s is below the open band that begins at %s; raise it, or add revenue_est to the band", d.OpenBandMean, b.min))
		}
	}
}

// checkLevelEstimate finds a level whose estimate lies outside the sum of its bands.
func (w *Window) checkLevelEstimate(r *Report, name, at string) {
	l := w.Coarse[name]
	if l.RevenueEst == nil {
		return
	}
	sum, some := band{max: &decimal.Decimal{}}, false
	for _, e := range l.Events {
		b, ok := e.revenueBand()
		if !ok {
			continue
		}
		some = true
		sum.min = sum.min.Add(b.min)
		if sum.max != nil && b.max != nil {
			m := sum.max.Add(*b.max)
			sum.max = &m
		} else {
			sum.max = nil
		}
	}
	if some && outside(*l.RevenueEst, sum) {
		r.fail(CodeBandInverted, under(under(under(at, "coarse"), name), "revenue_est"),
			fmt.Sprintf("the estimate %s lies outside the level's bands; write one within them", l.RevenueEst))
	}
}
