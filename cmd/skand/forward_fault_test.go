package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/config"
)

// The fault test of forwarding: a sender that is killed while it delivers, receivers
// that fail one request in ten, and one of them 25 times slower than the others.
const (
	faultReceivers = 6
	faultKills     = 5
	faultShare     = 0.10
	faultPause     = 3 * time.Millisecond
	faultSlower    = 25
	slowOne        = faultReceivers - 1
)

// faultInstalls is how many installs are reported; each is a delivery to all.
func faultInstalls() int {
	if testing.Short() {
		return 60
	}
	return 1000
}

func faultyReceivers(t *testing.T) (all []*receiver) {
	t.Helper()
	for i := range faultReceivers {
		r := newReceiver(t, fmt.Sprintf("network-%d", i), uint64(i))
		r.share, r.pause = faultShare, faultPause
		if i == slowOne {
			r.name, r.pause = "slow", faultSlower*faultPause
		}
		all = append(all, r)
	}
	return all
}

// TestForwardSurvivesKills kills the sender five times at random moments of its work:
// every delivery arrives, and what arrives twice was in flight at a kill.
func TestForwardSurvivesKills(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		installs := faultInstalls()
		to := faultyReceivers(t)
		s := newSender(t, cfg)
		s.destine(nil, to...)
		watch := watchSlow(t, to, installs)
		s.report(installs)
		most := map[string]int{}
		for kill := range faultKills {
			// The moment is drawn from this kill's share of the work.
			share := (float64(kill) + rand.New(rand.NewPCG(3, uint64(kill))).Float64()) / (faultKills + 1)
			awaitTaken(t, to, int(share*float64(installs*faultReceivers)))
			s.p.kill(t)
			for _, r := range to {
				most[r.name] = max(most[r.name], r.rest(t))
			}
			s.start()
			s.move(10 * time.Minute) // leases lapse, and first retries are due
		}
		watch(t)
		s.settle(to...)
		for _, r := range to {
			most[r.name] = max(most[r.name], r.rest(t))
			require.LessOrEqual(t, most[r.name], senderInFlight, "requests at a time to %s", r.name)
		}
		s.tellFault(to, faultKills*faultReceivers*senderInFlight)
	})
}

// awaitTaken returns when so many deliveries were taken by all receivers together.
func awaitTaken(t *testing.T, to []*receiver, enough int) {
	t.Helper()
	for {
		total := 0
		for _, r := range to {
			taken, _, _ := r.counts()
			total += taken
		}
		if total >= enough {
			return
		}
		require.NoError(t, t.Context().Err())
		<-clock.Real{}.After(2 * time.Millisecond)
	}
}

// watchSlow notes how much the slow receiver had been asked when each other one had
// been asked for the last time of a first round. Were they served in turn, it would
// be as much as they.
func watchSlow(t *testing.T, to []*receiver, installs int) (check func(t *testing.T)) {
	t.Helper()
	behind := make(chan string, 1)
	go func() {
		for _, r := range to[:slowOne] {
			for {
				r.mu.Lock()
				n, changed := r.requests, r.changed
				r.mu.Unlock()
				if n >= installs {
					break
				}
				select {
				case <-changed:
				case <-t.Context().Done():
					behind <- ""
					return
				}
			}
		}
		_, _, n := to[slowOne].counts()
		if 4*n > 3*installs {
			behind <- fmt.Sprintf("all others had been asked %d times when the slow one had been asked %d times: they waited for it", installs, n)
			return
		}
		behind <- ""
		t.Logf("when all others had been asked %d times, the one %d times slower had been asked %d times", installs, faultSlower, n)
	}()
	return func(t *testing.T) {
		t.Helper()
		require.Empty(t, <-behind)
	}
}

// tellFault compares what the receivers saw with what the sender says, and logs both.
func (s *sender) tellFault(to []*receiver, inFlight int) {
	t := s.t
	t.Helper()
	all := s.deliveries("")
	require.Len(t, all, s.sent*len(to))
	unsettled := 0 // attempts that began and were never written down: in flight at a kill
	at := map[string]*receiver{}
	for _, r := range to {
		at[r.name] = r
	}
	lost := 0
	for _, d := range all {
		require.Equal(t, "delivered", d.State)
		unsettled += d.Attempts - len(d.Log)
		if at[d.Destination].taken[d.ID] == 0 {
			lost++
		}
	}
	duplicates := 0
	for _, r := range to {
		taken, again, requests := r.counts()
		duplicates += again
		require.Equal(t, s.sent, taken, r.name)
		t.Logf("| %s | taken %d | taken again %d | requests %d | answered 500 %d |", r.name, taken, again, requests, r.failed)
	}
	t.Logf("deliveries %d, lost %d, duplicates %d, attempts that were in flight at a kill %d (at most %d)", len(all), lost, duplicates, unsettled, inFlight)
	require.Zero(t, lost)
	require.LessOrEqual(t, duplicates, unsettled, "what arrives twice was in flight at a kill")
	require.LessOrEqual(t, unsettled, inFlight)
	require.Positive(t, unsettled, "the kills hit nothing in flight and prove nothing")
}
