package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/config"
)

// What people say of other forwarders, each as it looks from outside: a real skand in
// a process of its own, real receivers, the admin API, the log and the metrics.

// standing is what the list of destinations says of one.
func (s *sender) standing(id string) (state, reason string) {
	s.t.Helper()
	raw, err := s.admin().get(s.t.Context(), "/v1/destinations?limit=100")
	require.NoError(s.t, err)
	var page struct {
		Data []struct{ ID, State, Reason string }
	}
	require.NoError(s.t, json.Unmarshal(raw, &page))
	for _, d := range page.Data {
		if d.ID == id {
			return d.State, d.Reason
		}
	}
	s.t.Fatalf("no destination %s", id)
	return "", ""
}

// eventually waits for something that other processes bring about.
func (s *sender) eventually(what string, is func() bool) {
	s.t.Helper()
	require.Eventually(s.t, is, time.Minute, 20*time.Millisecond, what)
}

// TestComplaintOneDeadDestinationSlowsAll: of four destinations one never answers and
// one refuses connections. The other two get all of theirs, before the dead one has
// answered anything, and no more requests wait at it than it is allowed.
func TestComplaintOneDeadDestinationSlowsAll(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		const installs = 50
		hung, closed := newReceiver(t, "hung", 1), newReceiver(t, "closed", 2)
		well, fine := newReceiver(t, "well", 3), newReceiver(t, "fine", 4)
		hung.pause = time.Hour // the caller gives up before
		s := newSender(t, cfg)
		s.destine(func(d map[string]any) {
			if d["id"] == "closed" {
				d["url"] = "https://127.0.0.1:1/pb?id={delivery_id}"
			}
		}, hung, closed, well, fine)
		s.report(installs)
		s.eventually("the healthy ones are served", func() bool {
			a, _, _ := well.counts()
			b, _, _ := fine.counts()
			return a == installs && b == installs
		})
		taken, _, requests := hung.counts()
		require.Zero(t, taken)
		require.LessOrEqual(t, requests, senderInFlight, "it holds no more than its own slots")
		s.p.kill(t) // or the requests would wait for their timeout
		hung.rest(t)
	})
}

// TestComplaintRetriesVanish: what failed once is tried again whatever happens in
// between: a kill, a stop, another URL, an operator who disables and enables, and
// enabled: false and true again.
func TestComplaintRetriesVanish(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		const installs = 6 // fewer than open the breaker at once
		r := newReceiver(t, "receiver", 1)
		r.answer(http.StatusServiceUnavailable)
		s := newSender(t, cfg)
		s.destine(nil, r)
		s.report(installs)
		asked := 0
		failAgain := func(what string) {
			t.Helper()
			s.move(3 * time.Hour)
			s.eventually("it is tried again after "+what, func() bool { _, _, n := r.counts(); return n > asked })
			r.rest(t)
			_, _, asked = r.counts()
			require.EqualValues(t, map[string]int64{"pending": installs}, s.waiting(), "after %s", what)
		}
		failAgain("nothing")

		s.p.kill(t)
		s.start()
		failAgain("a kill")

		s.stop()
		s.start()
		failAgain("a stop")

		s.destine(func(d map[string]any) { d["url"] = r.url + "/moved?id={delivery_id}" }, r)
		failAgain("an edit")

		var ignored any
		s.post("/v1/destinations/receiver:disable", map[string]any{"reason": "a fault of theirs"}, &ignored)
		s.move(3 * time.Hour)
		require.EqualValues(t, map[string]int64{"pending": installs}, s.waiting())
		s.post("/v1/destinations/receiver:enable", map[string]any{}, &ignored)
		failAgain("disabling and enabling")

		s.destine(func(d map[string]any) { d["enabled"] = false }, r)
		s.move(3 * time.Hour)
		require.EqualValues(t, map[string]int64{"pending": installs}, s.waiting())
		s.destine(nil, r)
		failAgain("enabled: false and true")

		r.answer(http.StatusOK)
		s.settle(r)
		taken, again, _ := r.counts()
		require.Equal(t, []int{installs, 0}, []int{taken, again})
		for _, d := range s.deliveries("receiver") {
			require.Equal(t, "delivered", d.State)
			require.Greater(t, len(d.Log), 1)
		}
	})
}

// waiting are the states of what is not delivered.
func (s *sender) waiting() map[string]int64 {
	s.t.Helper()
	states := s.states()
	for state, n := range states {
		if n == 0 || state == "delivered" {
			delete(states, state)
		}
	}
	return states
}

// TestComplaintSilentDisable: a destination that is disabled says so in the list, with
// the reason, in the log as an error and in a metric, and loses nothing: neither what
// waited nor what came meanwhile. Disabling takes a 410 or three days without success.
func TestComplaintSilentDisable(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	for name, status := range map[string]int{"gone": http.StatusGone, "failing": http.StatusBadGateway} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachDatabase(t, func(t *testing.T, cfg config.Config) {
				t.Parallel()
				const installs = 12
				r, well := newReceiver(t, "receiver", 1), newReceiver(t, "well", 2)
				r.answer(status)
				s := newSender(t, cfg)
				s.destine(nil, r, well)
				s.report(installs)
				hours := 0
				s.eventually("it is disabled", func() bool {
					if status == http.StatusBadGateway && hours < 6*24 {
						hours++
						s.move(time.Hour)
					}
					state, _ := s.standing("receiver")
					return state == "disabled"
				})
				if status == http.StatusBadGateway {
					require.GreaterOrEqual(t, hours, 72)
				}
				_, reason := s.standing("receiver")
				require.NotEmpty(t, reason)
				s.eventually("the log says so, as an error", func() bool {
					for line := range strings.Lines(s.p.log.String()) {
						if strings.Contains(line, "level=ERROR") && strings.Contains(line, "destination=receiver") && strings.Contains(line, "disabled") {
							return true
						}
					}
					return false
				})
				s.eventually("a metric says so", func() bool { return s.metric("skand_destination_disabled", "receiver") == 1 })
				require.Zero(t, s.metric("skand_destination_disabled", "well"))
				state, _ := s.standing("well")
				require.Equal(t, "active", state)

				s.report(installs) // while it is disabled
				s.eventually("the other one goes on", func() bool { n, _, _ := well.counts(); return n == 2*installs })
				_, _, before := r.counts()
				r.answer(http.StatusOK)
				var ignored any
				s.post("/v1/destinations/receiver:enable", map[string]any{}, &ignored)
				s.settle(r, well)
				taken, again, requests := r.counts()
				require.Equal(t, []int{2 * installs, 0}, []int{taken, again}, "nothing was lost")
				require.Equal(t, 2*installs, requests-before, "each is sent once when it is enabled")
			})
		})
	}
}

// TestComplaintStuckForDays: what a killed process held is delivered by the next one
// as soon as the lease is over, and nobody has to do anything; how old the oldest
// delivery is can be watched meanwhile. What was claimed when its destination was
// disabled is no exception.
func TestComplaintStuckForDays(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		r := newReceiver(t, "receiver", 1)
		r.pause = time.Hour
		s := newSender(t, cfg)
		s.destine(nil, r)
		s.report(senderInFlight)
		s.eventually("all are in flight", func() bool { _, _, n := r.counts(); return n == senderInFlight })
		s.p.kill(t)
		r.rest(t)
		r.mu.Lock()
		r.pause = 0
		r.mu.Unlock()

		s.start()
		var ignored any
		s.post("/v1/destinations/receiver:disable", map[string]any{"reason": "look what it does"}, &ignored)
		s.move(time.Hour)
		s.eventually("the oldest can be seen", func() bool { return s.metric("skand_oldest_due_seconds", "receiver") >= 3600 })
		require.EqualValues(t, map[string]int64{"pending": senderInFlight}, s.waiting())
		s.post("/v1/destinations/receiver:enable", map[string]any{}, &ignored)
		s.eventually("they are delivered", func() bool { return len(s.waiting()) == 0 })
		taken, again, _ := r.counts()
		require.Equal(t, []int{senderInFlight, 0}, []int{taken, again})
		s.eventually("nothing is old any more", func() bool { return s.metric("skand_oldest_due_seconds", "receiver") == 0 })
	})
}
