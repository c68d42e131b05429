package forward

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseSchedule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"default":           "30s 2m 10m 30m 1h 3h 6h 12h 1d then 1d",
		"4x15m":             "15m 15m 15m 15m then ends, 5xx",
		"1-5-15-30-60m":     "1m 5m 15m 30m 1h then ends, 5xx",
		"standard-webhooks": "5s 5m 30m 2h 5h 10h 14h 20h 1d then 1d",
		"30s,2m, 10m":       "30s 2m 10m then 1d",
		"1d":                "1d then 1d",
	} {
		s, err := ParseSchedule(text)
		require.NoError(t, err, text)
		require.Equal(t, text, s.Name)
		var got []string
		for _, step := range s.Steps {
			got = append(got, formatDuration(step))
		}
		then := map[bool]string{true: "ends", false: formatDuration(s.Then)}[s.Then == 0]
		only := map[bool]string{true: ", 5xx"}[s.Only5xx]
		require.Equal(t, want, strings.Join(got, " ")+" then "+then+only)
	}
	for text, want := range map[string]string{
		"":                               `"" is no schedule; the nearest is`,
		"4x15":                           `"4x15" is no schedule; the nearest is 4x15m; or write durations: 30s,2m,10m`,
		"standardwebhooks":               "the nearest is standard-webhooks",
		"30s,soon":                       `"soon" is not a duration`,
		"30s,":                           `"" is not a duration`,
		"500ms":                          "a wait is 500ms; it must be between 1s and 7d",
		"8d":                             "a wait is 8d",
		"-1s":                            "a wait is -1s",
		strings.Repeat("1s,", 50) + "1s": "has 51 waits; 50 are the most",
	} {
		_, err := ParseSchedule(text)
		require.ErrorContains(t, err, want)
	}
}

// TestStandardWebhooksTimes are the times since the start in the specification's table.
func TestStandardWebhooksTimes(t *testing.T) {
	t.Parallel()
	s, err := ParseSchedule(ScheduleStandardWebhooks)
	require.NoError(t, err)
	var since time.Duration
	var got []string
	for _, step := range s.Steps {
		since += step
		got = append(got, since.String())
	}
	require.Equal(t, []string{"5s", "5m5s", "35m5s", "2h35m5s", "7h35m5s", "17h35m5s", "31h35m5s", "51h35m5s", "75h35m5s"}, got)
}

func TestScheduleNext(t *testing.T) {
	t.Parallel()
	down, late, busy, unsent := Failure{503, true, 0}, Failure{0, true, 0}, Failure{429, true, time.Hour}, Failure{}
	for _, c := range []struct {
		schedule string
		attempt  int
		f        Failure
		ends     string
	}{
		{"4x15m", 4, down, ""},
		{"4x15m", 5, down, "the schedule 4x15m has ended"},
		{"4x15m", 1, late, "the schedule 4x15m sends again only after a 5xx"},
		{"4x15m", 1, busy, "the schedule 4x15m sends again only after a 5xx"},
		{"4x15m", 4, unsent, ""}, // nothing was sent, so nothing was taken
		{"4x15m", 5, unsent, "the schedule 4x15m has ended"},
		{"1-5-15-30-60m", 5, down, ""},
		{"1-5-15-30-60m", 6, down, "the schedule 1-5-15-30-60m has ended"},
		{"default", 1, late, ""},
		{"default", 1, busy, ""},
		{"default", 900, down, ""},
		{"standard-webhooks", 900, late, ""},
		{"1s", 900, unsent, ""},
	} {
		s, err := ParseSchedule(c.schedule)
		require.NoError(t, err)
		wait, ends := s.Next("d", c.attempt, c.f)
		require.Equal(t, c.ends, ends, c)
		require.Equal(t, ends == "", wait > 0, c)
		require.False(t, ends == "" && wait < c.f.RetryAfter, c)
	}
}

func TestCheckSending(t *testing.T) {
	t.Parallel()
	faults := func(change func(*Destination)) (got []string) {
		d := Destination{}.WithDefaults()
		change(&d)
		d.checkSending(func(field, _ string, _ ...any) { got = append(got, field) })
		return got
	}
	require.Empty(t, faults(func(*Destination) {}))
	require.Empty(t, faults(func(d *Destination) { d.Schedule, d.Rate, d.ExpiresFrom = "30s,2m", "50/s", FromClick }))
	require.Equal(t, []string{"schedule", "expires_from", "in_flight", "rate"}, faults(func(d *Destination) {
		d.Schedule, d.ExpiresFrom, d.InFlight, d.Rate = "often", "birth", 65, "50"
	}))
}
