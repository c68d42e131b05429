package forward

import "time"

const (
	// openAfter retryable failures in a row open the breaker.
	openAfter = 10
	// pauseAfter held deliveries in a row pause the destination.
	pauseAfter = 10
	// disableAfter is how long nothing succeeds before skand disables the destination.
	disableAfter = 72 * time.Hour
)

// probeSteps are the waits before each probe of an open breaker; then it is the last
// of them each time. They follow the default schedule of deliveries up to an hour: a
// probe costs one request, and whoever repairs a receiver waits for the next.
var probeSteps = []time.Duration{
	30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
}

// Breaker keeps a destination that fails from being asked again and again. The zero
// value is closed and knows of no failure.
type Breaker struct {
	// Turn is raised by everything that makes attempts under way meaningless for the
	// destination: opening, closing, pausing, disabling, an edit, a resumption. An
	// outcome counts only for the turn in which its delivery was claimed.
	Turn         int64
	Failures     int       // retryable ones in a row
	FailingSince time.Time // the first of them
	OpenedAt     time.Time // zero: closed
	Probes       int       // that have failed since it opened
	ProbeAt      time.Time // when the next may be claimed; the end of its lease while it is under way
	Held         int       // held deliveries in a row
}

// Open reports whether only probes are sent.
func (b Breaker) Open() bool { return !b.OpenedAt.IsZero() }

// Standing is how a destination stands after what its attempts came to. Reasons are
// for people; "" means that it is not so.
type Standing struct {
	Breaker        Breaker
	PausedReason   string
	DisabledReason string
	DisabledBy     string    // the operator who disabled it; "" = skand itself
	Since          time.Time // when its state became what it is
}

// Outcome is what an attempt says of its destination.
type Outcome struct {
	Class      Class
	Answered   bool  // by the receiver, whatever it said
	Turn       int64 // in which the delivery was claimed
	Reason     string
	RetryAfter time.Duration
}

// After judges one outcome, at the time at which it became known. It is a pure
// function; outcomes of a batch are folded in their order.
//
// Ten retryable failures in a row open the breaker. While it is open every outcome
// that counts is that of a probe: an answer closes it, a failure puts the next probe
// off, and disables the destination once nothing has succeeded for 72 hours. A
// request that was refused or held was answered: the receiver is there. Ten held in
// a row pause; failures between them do not end that row, for they say nothing of
// the credentials. 410 disables. What we refused to send says nothing at all.
func (s Standing) After(o Outcome, now time.Time) Standing {
	if o.Turn != s.Breaker.Turn || s.stands() {
		return s
	}
	switch {
	case o.Class == ClassGone:
		return s.disabled(o.Reason, "", now)
	case o.Class == ClassRetry:
		return s.failed(o, now)
	case o.Class == ClassHeld && !o.Answered && s.Breaker.Open():
		return s.failed(o, now) // its token endpoint holds it up, so it was not asked
	case o.Class == ClassHeld:
		if o.Answered {
			s = s.answered(now)
		}
		if s.Breaker.Held++; s.Breaker.Held < pauseAfter {
			return s
		}
		held := s.Breaker.Held
		s = s.turned(now)
		s.Breaker.Held, s.PausedReason = held, "ten deliveries in a row were held: "+o.Reason
	case o.Answered:
		s = s.answered(now)
		s.Breaker.Held = 0
	case s.Breaker.Open():
		s.Breaker.ProbeAt = now // the probe told nothing: another one
	}
	return s
}

// stands reports that nothing is sent until somebody acts.
func (s Standing) stands() bool { return s.PausedReason != "" || s.DisabledReason != "" }

// Ready reports whether something may be claimed now, if only a probe.
func (s Standing) Ready(now time.Time) bool {
	return !s.stands() && (!s.Breaker.Open() || !s.Breaker.ProbeAt.After(now))
}

// turned begins a new turn: no failures are known in it.
func (s Standing) turned(now time.Time) Standing {
	s.Breaker = Breaker{Turn: s.Breaker.Turn + 1}
	s.Since = now
	return s
}

func (s Standing) answered(now time.Time) Standing {
	if s.Breaker.Open() {
		held := s.Breaker.Held
		s = s.turned(now)
		s.Breaker.Held = held
	}
	s.Breaker.Failures, s.Breaker.FailingSince = 0, time.Time{}
	return s
}

func (s Standing) failed(o Outcome, now time.Time) Standing {
	b := &s.Breaker
	if b.Failures == 0 {
		b.FailingSince = now
	}
	b.Failures++
	switch {
	case b.Open():
		if now.Sub(b.FailingSince) >= disableAfter {
			return s.disabled("nothing succeeded for 72 hours: "+o.Reason, "", now)
		}
		b.Probes++
	case b.Failures >= openAfter:
		b.Turn++
		b.OpenedAt, b.Probes, s.Since = now, 0, now
	default:
		return s
	}
	step := probeSteps[min(b.Probes, len(probeSteps)-1)]
	b.ProbeAt = now.Add(max(step, min(o.RetryAfter, maxRetryAfter)))
	return s
}

func (s Standing) disabled(reason, by string, now time.Time) Standing {
	s = s.turned(now)
	s.DisabledReason, s.DisabledBy = reason, by
	return s
}
