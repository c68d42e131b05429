package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// maxSpec is far above any sensible line of cron.
const maxSpec = 120

// Schedule is a parsed cron line: five fields, @hourly and its like, or
// "@every 10s". It is always UTC.
type Schedule struct {
	spec string
	next cron.Schedule
}

// ParseSchedule parses one cron line. It stands guard before a parser that is no
// longer maintained: that one panics on some input and lets a line choose its
// own time zone, in which a job could run twice or never on two days a year.
func ParseSchedule(spec string) (s Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			s, err = Schedule{}, fmt.Errorf("schedule %q: not a cron line", spec)
		}
	}()
	switch trimmed := strings.TrimSpace(spec); {
	case trimmed == "":
		return Schedule{}, errors.New("schedule is empty: want five cron fields, @hourly or @every 10s")
	case len(spec) > maxSpec:
		return Schedule{}, fmt.Errorf("schedule is longer than %d bytes", maxSpec)
	case strings.Contains(strings.ToUpper(trimmed), "TZ="):
		return Schedule{}, fmt.Errorf("schedule %q: schedules are UTC, a time zone is not taken", spec)
	default:
		spec = trimmed
	}
	next, err := cron.ParseStandard(spec)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", spec, err)
	}
	s = Schedule{spec: spec, next: next}
	// 30 February is a well-formed line that never comes. Two leap years are
	// within the parser's five-year horizon of this reference.
	if s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("schedule %q: that time never comes", spec)
	}
	return s, nil
}

// Next is the first time after t, UTC; the zero time if none comes within years.
func (s Schedule) Next(t time.Time) time.Time { return s.next.Next(t.UTC()) }

// String is the line as it was given, without blanks around it.
func (s Schedule) String() string { return s.spec }
