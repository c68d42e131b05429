package aggregate

import (
	"fmt"
	"time"
)

// plan is the next window of a dataset to seal, and by which rules.
type plan struct {
	window   Window
	settings Settings
	taken    Window // which unsealed rows it takes, by counted_at
	waiting  bool   // no row was counted in it: seal only if what waits is k by now
}

// plan says which window is next, given the first row counted since the last one
// (found, at), and whether it is due at now. Windows with no row of their own need
// no release and no ledger line, so years without traffic cost one look-up. If no
// row at all was counted since, the last window that closed is tried for what
// waits: late rows, or carried ones after k was lowered.
func (o Open) plan(at time.Time, found bool, now time.Time) (p plan, due bool, err error) {
	if found {
		p.window, p.settings = windowOf(o.History, at)
	} else {
		p.waiting = true
		p.window, p.settings = lastClosed(o.History, now)
	}
	if now.Before(p.window.End.Add(p.settings.SealDelay)) {
		return p, false, nil
	}
	if p.window.Start.Before(o.LastEnd) {
		if p.waiting {
			return p, false, nil
		}
		return p, false, fmt.Errorf("window %s to %s overlaps the ledger's last one, which ends %s; a change of window must begin at a boundary of both kinds",
			p.window.Start.Format(time.RFC3339), p.window.End.Format(time.RFC3339), o.LastEnd.UTC().Format(time.RFC3339))
	}
	p.taken = Window{Start: currencySince(o.History, p.window.Start), End: p.window.End}
	return p, true, nil
}

// windowOf is the window that t lies in, by the settings in force when it began.
func windowOf(history []SettingsAt, t time.Time) (Window, Settings) {
	day := WindowAt(Day, t)
	w := WindowAt(InForce(history, day.Start).Window, t)
	return w, InForce(history, w.Start)
}

// lastClosed is the last window that is due at now.
func lastClosed(history []SettingsAt, now time.Time) (Window, Settings) {
	w, s := windowOf(history, now)
	for now.Before(w.End.Add(s.SealDelay)) {
		w, s = windowOf(history, w.Start.Add(-time.Millisecond))
	}
	return w, s
}

// currencySince is from when on the currency of the window that starts at
// windowStart was in force without a break; zero if it always was. Rows counted
// before it stay carried for ever: they were decoded in another currency, and
// adding them to a later window would either mix currencies in a sum or publish
// them apart, as a set below k.
func currencySince(history []SettingsAt, windowStart time.Time) time.Time {
	var since time.Time
	for i := 1; i < len(history) && !history[i].EffectiveFrom.After(windowStart); i++ {
		if history[i].Currency != history[i-1].Currency {
			since = history[i].EffectiveFrom
		}
	}
	return since
}

// release is the ledger line of the plan, with its rows if there are any.
func (o Open) release(p plan, cut Published, digest string, now time.Time) Release {
	r := Release{
		ID:      ReleaseID(o.Dataset, p.window, o.Dataset.view(), ReleaseBase, 0),
		Dataset: o.Dataset, View: o.Dataset.view(), Kind: ReleaseBase,
		Window: p.window, WindowStart: p.window.Start, Taken: p.taken,
		K: p.settings.K, B: p.settings.B, SchemaVersions: cut.SchemaVersions,
		SealedAt: now, Lab: o.Lab, Settings: p.settings,
		State: StatePrepared, Rows: cut.Rows, Remainders: cut.Remainders, Values: cut.Values, Events: cut.Events,
		Installs: cut.Installs, Carried: cut.Carried, Digest: digest,
		Done: cut.Done, Funnels: cut.Funnels,
	}
	if r.View == ViewDeterministic { // told as Done, of which the bins are not shown
		r.Remainders, r.Values, r.Events = nil, nil, nil
	}
	if len(cut.Rows) == 0 {
		r.State = StateCarried
		return r
	}
	for _, start := range o.CarriedStarts {
		if !start.Before(p.taken.Start) {
			r.WindowStart = start
			break
		}
	}
	return r
}
