package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Validate judges what the document means and reports everything at once. What
// each code means stands at the function that finds it.
func (d *Document) Validate() Report {
	r := &Report{Errors: []Finding{}, Warnings: []Finding{}}
	d.checkHead(r)
	pending := d.checkLayout(r)
	d.checkWindowsPresent(r, d.Windows, "/windows", pending)
	if len(d.ReengagementWindows) > 0 {
		d.checkWindowsPresent(r, d.ReengagementWindows, "/reengagement_windows", false)
	}
	d.eachWindow(func(w *Window, at string) {
		w.checkValues(r, at)
		w.checkReserved(r, at)
		w.checkCoarse(r, at)
		w.checkEvents(r, at)
		w.checkReach(r, at)
		if !pending { // a lock on a value that expanding adds is no mistake
			d.checkLock(r, w, at)
		}
		d.checkBands(r, w, at)
		d.checkOrder(r, w, at)
		d.checkUse(r, w, at)
		w.checkPayers(r, at)
	})
	d.checkEventCount(r)
	r.OK = len(r.Errors) == 0
	return *r
}

func (d *Document) eachWindow(do func(w *Window, at string)) {
	for i := range d.Windows {
		do(&d.Windows[i], under("/windows", i))
	}
	for i := range d.ReengagementWindows {
		do(&d.ReengagementWindows[i], under("/reengagement_windows", i))
	}
}

// checkHead finds currency_missing (amounts without a currency),
// currency_unknown (not an upper-case ISO 4217 code), app_id_missing (a file may
// leave the app open; publishing may not), and an overlap bit or a mean that
// cannot be.
func (d *Document) checkHead(r *Report) {
	if d.AppID == 0 {
		r.warn(CodeAppIDMissing, "/app_id", "the schema names no app; add app_id before it is published")
	}
	money := d.RevenueCap != nil || d.OpenBandMean != nil || d.MeasuresRevenue()
	d.eachWindow(func(w *Window, _ string) {
		for _, l := range w.Coarse {
			money = money || l.RevenueEst != nil
		}
	})
	switch {
	case d.Currency == "" && money:
		r.fail(CodeCurrencyMissing, "/currency", `the schema has amounts without a currency; add one such as "USD"`)
	case d.Currency != "" && !CurrencyKnown(d.Currency):
		remedy := `write the ISO 4217 code in capitals, such as "USD"`
		if up := strings.ToUpper(d.Currency); CurrencyKnown(up) {
			remedy = fmt.Sprintf("write %q", up)
		}
		r.fail(CodeCurrencyUnknown, "/currency", fmt.Sprintf("%q is not a currency; %s", d.Currency, remedy))
	}
	if b := d.OverlapBit; b != nil && (*b < 0 || *b > 5) {
		r.fail(CodeValueOutOfRange, "/overlap_bit",
			fmt.Sprintf("is %d; a fine value has the bits 0 to 5", *b))
	}
}

// checkWindowsPresent finds empty_schema (no window maps any value),
// window_missing (no window 0, or a later window without the one before it: the
// pointer is of the list), duplicate_value (the same index twice) and
// value_out_of_range (an index that Apple does not have). A window that is left
// out at the end is only worth coarse_missing: SKAdNetwork 1-3 have window 0 alone.
// While a layout waits to be expanded, what it will write is not missing.
func (d *Document) checkWindowsPresent(r *Report, ws []Window, at string, pending bool) {
	seen := map[int]bool{}
	mapped, last := 0, 0
	for i, w := range ws {
		p := under(under(at, i), "index")
		switch {
		case w.Index < 0 || w.Index > maxWindow:
			r.fail(CodeValueOutOfRange, p, fmt.Sprintf("is %d; Apple has the windows 0, 1 and 2", w.Index))
			continue
		case seen[w.Index]:
			r.fail(CodeDuplicateValue, p, fmt.Sprintf("window %d stands here twice; merge the two", w.Index))
		}
		seen[w.Index] = true
		last = max(last, w.Index)
		mapped += len(w.Fine) + len(w.Coarse)
	}
	if mapped == 0 && !pending {
		r.fail(CodeEmptySchema, at, "no value is mapped; add fine rows or coarse levels to a window")
	}
	for i := 0; i <= maxWindow; i++ {
		switch {
		case seen[i], pending && i == 0:
		case i <= last:
			r.fail(CodeWindowMissing, at, fmt.Sprintf(`window %d is missing; add {"index": %d}`, i, i))
		default:
			r.warn(CodeCoarseMissing, at,
				fmt.Sprintf("window %d is missing, so its postbacks stay unmapped; add it with coarse levels", i))
		}
	}
}

// checkValues finds value_out_of_range, duplicate_value and fine_in_later_window
// (Apple sends fine values in the first window only; gaps in fine values make no
// more sense there).
func (w *Window) checkValues(r *Report, at string) {
	if w.Index > 0 && len(w.Fine) > 0 {
		r.fail(CodeFineInLaterWindow, under(at, "fine"),
			fmt.Sprintf("window %d never carries fine values; map coarse levels instead", w.Index))
	}
	if w.Index > 0 && len(w.Reserved) > 0 {
		r.fail(CodeFineInLaterWindow, under(at, "reserved"),
			fmt.Sprintf("window %d never carries fine values; remove the reserved gaps", w.Index))
	}
	seen := map[int]bool{}
	for i, row := range w.Fine {
		p := under(under(under(at, "fine"), i), "value")
		switch {
		case row.Value < 0 || row.Value > maxFine:
			r.fail(CodeValueOutOfRange, p, fmt.Sprintf("is %d; a fine value is 0 to %d", row.Value, maxFine))
		case seen[row.Value]:
			r.fail(CodeDuplicateValue, p, fmt.Sprintf("value %d has a row already; merge the two", row.Value))
		}
		seen[row.Value] = true
	}
}

// checkReserved finds gaps out of range and reserved_overlaps_value: a value
// cannot be kept free and used.
func (w *Window) checkReserved(r *Report, at string) {
	for i, g := range w.Reserved {
		if !goodGap(g) {
			r.fail(CodeValueOutOfRange, under(under(at, "reserved"), i),
				fmt.Sprintf("is %d to %d; write [first, last] within 0 to %d", g[0], g[1], maxFine))
		}
	}
	for i, row := range w.Fine {
		if w.isReserved(row.Value) {
			r.fail(CodeReservedOverlapsValue, under(under(under(at, "fine"), i), "value"),
				fmt.Sprintf("value %d is reserved; move the row or shrink the gap", row.Value))
		}
	}
}

// checkCoarse finds coarse_unknown, and coarse_missing: levels without a meaning
// come back unmapped.
func (w *Window) checkCoarse(r *Report, at string) {
	p := under(at, "coarse")
	for _, name := range sortedKeys(w.Coarse) {
		if levelRank(name) < 0 {
			r.fail(CodeCoarseUnknown, under(p, name), fmt.Sprintf("%q is not a level; use low, medium or high", name))
		}
	}
	var missing []string
	for _, name := range levels {
		if _, ok := w.Coarse[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		r.warn(CodeCoarseMissing, p, fmt.Sprintf("window %d gives no meaning to %s, which small crowds send; add them",
			w.Index, strings.Join(missing, ", ")))
	}
}

// eachEvent visits all events of the window with their pointers.
func (w *Window) eachEvent(at string, do func(e MappedEvent, fine bool, at string)) {
	for i, row := range w.Fine {
		for j, e := range row.Events {
			do(e, true, under(under(under(under(at, "fine"), i), "events"), j))
		}
	}
	for _, name := range sortedKeys(w.Coarse) {
		for j, e := range w.Coarse[name].Events {
			do(e, false, under(under(under(under(at, "coarse"), name), "events"), j))
		}
	}
}

// checkEvents finds event_name_missing.
func (w *Window) checkEvents(r *Report, at string) {
	w.eachEvent(at, func(e MappedEvent, _ bool, at string) {
		if strings.TrimSpace(e.Name) == "" {
			r.fail(CodeEventNameMissing, under(at, "name"), "the event has no name; add the one that the app sends")
		}
	})
}

var (
	dayToken  = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(?:(?:d|day)[ _-]?([0-9]{1,3})|([0-9]{1,3})[ _-]?(?:d|days?))(?:$|[^a-z0-9])`)
	staysWord = regexp.MustCompile(`(?i)retain|retention|return|active|login|open|session|streak|visit`)
	dayAlone  = regexp.MustCompile(`(?i)^(d|day)[ _-]?[0-9]{1,3}$`)
)

// laterDay tells the day of an event that by its name is about coming back on a
// day after the first window: day 3 and later, in a name that is only the day
// ("d7") or also speaks of staying ("retained_day_7", "7d_retention"). "Day 7" as
// the name of a level in a game is left alone.
func laterDay(name string) (int, bool) {
	m := dayToken.FindStringSubmatch(name)
	if m == nil || !dayAlone.MatchString(name) && !staysWord.MatchString(name) {
		return 0, false
	}
	day, err := strconv.Atoi(m[1] + m[2])
	return day, err == nil && day >= 3
}

// checkReach finds fine_value_unreachable: fine values come from window 0, which
// ends two days after the first launch, so an event of a later day never sets one.
func (w *Window) checkReach(r *Report, at string) {
	w.eachEvent(at, func(e MappedEvent, fine bool, at string) {
		day, late := laterDay(e.Name)
		if fine && late && e.leastCount() > 0 {
			r.fail(CodeFineValueUnreachable, under(at, "name"),
				fmt.Sprintf("%q can only happen on day %d, after window 0; map it to a coarse level of window 1 or 2", e.Name, day))
		}
	})
}

// checkEventCount finds more_than_five_events: networks optimise on three to five.
func (d *Document) checkEventCount(r *Report) {
	names := map[string]bool{}
	d.eachWindow(func(w *Window, at string) {
		w.eachEvent(at, func(e MappedEvent, _ bool, _ string) { names[e.Name] = true })
	})
	if len(names) > 5 {
		r.warn(CodeMoreThanFiveEvents, "/windows",
			fmt.Sprintf("%d events are mapped; networks optimise on three to five, drop the least useful", len(names)))
	}
}

func sortedKeys(m map[string]Level) []string {
	var keys []string
	for _, l := range levels {
		if _, ok := m[l]; ok {
			keys = append(keys, l)
		}
	}
	known := len(keys)
	for k := range m {
		if levelRank(k) < 0 {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys[known:])
	return keys
}
