package aggregate

import "time"

// WindowKind is how long an app collects before it publishes.
type WindowKind string

// The two kinds. Both end at midnight UTC, a week on Monday.
const (
	Week WindowKind = "week"
	Day  WindowKind = "day" // advised from about 50,000 installs a week
)

// Window is a span of commit times (counted_at), Start included, End excluded.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// WindowAt is the window of the kind that t lies in.
func WindowAt(kind WindowKind, t time.Time) Window {
	t = t.UTC()
	start := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	if kind == Day {
		return Window{Start: start, End: start.AddDate(0, 0, 1)}
	}
	sinceMonday := (int(start.Weekday()) + 6) % 7
	start = start.AddDate(0, 0, -sinceMonday)
	return Window{Start: start, End: start.AddDate(0, 0, 7)}
}

// Next is the window of the kind that begins where w ends, or in which w ends.
func (k WindowKind) Next(w Window) Window { return WindowAt(k, w.End) }

// Kind is the window's kind, by its length.
func (w Window) Kind() WindowKind {
	if w.End.Sub(w.Start) == 24*time.Hour {
		return Day
	}
	return Week
}

// Contains reports whether t lies in the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.Start) && t.Before(w.End) }

// Apple's delays, spec "Estimated first launch" (retries, up to nine days more,
// excluded): how long before a postback's arrival the install's first launch may
// lie, at most and at least. For re-engagement it is the opening.
var (
	delayCampaign = [2]time.Duration{65 * 24 * time.Hour, 24 * time.Hour} // SKAdNetwork 1-3
	delayIndex    = [3][2]time.Duration{
		{96 * time.Hour, 24 * time.Hour},
		{312 * time.Hour, 72 * time.Hour},
		{984 * time.Hour, 192 * time.Hour},
	}
)

// InstallBounds is install_from and install_to of a row: between which times the
// installs of window w were first launched. It is computed from the window and
// Apple's delays, never from rows, so it says nothing about any of them. A row
// that may mix both id kinds ("") takes the widest bounds; campaign ids exist at
// index 0 only.
func InstallBounds(index int, idKind string, w Window) (from, to time.Time) {
	delay := delayIndex[min(max(index, 0), len(delayIndex)-1)]
	if index <= 0 && idKind != IDSource {
		delay = delayCampaign
	}
	return w.Start.Add(-delay[0]), w.End.Add(-delay[1])
}
