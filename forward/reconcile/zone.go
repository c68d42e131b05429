package reconcile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a container without zone files must read the same names
)

var offsetName = regexp.MustCompile(`^(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-5][0-9]))?$`)

// grain is what every zone in use is a multiple of; conversions are tallied by it.
const grain = 15 * time.Minute

// ParseZone reads America/Los_Angeles, UTC, UTC-8 or +05:30. An offset has no summer
// time; a name has.
func ParseZone(name string) (*time.Location, error) {
	switch strings.ToUpper(name) {
	case "UTC", "GMT", "Z":
		return time.UTC, nil
	}
	if m := offsetName.FindStringSubmatch(name); m != nil {
		hours, _ := strconv.Atoi(m[2])         // digits
		minutes, _ := strconv.Atoi("0" + m[3]) // digits
		seconds := hours*60*60 + minutes*60    // at most two digits each
		if seconds <= 14*60*60 && minutes%15 == 0 {
			if m[1] == "-" {
				seconds = -seconds
			}
			return offset(seconds), nil
		}
	}
	if strings.Contains(name, "/") && len(name) <= 60 {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("%q is no time zone; write America/Los_Angeles or UTC-8", clip(name))
}

// offset is a zone without summer time, named UTC-8 or UTC+5:30.
func offset(seconds int) *time.Location {
	if seconds == 0 {
		return time.UTC
	}
	sign, minutes := '+', seconds/60
	if seconds < 0 {
		sign, minutes = '-', -minutes
	}
	name := fmt.Sprintf("UTC%c%d", sign, minutes/60)
	if minutes%60 != 0 {
		name += fmt.Sprintf(":%02d", minutes%60)
	}
	return time.FixedZone(name, seconds)
}

// plausible are the offsets in which somebody keeps accounts, the nearest to UTC
// first: of two that fit alike the smaller shift is the simpler explanation.
func plausible() []*time.Location {
	zones := []*time.Location{time.UTC}
	halves := map[int]bool{-570: true, -210: true, -150: true, 210: true, 270: true, 330: true, 345: true, 390: true, 525: true, 570: true, 630: true, 765: true}
	for minutes := 15; minutes <= 14*60; minutes += 15 {
		for _, m := range []int{-minutes, minutes} {
			if halves[m] || m%60 == 0 && m >= -12*60 {
				zones = append(zones, offset(m*60))
			}
		}
	}
	return zones
}

// dayIn is the span of a calendar day in a zone, the end excluded.
func dayIn(day time.Time, zone *time.Location) (from, to int64) {
	y, m, d := day.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone).UnixMilli(), time.Date(y, m, d+1, 0, 0, 0, 0, zone).UnixMilli()
}

// Prompt is the longest that a delivery takes after it was written without being looked
// for on its own: retries end long before, or take days.
const Prompt = 6 * time.Hour

// Reach is the span of what a report of a calendar day has to be given: what can be of
// the day somewhere, and what was delivered in it after a prompt delivery.
func Reach(day time.Time) (from, to time.Time) {
	return day.Add(-14*time.Hour - Prompt), day.Add(24*time.Hour + 12*time.Hour)
}

// Reach is that of the upload's day: less where it says its zone.
func (u *Upload) Reach() (from, to time.Time, err error) {
	day, err := ParseDay(u.Day, "day")
	if err != nil {
		return from, to, err
	}
	if u.TimeZone == "" {
		from, to = Reach(day)
		return from, to, nil
	}
	zone, err := ParseZone(u.TimeZone)
	if err != nil {
		return from, to, err
	}
	begin, end := dayIn(day, zone)
	from = time.UnixMilli(min(begin, day.UnixMilli())).UTC().Add(-Prompt)
	return from, time.UnixMilli(max(end, day.AddDate(0, 0, 1).UnixMilli())).UTC(), nil
}
