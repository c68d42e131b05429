package forward

import (
	"context"
	"sync"
)

// lane is one destination's way out: its own loop, its own slots. What happens in
// one lane is not felt in another.
type lane struct {
	id     string
	signal chan struct{} // something is due

	mu       sync.Mutex
	target   Registered
	template *Template // nil: the stored definition cannot be used
	inFlight int
	freed    chan struct{} // closed, and replaced, when slots come back
}

func newLane(id string) *lane {
	return &lane{id: id, signal: make(chan struct{}, 1), freed: make(chan struct{})}
}

// poke tells the loop that something is due; a poke that waits is enough for all.
func (l *lane) poke() {
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// set takes over a definition. The template is parsed anew only where it changed.
func (l *lane) set(r Registered) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, now := l.target.Destination, r.Destination
	same := l.template != nil && old.URL == now.URL && old.Missing == now.Missing
	l.target = r
	if same {
		return nil
	}
	var err error
	l.template, err = ParseTemplate(r.Destination.URL, r.Destination.Missing)
	return err
}

// current returns the definition and template; ok is false when nothing is to be
// sent.
func (l *lane) current() (r Registered, t *Template, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.target, l.template, l.template != nil && l.target.Active()
}

// disable stops the lane at once, until a definition read from the store says
// otherwise.
func (l *lane) disable(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target.DisabledReason = reason
}

// take reserves the free slots. With none free it returns 0 and a channel that
// closes when some come back.
func (l *lane) take() (slots int, freed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slots = max(0, l.target.Destination.InFlight-l.inFlight)
	l.inFlight += slots
	return slots, l.freed
}

func (l *lane) give(slots int) {
	if slots == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
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
