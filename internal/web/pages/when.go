package pages

import (
	"fmt"
	"time"
)

// Times are written in UTC, with the zone said: windows begin and end there.

// Day is "Mon 9 Nov 2026".
func Day(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006") }

// ShortDay is "9 Nov".
func ShortDay(t time.Time) string { return t.UTC().Format("2 Jan") }

// Clock is "Mon 9 Nov 2026, 14:05 UTC".
func Clock(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006, 15:04 UTC") }

// Span is "9 – 15 Nov 2026": the days of [from, to).
func Span(from, to time.Time) string {
	from, last := from.UTC(), to.UTC().Add(-time.Millisecond)
	switch {
	case from.Format(time.DateOnly) == last.Format(time.DateOnly):
		return from.Format("2 Jan 2006")
	case from.Year() != last.Year():
		return from.Format("2 Jan 2006") + " – " + last.Format("2 Jan 2006")
	case from.Month() != last.Month():
		return from.Format("2 Jan") + " – " + last.Format("2 Jan 2006")
	}
	return from.Format("2") + " – " + last.Format("2 Jan 2006")
}

// Ago says how long before now t was, in its largest unit: "3 hours ago"; of what lies
// ahead "in 3 hours".
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		return "in " + roughly(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return roughly(d) + " ago"
}

func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "a moment"
	case d < time.Hour:
		return counted(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return counted(int(d/time.Hour), "hour")
	}
	return counted(int(d/(24*time.Hour)), "day")
}

func counted(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// Length writes how long something took: "120 ms", "3.4 s", "2 min", "5 h".
func (l Locale) Length(d time.Duration) string {
	switch {
	case d < time.Second:
		return l.Int(d.Milliseconds()) + " ms"
	case d < 10*time.Second:
		return l.Digits(fmt.Sprintf("%.1f", d.Seconds())) + " s"
	case d < 2*time.Minute:
		return l.Int(int64(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return l.Int(int64(d.Minutes())) + " min"
	}
	return l.Int(int64(d.Hours())) + " h"
}
