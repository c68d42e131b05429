package forward

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Schedule is how long to wait after each attempt that may succeed later. After
// the last step it goes on at Then, until the delivery expires.
type Schedule struct {
	Steps []time.Duration
	Then  time.Duration
}

// maxRetryAfter caps what a receiver may ask for.
const maxRetryAfter = 24 * time.Hour

// DefaultSchedule is the one called "default".
func DefaultSchedule() Schedule {
	return Schedule{
		Steps: []time.Duration{
			30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
			time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
		},
		Then: 24 * time.Hour,
	}
}

// Wait is the pause after the given attempt (from 1): the step with 20 % jitter
// either way, raised to what the receiver asked for. The jitter follows from the
// delivery and the attempt alone, so a run can be repeated, while deliveries that
// failed together do not come back together.
func (s Schedule) Wait(deliveryID string, attempt int, retryAfter time.Duration) time.Duration {
	step := s.Then
	if attempt = max(attempt, 1); attempt <= len(s.Steps) {
		step = s.Steps[attempt-1]
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(deliveryID)) // a hash never fails to write
	jitter := 0.8 + 0.4*rand.New(rand.NewPCG(h.Sum64(), uint64(attempt))).Float64()
	wait := time.Duration(float64(step) * jitter)
	return max(wait, min(retryAfter, maxRetryAfter))
}

// parseRetryAfter reads the header in both of its forms (RFC 9110, 10.2.3): whole
// seconds, or a date. Anything else, and the past, is 0.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
