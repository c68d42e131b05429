package schema

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Event is something that happened on the phone.
type Event struct {
	Name    string
	Time    time.Time
	Revenue decimal.Decimal // in the document's currency; zero: none
}

// FirstLaunch names the event that tells when the app was opened first. It counts
// like any other event in window 0. When it is among the events, windows are laid
// from it as Apple does, and events outside the window are left out.
const FirstLaunch = "first_launch"

// Encoded is what the phone has to set: nil and "" mean that nothing matches, so
// there is nothing to set.
type Encoded struct {
	Fine   *int   // window 0 only
	Coarse string // low, medium, high
	Lock   bool   // the window ends here; later events change nothing
}

// Apple's windows, counted from the first launch: days 0-2, 3-7, 8-35.
var (
	windowStart  = [...]time.Duration{0, 48 * time.Hour, 168 * time.Hour}
	windowLength = [...]time.Duration{48 * time.Hour, 120 * time.Hour, 672 * time.Hour}
)

// Encode answers what a phone sets after these events of one window, in whatever
// order they are given. It goes through them by time as the phone did: after each
// the highest row whose conditions all hold wins; a value never falls; and once
// the lock of the window has fired, nothing changes any more. Totals are compared
// up to the revenue cap. Rows with the overlap bit are left out: the phone adds
// the bit by itself.
//
// A time lock counts its hours from the start of the window: the first launch if
// it is among the events (see FirstLaunch), else the earliest event, which is a
// little late. It returns an error when the document has no such window, an event
// has no name, or an event has no time where time matters.
func (d *Document) Encode(window int, events []Event) (Encoded, error) {
	w := d.window(window, false)
	if window < 0 || window > maxWindow || w == nil {
		return Encoded{}, fmt.Errorf("encode: window: the schema has no window %d", window)
	}
	p := phone{doc: d, window: w, totals: map[string]total{}, fineRank: -1, coarseRank: -1}
	p.coarse = w.coarseTable("")
	if window == 0 {
		p.fine = w.fineTable("")
	}
	ordered, start, err := cut(w, events)
	if err != nil {
		return Encoded{}, fmt.Errorf("encode: %w", err)
	}
	p.settle("")
	for _, e := range ordered {
		if p.out.Lock {
			break
		}
		if w.Lock != nil && w.Lock.On == LockTime &&
			!e.Time.Before(start.Add(time.Duration(w.Lock.Number)*time.Hour)) {
			p.out.Lock = true
			break
		}
		t := p.totals[e.Name]
		p.totals[e.Name] = total{t.count + 1, t.revenue.Add(e.Revenue)}
		p.settle(e.Name)
	}
	return p.out, nil
}

// phone is the state of one window on one phone.
type phone struct {
	doc                  *Document
	window               *Window
	fine, coarse         table
	totals               map[string]total
	fineRank, coarseRank int
	out                  Encoded
}

// settle raises the values to what holds now and fires the lock.
func (p *phone) settle(happened string) {
	x := p.totals
	if limit := p.doc.RevenueCap; limit != nil {
		x = make(map[string]total, len(p.totals))
		for name, t := range p.totals {
			x[name] = total{t.count, decimal.Min(t.revenue, *limit)}
		}
	}
	i := p.fine.highest(x, func(e entry) bool { return e.rank <= p.fineRank || p.doc.hasOverlapBit(e.rank) })
	if i >= 0 {
		v := p.fine[i].rank
		p.fineRank, p.out.Fine = v, &v
	}
	i = p.coarse.highest(x, func(e entry) bool { return e.rank <= p.coarseRank })
	if i >= 0 {
		p.coarseRank, p.out.Coarse = p.coarse[i].rank, levels[p.coarse[i].rank]
	}
	l := p.window.Lock
	if l == nil {
		return
	}
	switch l.On {
	case LockEvent:
		p.out.Lock = happened != "" && happened == l.Name
	case LockFine:
		p.out.Lock = p.fineRank >= l.Number
	case LockCoarse:
		p.out.Lock = levelRank(l.Name) >= 0 && p.coarseRank >= levelRank(l.Name)
	}
}

// cut orders the events by time and finds the start of the window.
func cut(w *Window, events []Event) (ordered []Event, start time.Time, err error) {
	timed := w.Lock != nil && w.Lock.On == LockTime
	launched := false
	for _, e := range events {
		if e.Name == FirstLaunch && (!launched || e.Time.Before(start)) {
			launched, start = true, e.Time
		}
	}
	for i, e := range events {
		if e.Name == "" {
			return nil, start, fmt.Errorf("events[%d].name: is empty; name the event", i)
		}
		if (timed || launched) && e.Time.IsZero() {
			return nil, start, fmt.Errorf("events[%d].time: is missing; the window and its lock are counted in hours", i)
		}
	}
	ordered = slices.Clone(events)
	slices.SortStableFunc(ordered, func(a, b Event) int { return a.Time.Compare(b.Time) })
	if !launched {
		if len(ordered) > 0 {
			start = ordered[0].Time
		}
		return ordered, start, nil
	}
	start = start.Add(windowStart[w.Index])
	end := start.Add(windowLength[w.Index])
	ordered = slices.DeleteFunc(ordered, func(e Event) bool {
		return e.Time.Before(start) && w.Index > 0 || !e.Time.Before(end)
	})
	return ordered, start, nil
}
