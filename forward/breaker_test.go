package forward

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// play folds outcomes of the current turn, one a second: f a failure, o ok, h held,
// r refused by the receiver, n what we refused to send, g gone, l a failure of an
// earlier turn, L a success of one.
func play(s Standing, from time.Time, outcomes string) Standing {
	for i, c := range outcomes {
		s = s.After(outcome(c, s.Breaker.Turn), from.Add(time.Duration(i)*time.Second))
	}
	return s
}

func outcome(c rune, turn int64) Outcome {
	return map[rune]Outcome{
		'f': {Class: ClassRetry, Turn: turn, Reason: "down"},
		'o': {Class: ClassOK, Answered: true, Turn: turn},
		'h': {Class: ClassHeld, Answered: true, Turn: turn, Reason: "401"},
		't': {Class: ClassHeld, Turn: turn, Reason: "no token"},
		'r': {Class: ClassRefused, Answered: true, Turn: turn},
		'n': {Class: ClassRefused, Turn: turn},
		'g': {Class: ClassGone, Answered: true, Turn: turn, Reason: "410"},
		'l': {Class: ClassRetry, Turn: turn - 1},
		'L': {Class: ClassOK, Answered: true, Turn: turn - 1},
	}[c]
}

func TestBreakerAfter(t *testing.T) {
	t.Parallel()
	ten := strings.Repeat("f", 10)
	for _, c := range []struct {
		outcomes               string
		failures, probes, held int
		open                   bool
		turn                   int64
	}{
		{outcomes: ""},
		{outcomes: "fffffffff", failures: 9},
		{outcomes: "fffffffffo"},
		{outcomes: "fffffffffr"},
		{outcomes: "fffffffffn", failures: 9},
		{outcomes: "fffffffffh", held: 1},
		{outcomes: "ffffffffft", failures: 9, held: 1},
		{outcomes: ten, failures: 10, open: true, turn: 1},
		{outcomes: ten + "lL", failures: 10, open: true, turn: 1},
		{outcomes: ten + "ff", failures: 12, probes: 2, open: true, turn: 1},
		{outcomes: ten + "t", failures: 11, probes: 1, open: true, turn: 1},
		{outcomes: ten + "n", failures: 10, open: true, turn: 1},
		{outcomes: ten + "fo", turn: 2},
		{outcomes: ten + "r", turn: 2},
		{outcomes: ten + "h", held: 1, turn: 2},
		{outcomes: ten + "oll", turn: 2},
		{outcomes: ten + "o" + ten, failures: 10, open: true, turn: 3},
		{outcomes: "hhhhhhhhh", held: 9},
		{outcomes: "hhhhhfhhhh", held: 9},
		{outcomes: "hhhhhohhhh", held: 4},
		{outcomes: "hhhhhrhhhh", held: 4},
	} {
		s := play(Standing{}, monday, c.outcomes)
		require.Equal(t, []any{c.failures, c.probes, c.held, c.open, c.turn},
			[]any{s.Breaker.Failures, s.Breaker.Probes, s.Breaker.Held, s.Breaker.Open(), s.Breaker.Turn}, c.outcomes)
		require.Empty(t, s.PausedReason+s.DisabledReason, c.outcomes)
		require.Equal(t, s.Breaker.Failures == 0, s.Breaker.FailingSince.IsZero(), c.outcomes)
	}
}

func TestBreakerPausesAndDisables(t *testing.T) {
	t.Parallel()
	s := play(Standing{}, monday, "hhhhhfhhhhh")
	require.Equal(t, "ten deliveries in a row were held: 401", s.PausedReason)
	require.Equal(t, monday.Add(10*time.Second), s.Since)
	require.Equal(t, s, play(s, monday, "ofhgrn"), "a pause ends by a hand only")
	s = play(Standing{}, monday, "og")
	require.Equal(t, "410", s.DisabledReason)
	require.Equal(t, s, play(s, monday, "ofhgrn"))
	require.Empty(t, s.DisabledBy)
}

// TestBreakerProbes: the waits before the probes, what Retry-After does to them, and
// the end after 72 hours without one success.
func TestBreakerProbes(t *testing.T) {
	t.Parallel()
	s := play(Standing{}, monday, strings.Repeat("f", 10))
	opened := monday.Add(9 * time.Second)
	require.Equal(t, []time.Time{monday, opened, opened.Add(30 * time.Second), opened},
		[]time.Time{s.Breaker.FailingSince, s.Breaker.OpenedAt, s.Breaker.ProbeAt, s.Since})
	waits, probes := []time.Duration{}, 0
	for s.DisabledReason == "" {
		at := s.Breaker.ProbeAt
		s = s.After(outcome('f', s.Breaker.Turn), at)
		waits = append(waits, s.Breaker.ProbeAt.Sub(at))
		if probes++; s.DisabledReason != "" {
			require.Equal(t, "nothing succeeded for 72 hours: down", s.DisabledReason)
			require.GreaterOrEqual(t, at.Sub(monday), 72*time.Hour)
			require.Less(t, at.Sub(monday), 73*time.Hour)
		}
	}
	require.Equal(t, []time.Duration{2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, time.Hour}, waits[:5])
	require.Equal(t, 4+72, probes)

	busy := outcome('f', 1)
	busy.RetryAfter = 6 * time.Hour
	s = play(Standing{}, monday, strings.Repeat("f", 10)).After(busy, opened)
	require.Equal(t, opened.Add(6*time.Hour), s.Breaker.ProbeAt, "Retry-After puts a probe off")
	busy.RetryAfter = 600 * time.Hour
	require.Equal(t, opened.Add(24*time.Hour), s.After(busy, opened).Breaker.ProbeAt, "by a day at most")
	s = play(Standing{}, monday, strings.Repeat("f", 9))
	require.Empty(t, s.After(outcome('f', 0), monday.Add(100*time.Hour)).DisabledReason, "a quiet destination opens first")
}

// TestBreakerEverySequence plays every sequence of four outcomes from every standing
// that can be reached, and holds what must always be so.
func TestBreakerEverySequence(t *testing.T) {
	t.Parallel()
	starts := []string{"", "fffffff", "ffffffffff", "ffffffffffff", "hhhhhhh", "hhhhhhhh" + "ffffffffff"}
	var walk func(s Standing, at time.Time, left int)
	walk = func(s Standing, at time.Time, left int) {
		if left == 0 {
			return
		}
		for _, c := range "fohrngl" {
			next := s.After(outcome(c, s.Breaker.Turn), at)
			holds(t, s, next, c, at)
			walk(next, at.Add(11*time.Hour), left-1)
		}
	}
	for _, start := range starts {
		walk(play(Standing{}, monday, start), monday.Add(time.Hour), 4)
	}
}

// TestBreakerLongRuns does so for long random runs, people's acts among them.
func TestBreakerLongRuns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(7, seed))
		s, at := Standing{}, monday
		for range 400 {
			at = at.Add(time.Duration(r.Int64N(int64(2 * time.Hour))))
			switch n := r.IntN(60); n {
			case 0:
				s = s.Resumed(at)
			case 1:
				s = s.Enabled(at)
				require.False(t, s.stands() || s.Breaker.Open())
			case 2:
				s = s.Edited(at)
			case 3:
				s = s.Disabled("ann", "stop", at)
			default:
				c := rune("fffffffffffffohrnglLt"[r.IntN(21)])
				next := s.After(outcome(c, s.Breaker.Turn), at)
				holds(t, s, next, c, at)
				s = next
			}
		}
	}
}

// holds checks one step.
func holds(t *testing.T, was, is Standing, c rune, at time.Time) {
	t.Helper()
	b := is.Breaker
	if is == was {
		return
	}
	require.False(t, was.stands(), "what stands still is moved by people only")
	require.NotContains(t, "lL", string(c), "an earlier turn has no say")
	require.GreaterOrEqual(t, b.Turn, was.Breaker.Turn)
	moved := is.stands() || b.Open() != was.Breaker.Open()
	require.Equal(t, moved, b.Turn > was.Breaker.Turn, "every move begins a turn, and nothing else does")
	if moved {
		require.Equal(t, at, is.Since)
	}
	require.Equal(t, b.Open(), !b.ProbeAt.IsZero())
	require.False(t, b.Open() && b.ProbeAt.Before(at), "a probe lies ahead")
	if b.Open() {
		require.GreaterOrEqual(t, b.Failures, openAfter)
	} else {
		require.Less(t, b.Failures, openAfter)
	}
	if is.stands() {
		require.Contains(t, "fhgt", string(c))
	}
	if c == 'o' || c == 'r' {
		require.Equal(t, Breaker{Turn: b.Turn}, b, "an answer clears all")
	}
}

func TestStandingActs(t *testing.T) {
	t.Parallel()
	later := monday.Add(time.Hour)
	open := play(Standing{}, monday, "ffffffffff")
	paused := play(Standing{}, monday, "hhhhhhhhhh")
	gone := play(Standing{}, monday, "g")
	stopped := open.Disabled("ann", "too dear", later)
	for name, s := range map[string]Standing{
		"open resumed": open.Resumed(later), "open edited": open.Edited(later), "paused resumed": paused.Resumed(later),
		"paused edited": paused.Edited(later), "gone edited": gone.Edited(later), "gone enabled": gone.Enabled(later),
		"stopped enabled": stopped.Enabled(later),
	} {
		require.Equal(t, Standing{Breaker: Breaker{Turn: s.Breaker.Turn}, Since: later}, s, name)
		require.Positive(t, s.Breaker.Turn, name)
	}
	require.Equal(t, gone, gone.Resumed(later), "a resumption does not end a 410")
	require.Equal(t, Standing{Breaker: Breaker{Turn: 2}, DisabledReason: "too dear", DisabledBy: "ann", Since: later}, stopped)
	edited := stopped.Edited(later.Add(time.Hour))
	require.Equal(t, []any{"too dear", "ann", later}, []any{edited.DisabledReason, edited.DisabledBy, edited.Since},
		"an edit does not end what an operator stopped")
	active := Standing{Since: monday}.Edited(later)
	require.Equal(t, Standing{Breaker: Breaker{Turn: 1}, Since: monday}, active, "nothing changed")
}

func TestDestinationStates(t *testing.T) {
	t.Parallel()
	r := Registered{Destination: Destination{Enabled: true}}
	state := func(r Registered) DestinationState {
		s, _ := r.State()
		return s
	}
	require.Equal(t, DestinationActive, state(r))
	open := r.With(play(Standing{}, monday, "ffffffffff"))
	require.Equal(t, DestinationOpen, state(open))
	require.False(t, open.Ready(monday.Add(38*time.Second)))
	require.True(t, open.Ready(monday.Add(39*time.Second)))
	require.Equal(t, DestinationPaused, state(r.With(play(Standing{}, monday, "hhhhhhhhhh"))))
	gone := r.With(play(Standing{}, monday, "g"))
	require.Equal(t, DestinationDisabled, state(gone))
	require.False(t, gone.Active())
	gone.Destination.Enabled = false
	require.Equal(t, DestinationOff, state(gone))
	require.Equal(t, gone.Standing(), r.With(gone.Standing()).Standing())
}
