// Package clock owns the one injected clock. Nothing else in skand asks the
// operating system for the time, so tests and the lab can let time pass.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and waits. Now is UTC, with no monotonic reading, to the
// millisecond (what the stores keep).
type Clock interface {
	Now() time.Time
	// After delivers once, when d has passed on this clock.
	After(d time.Duration) <-chan time.Time
}

// Real is the operating system's clock.
type Real struct{}

// Now implements Clock.
func (Real) Now() time.Time { return trim(time.Now()) }

// After implements Clock.
func (Real) After(d time.Duration) <-chan time.Time { return time.After(d) }

func trim(t time.Time) time.Time { return t.UTC().Round(0).Truncate(time.Millisecond) }

// Movable is a clock that can be set: it stands still between moves (tests) or
// runs on from where it was set (the lab). Waiters wake when their time is
// reached, by a move or by running.
type Movable struct {
	mu      sync.Mutex
	base    Clock         // nil: the clock stands still
	offset  time.Duration // added to base
	still   time.Time     // the time while base is nil
	waiters map[*waiter]struct{}
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewManual returns a clock that stands at t until it is moved.
func NewManual(t time.Time) *Movable {
	return &Movable{still: trim(t), waiters: map[*waiter]struct{}{}}
}

// NewLab returns a clock that runs with base, offset ahead of it.
func NewLab(base Clock, offset time.Duration) *Movable {
	return &Movable{base: base, offset: offset, waiters: map[*waiter]struct{}{}}
}

// Now implements Clock.
func (m *Movable) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now()
}

func (m *Movable) now() time.Time {
	if m.base == nil {
		return m.still
	}
	return trim(m.base.Now().Add(m.offset))
}

// After implements Clock.
func (m *Movable) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &waiter{at: m.now().Add(d), ch: make(chan time.Time, 1)}
	if d <= 0 {
		w.ch <- m.now()
		return w.ch
	}
	m.waiters[w] = struct{}{}
	if m.base != nil {
		go func(running <-chan time.Time) {
			<-running
			m.mu.Lock()
			defer m.mu.Unlock()
			m.fire()
		}(m.base.After(d))
	}
	return w.ch
}

// fire wakes the waiters whose time has come. A move backwards leaves later
// waiters to a later move, and the running base wakes them at the latest when
// their own duration has really passed.
func (m *Movable) fire() {
	now := m.now()
	for w := range m.waiters {
		if !w.at.After(now) {
			w.ch <- now
			delete(m.waiters, w)
		}
	}
}

// Advance moves the clock forward by d.
func (m *Movable) Advance(d time.Duration) { m.Set(m.Now().Add(d)) }

// Set moves the clock to t.
func (m *Movable) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.base == nil {
		m.still = trim(t)
	} else {
		m.offset = t.Sub(m.base.Now())
	}
	m.fire()
}

// Offset is how far the clock is ahead of its base; zero for one that stands still.
func (m *Movable) Offset() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offset
}

// Waiting counts those who wait, so that a test can know that a loop sleeps.
func (m *Movable) Waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiters)
}
