package jobs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/jobs"
)

func TestParseScheduleNext(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 2, 10, 30, 15, 0, time.UTC)
	for spec, want := range map[string]string{
		"* * * * *":     "2026-11-02T10:31:00Z",
		"*/15 * * * *":  "2026-11-02T10:45:00Z",
		" 5 3 * * * ":   "2026-11-03T03:05:00Z",
		"0 0 * * MON":   "2026-11-09T00:00:00Z",
		"@hourly":       "2026-11-02T11:00:00Z",
		"@every 10s":    "2026-11-02T10:30:25Z",
		"0 0 29 2 *":    "2028-02-29T00:00:00Z",
		"30 10 * * 1-5": "2026-11-03T10:30:00Z",
	} {
		s, err := jobs.ParseSchedule(spec)
		require.NoError(t, err, spec)
		require.Equal(t, strings.TrimSpace(spec), s.String())
		require.Equal(t, want, s.Next(from).Format(time.RFC3339), spec)
		// A time in another zone gives the same moment: schedules are UTC.
		tokyo := from.In(time.FixedZone("JST", 9*3600))
		require.Equal(t, want, s.Next(tokyo).Format(time.RFC3339), spec)
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"":                               "empty",
		"  \t":                           "empty",
		strings.Repeat("1,", 200):        "longer",
		"TZ=":                            "time zone",
		"TZ=Europe/Berlin 0 3 * * *":     "time zone",
		"CRON_TZ=UTC 0 3 * * *":          "time zone",
		"cron_tz=UTC 0 3 * * *":          "time zone",
		"0 0 30 2 *":                     "never",
		"* * * *":                        "expected exactly 5",
		"61 * * * *":                     "above maximum",
		"*/0 * * * *":                    "step",
		"@every soon":                    "@every",
		"@yesterday":                     "unrecognized",
		"99999999999999999999 * * * *":   "schedule",
		"* * * * * *":                    "expected exactly 5",
		"rm -rf / # not a cron line":     "schedule",
		"0 3 * * * " + "\x00" + "@daily": "schedule",
	} {
		_, err := jobs.ParseSchedule(spec)
		require.ErrorContains(t, err, want, spec)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, s := range []string{
		"* * * * *", "TZ=", "CRON_TZ=", "@every 1ns", "@every -5h", "@", "0 0 30 2 *", "*/9223372036854775807 * * * *",
		"1-2-3 * * * *", ",,, * * * *", "? ? ? ? ?", "@every 2562047h",
	} {
		f.Add(s)
	}
	from := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := jobs.ParseSchedule(spec)
		if err != nil {
			return
		}
		next := s.Next(from)
		require.True(t, next.IsZero() || next.After(from), "%q: %v is not later", spec, next)
		again, err := jobs.ParseSchedule(s.String())
		require.NoError(t, err)
		require.Equal(t, next, again.Next(from))
	})
}
