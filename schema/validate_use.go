package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkLock finds lock_unreachable: a trigger that can never fire (hours outside
// the window, an event that the document names nowhere, a fine value or level that
// the window does not map). It finds lock_shortens_signal: the lock ends the
// window before it is over (time), or before a higher mapped value can be set
// (fine, coarse, event). At the very end of the window a time lock does nothing.
func (d *Document) checkLock(r *Report, w *Window, at string) {
	l := w.Lock
	if l == nil || w.Index < 0 || w.Index > maxWindow {
		return
	}
	p, v := under(at, "lock"), under(under(at, "lock"), "value")
	fine, coarse := w.fineTable(at), w.coarseTable(at)
	shortens := ""
	switch l.On {
	case LockTime:
		hours := int(windowLength[w.Index].Hours())
		if l.Number < 1 || l.Number > hours {
			r.fail(CodeLockUnreachable, v,
				fmt.Sprintf("is %d hours; window %d has hours 1 to %d", l.Number, w.Index, hours))
		} else if l.Number < hours {
			shortens = fmt.Sprintf("what happens after %d of %d hours is not seen", l.Number, hours)
		}
	case LockEvent:
		if !d.anyEvent(func(e MappedEvent) bool { return e.Name == l.Name && l.Name != "" }) {
			r.fail(CodeLockUnreachable, v, fmt.Sprintf("no value maps the event %q; map it, or lock on another", l.Name))
		} else if fine.goesOn(l.Name) || coarse.goesOn(l.Name) {
			shortens = fmt.Sprintf("values above the first %q are not reached", l.Name)
		}
	case LockFine:
		switch {
		case l.Number < 0 || l.Number > maxFine:
			r.fail(CodeValueOutOfRange, v, fmt.Sprintf("is %d; a fine value is 0 to %d", l.Number, maxFine))
		case !fine.has(l.Number):
			r.fail(CodeLockUnreachable, v, fmt.Sprintf("window %d does not map fine value %d; map it, or lock on another", w.Index, l.Number))
		case fine.top() > l.Number:
			shortens = fmt.Sprintf("values above %d are hardly reached", l.Number)
		}
	case LockCoarse:
		rank := levelRank(l.Name)
		switch {
		case rank < 0:
			r.fail(CodeCoarseUnknown, v, fmt.Sprintf("%q is not a level; use low, medium or high", l.Name))
		case !coarse.has(rank):
			r.fail(CodeLockUnreachable, v, fmt.Sprintf("window %d does not map %s; map it, or lock on another", w.Index, l.Name))
		case coarse.top() > rank:
			shortens = fmt.Sprintf("levels above %s are hardly reached", l.Name)
		}
	}
	if shortens != "" {
		r.warn(CodeLockShortensSignal, p, "the lock shortens the window: "+shortens+"; keep it only if earlier postbacks are worth it")
	}
}

func (t table) has(rank int) bool {
	for _, e := range t {
		if e.rank == rank {
			return true
		}
	}
	return false
}

func (t table) top() int {
	top := -1
	for _, e := range t {
		top = max(top, e.rank)
	}
	return top
}

// goesOn reports whether values lie above the lowest one that names the event.
func (t table) goesOn(event string) bool {
	lowest := -1
	for _, e := range t {
		for _, ev := range e.events {
			if ev.Name == event && (lowest < 0 || e.rank < lowest) {
				lowest = e.rank
			}
		}
	}
	return lowest >= 0 && t.top() > lowest
}

// checkOrder finds not_monotonic: an entry that is further than another (it asks
// for at least as many of every event and at least as much revenue, and for more
// of something) has the lower value. SKAdNetwork 1-3 accept only increasing
// values, and everywhere the higher value wins, so the lower one would be lost.
func (d *Document) checkOrder(r *Report, w *Window, at string) {
	for _, t := range d.halves(w, at) {
		for _, a := range t {
			for _, b := range t {
				if a.rank >= b.rank {
					continue
				}
				if asFar(a, b) && !asFar(b, a) {
					r.warn(CodeNotMonotonic, a.pointer(),
						fmt.Sprintf("is further in the funnel than %s but has the lower value; swap the two", b.pointer()))
					break
				}
			}
		}
	}
}

// asFar reports whether a asks for everything that b asks for.
func asFar(a, b entry) bool {
	for _, eb := range b.events {
		found := false
		for _, ea := range a.events {
			ba, _ := ea.revenueBand()
			bb, _ := eb.revenueBand()
			found = found || ea.Name == eb.Name && ea.leastCount() >= eb.leastCount() && !ba.min.LessThan(bb.min)
		}
		if !found {
			return false
		}
	}
	return true
}

// checkUse finds value_zero_not_install (phones begin at 0, so it has to mean "only
// installed", and to have a row that says so) and unused_values (fine values that
// are neither mapped nor reserved).
func (d *Document) checkUse(r *Report, w *Window, at string) {
	if len(w.Fine) == 0 {
		return
	}
	p := under(at, "fine")
	unused := make([]int, 0, maxFine+1)
	for v := 0; v <= maxFine; v++ {
		row, state := d.row(w, v)
		switch {
		case state == StateUnmapped:
			unused = append(unused, v)
			if v == 0 {
				r.warn(CodeValueZeroNotInstall, p, `value 0 has no row, so installs that did nothing stay unmapped; add {"value": 0, "events": []}`)
			}
		case v == 0 && row != nil && len(row.Events) > 0:
			r.warn(CodeValueZeroNotInstall, p, "value 0 stands for events, but every phone begins there; give the events a value of their own")
		}
	}
	if len(unused) > 0 {
		r.warn(CodeUnusedValues, p,
			fmt.Sprintf("%d of 64 values are unused (%s); finer bands could use them", len(unused), ranges(unused)))
	}
}

// ranges prints 1,2,3,7 as "1-3, 7".
func ranges(sorted []int) string {
	var parts []string
	for i := 0; i < len(sorted); {
		j := i
		for j+1 < len(sorted) && sorted[j+1] == sorted[j]+1 {
			j++
		}
		part := fmt.Sprint(sorted[i])
		if j > i {
			part = fmt.Sprintf("%d-%d", sorted[i], sorted[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// checkPayers finds coarse_mixes_payers: some install that pays and some that does
// not would both be sent as this level, although the window knows a paying event.
// That nearly doubles the error of the modelled revenue. It is found by trying: the
// least that the level asks for, alone and with the least of each paying event.
func (w *Window) checkPayers(r *Report, at string) {
	t := w.coarseTable(at)
	paying := map[string]total{}
	w.eachEvent(at, func(e MappedEvent, _ bool, _ string) {
		x := least(e, true)
		if y, ok := paying[e.Name]; e.pays() && (!ok || x.revenue.LessThan(y.revenue)) {
			paying[e.Name] = x
		}
	})
	for i, level := range t {
		free := map[string]total{} // meets the level without paying
		demands := false
		for _, e := range level.events {
			_, pays := paying[e.Name] // here, or in another value of the window
			demands = demands || pays && (e.leastCount() > 0 || !least(e, false).revenue.IsZero())
			free[e.Name] = least(e, false)
		}
		if demands || t.highest(free, nil) != i {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(paying)) {
			x := map[string]total{name: paying[name]}
			for n, v := range free {
				if n != name {
					x[n] = v
				}
			}
			if t.highest(x, nil) == i {
				r.warn(CodeCoarseMixesPayers, level.pointer(),
					fmt.Sprintf("the level mixes installs with and without %q; give payers a level of their own", name))
				break
			}
		}
	}
}

// least is the least that an event asks for; with pay, some revenue at least.
func least(e MappedEvent, pay bool) total {
	b, _ := e.revenueBand()
	x := total{e.leastCount(), b.min}
	if !pay {
		return x
	}
	x.count = max(x.count, 1)
	switch {
	case !x.revenue.IsZero():
	case b.max == nil:
		x.revenue = one
	default:
		x.revenue = b.max.Mul(half)
	}
	return x
}
