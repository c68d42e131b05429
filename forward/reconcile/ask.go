package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxSpan days are compared at once: each is counted anew.
const maxSpan = 92

// CheckSpan judges the days that are asked for; to is excluded.
func CheckSpan(from, to time.Time) error {
	if !to.After(from) || to.Sub(from) > maxSpan*24*time.Hour {
		return fmt.Errorf("want a day after the first, at most %d days later; it is excluded", maxSpan)
	}
	return nil
}

// CheckGroup judges what a table is to be grouped by.
func CheckGroup(by []string) error {
	known := []string{ByDay, ByEvent, ByCampaign}
	if len(by) == 1 && by[0] == ByCause {
		return nil
	}
	for _, g := range by {
		if !slices.Contains(known, g) {
			return errors.New("want some of " + strings.Join(known, ",") + ", or " + ByCause + " alone")
		}
	}
	return nil
}
