package conversion

import (
	"slices"
	"time"
)

// FunnelEvent is one thing that an install did, as a funnel sees it.
type FunnelEvent struct {
	Name string
	Time time.Time
}

// Reached says how many stages of a funnel an install went through, 0 (only
// installed) to len(stages). A stage is reached by an event of its name that was not
// done before the stage ahead of it was reached, and within the horizon after the
// install (inclusive; with the allowance for two clocks, see Judge). One event
// reaches one stage, so the same name twice means doing it twice. The order of the
// events in the slice is of no account.
//
// Each stage takes the earliest event that it can: whatever a later one would leave
// for the stages behind it, an earlier one leaves too.
func Reached(stages []string, horizon time.Duration, install time.Time, events []FunnelEvent) int {
	inOrder := make([]FunnelEvent, 0, len(events))
	for _, e := range events {
		if within(e.Time, install, horizon) {
			inOrder = append(inOrder, e)
		}
	}
	slices.SortStableFunc(inOrder, func(a, b FunnelEvent) int { return a.Time.Compare(b.Time) })
	used := make([]bool, len(inOrder))
	var from time.Time
	for reached, stage := range stages {
		i := earliest(inOrder, used, stage, from)
		if i < 0 {
			return reached
		}
		used[i], from = true, inOrder[i].Time
	}
	return len(stages)
}

// earliest unused event of a name from a time on, or -1.
func earliest(inOrder []FunnelEvent, used []bool, name string, from time.Time) int {
	for i, e := range inOrder {
		if !used[i] && e.Name == name && !e.Time.Before(from) {
			return i
		}
	}
	return -1
}
