package forward

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/internal/nearest"
)

// Names of schedules, beside ScheduleDefault.
const (
	// Schedule4x15m and Schedule1to60m are what measurement partners promise networks:
	// a few more tries, after a 5xx only, and then no more.
	Schedule4x15m  = "4x15m"
	Schedule1to60m = "1-5-15-30-60m"
	// ScheduleStandardWebhooks is the example of the Standard Webhooks specification
	// ("Deliverability and reliability"), whose first delay is the first attempt. The
	// specification names no end, so it goes on daily until the delivery expires.
	ScheduleStandardWebhooks = "standard-webhooks"
)

const (
	maxSteps    = 50
	shortestGap = time.Second
	longestGap  = 7 * 24 * time.Hour
)

var namedSchedules = []Schedule{
	{Name: ScheduleDefault, Then: daily, Steps: []time.Duration{
		30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}},
	{Name: Schedule4x15m, Only5xx: true, Steps: slices.Repeat([]time.Duration{15 * time.Minute}, 4)},
	{Name: Schedule1to60m, Only5xx: true, Steps: []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, 60 * time.Minute,
	}},
	{Name: ScheduleStandardWebhooks, Then: daily, Steps: []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}},
}

// DefaultSchedule is the one called "default".
func DefaultSchedule() Schedule { return namedSchedules[0] }

// ParseSchedule reads a destination's schedule: a name, or durations with commas
// between them ("30s,2m,10m"), after which it goes on daily. The error says what to
// write, without naming the field.
func ParseSchedule(text string) (Schedule, error) {
	var names []string
	for _, s := range namedSchedules {
		if s.Name == text {
			return s, nil
		}
		names = append(names, s.Name)
	}
	s := Schedule{Name: text, Then: daily}
	for part := range strings.SplitSeq(text, ",") {
		step, err := parseDuration(strings.TrimSpace(part))
		if err != nil && len(s.Steps) == 0 && !strings.Contains(text, ",") {
			best, _ := nearest.Name(text, names)
			return s, fmt.Errorf("%q is no schedule; the nearest is %s; or write durations: 30s,2m,10m", text, best)
		}
		if err != nil {
			return s, err
		}
		if step < shortestGap || step > longestGap {
			return s, fmt.Errorf("a wait is %s; it must be between %s and %s",
				formatDuration(step), formatDuration(shortestGap), formatDuration(longestGap))
		}
		s.Steps = append(s.Steps, step)
	}
	if len(s.Steps) > maxSteps {
		return s, fmt.Errorf("has %d waits; %d are the most", len(s.Steps), maxSteps)
	}
	return s, nil
}
