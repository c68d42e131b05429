package forward

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Schedule is how long to wait after each attempt that may succeed later.
type Schedule struct {
	Name  string
	Steps []time.Duration
	// Then is the pause after the last step, until the delivery expires. 0: the
	// schedule ends there, and with it the delivery.
	Then time.Duration
	// Only5xx ends a delivery at any other failure of a request that was sent. Networks
	// that ask for it count what they may have taken, so that only their own word that
	// they have not is a reason to send again.
	Only5xx bool
}

const (
	// maxRetryAfter caps what a receiver may ask for.
	maxRetryAfter = 24 * time.Hour
	// daily is how often a delivery is tried when the steps are used up.
	daily = 24 * time.Hour
)

// Failure is an attempt that may succeed later.
type Failure struct {
	Status     int  // 0: no answer
	Sent       bool // a connection stood, so the receiver may have taken the request
	RetryAfter time.Duration
}

// Next says what becomes of a delivery after the given attempt (from 1) has failed:
// how long it waits, or why it ends.
func (s Schedule) Next(deliveryID string, attempt int, f Failure) (wait time.Duration, ends string) {
	switch attempt = max(attempt, 1); {
	case s.Only5xx && f.Sent && f.Status < 500:
		return 0, "the schedule " + s.Name + " sends again only after a 5xx"
	case attempt > len(s.Steps) && s.Then == 0:
		return 0, "the schedule " + s.Name + " has ended"
	}
	return s.Wait(deliveryID, attempt, f.RetryAfter), ""
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
