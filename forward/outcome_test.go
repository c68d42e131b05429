package forward

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type fakeBlocked struct{}

func (fakeBlocked) Error() string { return "address 10.0.0.1 is refused" }
func (fakeBlocked) Blocked() bool { return true }

func TestClassifyStatus(t *testing.T) {
	t.Parallel()
	special := map[int]Class{
		408: ClassRetry, 425: ClassRetry, 429: ClassRetry,
		401: ClassHeld, 403: ClassHeld, 404: ClassHeld, 407: ClassHeld, 410: ClassGone,
	}
	for status := 200; status < 600; status++ {
		want := special[status]
		switch {
		case want != "":
		case status < 300:
			want = ClassOK
		case status < 500:
			want = ClassRefused
		default:
			want = ClassRetry
		}
		got, reason := Classify(status, nil)
		require.Equal(t, want, got, status)
		require.Equal(t, want == ClassOK, reason == "")
	}
}

func TestClassifyError(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error { return &url.Error{Op: "Get", URL: "https://h/?token=secret", Err: err} }
	for _, c := range []struct {
		err  error
		want Class
	}{
		{errors.New("connection refused"), ClassRetry},
		{context.DeadlineExceeded, ClassRetry},
		{fmt.Errorf("dial: %w", fakeBlocked{}), ClassRefused},
		{fmt.Errorf("%w: no value", ErrTemplate), ClassRefused},
	} {
		got, reason := Classify(0, wrap(c.err))
		require.Equal(t, c.want, got)
		require.NotContains(t, reason, "secret")
		require.NotEmpty(t, reason)
	}
}

func TestClassStates(t *testing.T) {
	t.Parallel()
	require.Equal(t, []State{StateDelivered, StatePending, StateHeld, StateRefused, StateGone},
		[]State{ClassOK.state(), ClassRetry.state(), ClassHeld.state(), ClassRefused.state(), ClassGone.state()})
	require.Len(t, States(), 6)
}

func TestScheduleWait(t *testing.T) {
	t.Parallel()
	s := DefaultSchedule()
	steps := []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
		3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour}
	low, high := 2.0, 0.0
	for i, step := range steps {
		for n := range 200 {
			id := fmt.Sprintf("delivery-%d", n)
			wait := s.Wait(id, i+1, 0)
			require.Equal(t, wait, s.Wait(id, i+1, 0), "the jitter follows from the delivery")
			factor := float64(wait) / float64(step)
			require.True(t, factor >= 0.8 && factor <= 1.2, "attempt %d: %s", i+1, wait)
			low, high = min(low, factor), max(high, factor)
		}
	}
	require.Less(t, low, 0.82)
	require.Greater(t, high, 1.18)
	require.Equal(t, time.Hour, s.Wait("d", 1, time.Hour), "Retry-After raises a step")
	require.Less(t, s.Wait("d", 1, time.Second), 37*time.Second, "and never lowers one")
	require.Equal(t, 24*time.Hour, s.Wait("d", 1, 1000*time.Hour), "up to a day")
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "-1": 0, "soon": 0, "1.5": 0,
		"99999999999999999":             24 * time.Hour,
		"Mon, 02 Nov 2026 09:10:00 GMT": 10 * time.Minute,
		"Mon, 02 Nov 2026 08:00:00 GMT": 0,
	} {
		require.Equal(t, want, parseRetryAfter(value, monday), value)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a?b?c", printable("a\x00b\xffc", 10))
	require.Equal(t, "aé", printable("aéé", 4), "no half rune")
}
