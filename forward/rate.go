package forward

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// burstPart is the part of a second whose requests may go out at once. It is small: a
// receiver that counts by the second must not see two seconds' worth in one.
const burstPart = 0.1

var errRate = errors.New("write requests per second, minute or hour: 50/s, 600/m, 10000/h")

// maxRate is per second; more is no limit.
const maxRate = 100_000

// parseRate reads "50/s", "600/m" or "10000/h"; "" is no bound.
func parseRate(text string) (rate.Limit, error) {
	if text == "" {
		return rate.Inf, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	per, ok := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || !ok || n == 0 {
		return 0, errRate
	}
	limit := rate.Limit(float64(n) / per.Seconds())
	if limit > maxRate {
		return 0, errors.New("is more than 100000 in a second; leave it out")
	}
	return limit, nil
}

// bucket lets out a destination's requests at its rate. Tokens are taken before rows
// are claimed; what a claim has not used is kept for the next.
type bucket struct {
	limiter *rate.Limiter // nil: no bound
	kept    int
}

func newBucket(text string) (*bucket, error) {
	limit, err := parseRate(text)
	if err != nil || limit == rate.Inf {
		return &bucket{}, err
	}
	return &bucket{limiter: rate.NewLimiter(limit, max(1, int(math.Ceil(float64(limit)*burstPart))))}, nil
}

// take returns how many of the wanted requests may be made now. Where it is none,
// wait says when there will be one.
func (b *bucket) take(want int, now time.Time) (granted int, wait time.Duration) {
	if b.limiter == nil || want <= 0 {
		return want, 0
	}
	// Together with what was kept never more than the burst.
	there := min(b.limiter.Burst(), b.kept+int(b.limiter.TokensAt(now)))
	granted = min(want, there)
	fresh := max(0, granted-b.kept)
	if fresh > 0 && !b.limiter.AllowN(now, fresh) {
		fresh = 0 // the clock went back
		granted = min(granted, b.kept)
	}
	b.kept -= granted - fresh
	if granted > 0 {
		return granted, 0
	}
	missing := 1 - b.limiter.TokensAt(now)
	wait = time.Duration(math.Ceil(missing / float64(b.limiter.Limit()) * float64(time.Second)))
	return 0, max(wait, time.Millisecond)
}

// give takes back what was not used.
func (b *bucket) give(unused int) {
	if b.limiter != nil {
		b.kept += unused
	}
}
