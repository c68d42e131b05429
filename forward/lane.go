package forward

import (
	"context"
	"sync"
	"time"
)

// lane is one destination's way out: its own loop, its own slots, its own rate. What
// happens in one lane is not felt in another.
type lane struct {
	id     string
	signal chan struct{} // something is due

	mu       sync.Mutex
	target   Registered
	known    bool     // target was set
	program  *Program // nil: the stored definition cannot be used
	schedule Schedule
	bucket   *bucket
	rate     string
	still    time.Time // nothing is claimed before: the key is missing
	inFlight int
	freed    chan struct{} // closed, and replaced, when slots come back
}

func newLane(id string) *lane {
	return &lane{id: id, signal: make(chan struct{}, 1), bucket: &bucket{}, freed: make(chan struct{})}
}

// poke tells the loop that something is due; a poke that waits is enough for all.
func (l *lane) poke() {
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// set takes over a definition and how it stands. Templates are parsed anew only after
// an edit, and an error is told once. An edit ends the wait for a missing key, for it
// may have named one. A look that was slower than a settlement does not bring an older
// standing back.
func (l *lane) set(r Registered) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.target
	if l.known && old.TemplateVersion == r.TemplateVersion && old.UpdatedAt.Equal(r.UpdatedAt) {
		if r.Breaker.Turn >= old.Breaker.Turn {
			l.target = r
		}
		return nil
	}
	l.known, l.target, l.still, l.program = true, r, time.Time{}, nil
	program, err := Compile(r.Destination)
	if err != nil {
		return err
	}
	schedule, err := ParseSchedule(r.Destination.Schedule)
	if err != nil {
		return err
	}
	if l.rate != r.Destination.Rate {
		if l.bucket, err = newBucket(r.Destination.Rate); err != nil {
			return err
		}
		l.rate = r.Destination.Rate
	}
	l.program, l.schedule = program, schedule
	return nil
}

// errand is what an attempt needs to know of its destination, as it was at the claim.
type errand struct {
	target   Registered
	program  *Program
	schedule Schedule
}

// current returns what is to be done; ok is false when nothing is to be sent now.
func (l *lane) current(now time.Time) (e errand, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errand{l.target, l.program, l.schedule}, l.program != nil && l.target.Ready(now) && !l.still.After(now)
}

// next is when a lane that has something due may be looked at again, if not now.
func (l *lane) next() (t time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.program == nil || !l.target.Active() {
		return t, false
	}
	if t = l.still; l.target.Breaker.ProbeAt.After(t) {
		t = l.target.Breaker.ProbeAt
	}
	return t, true
}

// turn takes over how the destination stands after a settlement.
func (l *lane) turn(s Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Breaker.Turn >= l.target.Breaker.Turn {
		l.target = l.target.With(s)
	}
}

// waitForKey stops claiming until t. It reports whether this is news.
func (l *lane) waitForKey(now, t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := !l.still.After(now)
	l.still = t
	return news
}

// take reserves free slots, and requests of the rate with them. With no slot free it
// returns a channel that closes when some come back; with the rate used up, how long
// until there is one again.
func (l *lane) take(now time.Time) (slots int, freed <-chan struct{}, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.target.Destination.InFlight - l.inFlight
	if free <= 0 {
		return 0, l.freed, 0
	}
	slots, wait = l.bucket.take(free, now)
	l.inFlight += slots
	return slots, nil, wait
}

// grant takes as many requests of the rate as it allows, for slots that are taken.
func (l *lane) grant(slots int, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, _ := l.bucket.take(slots, now)
	return n
}

// giveBack returns slots, and requests of the rate that were not made.
func (l *lane) giveBack(slots, unused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bucket.give(unused)
	l.free(slots)
}

func (l *lane) free(slots int) {
	if slots == 0 {
		return
	}
	l.inFlight -= slots
	close(l.freed)
	l.freed = make(chan struct{})
}

// idle waits until nothing is in flight.
func (l *lane) idle(ctx context.Context) error {
	for {
		l.mu.Lock()
		n, freed := l.inFlight, l.freed
		l.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
