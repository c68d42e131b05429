package conversion_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

func TestReached(t *testing.T) {
	t.Parallel()
	at := func(name string, after time.Duration) conversion.FunnelEvent {
		return conversion.FunnelEvent{Name: name, Time: noon.Add(after)}
	}
	list := func(e ...conversion.FunnelEvent) []conversion.FunnelEvent { return e }
	ab := []string{"a", "b"}
	for name, c := range map[string]struct {
		stages []string
		events []conversion.FunnelEvent
		want   int
	}{
		"nothing done":              {ab, nil, 0},
		"no stages":                 {nil, list(at("a", 1)), 0},
		"the first":                 {ab, list(at("a", time.Hour), at("x", time.Hour)), 1},
		"both":                      {ab, list(at("a", time.Hour), at("b", 2*time.Hour)), 2},
		"whatever order they lie":   {ab, list(at("b", 2*time.Hour), at("a", time.Hour)), 2},
		"the second alone":          {ab, list(at("b", time.Hour)), 0},
		"the second too early":      {ab, list(at("b", time.Hour), at("a", 2*time.Hour)), 1},
		"early, and again":          {ab, list(at("b", time.Hour), at("a", 2*time.Hour), at("b", 3*time.Hour)), 2},
		"in one moment":             {ab, list(at("b", time.Hour), at("a", time.Hour)), 2},
		"the horizon's last moment": {ab, list(at("a", time.Hour), at("b", 72*time.Hour)), 2},
		"a moment beyond":           {ab, list(at("a", time.Hour), at("b", 72*time.Hour+time.Millisecond)), 1},
		"a clock behind":            {ab, list(at("a", -time.Minute), at("b", time.Hour)), 2},
		"long before the install":   {ab, list(at("a", -25*time.Hour), at("b", time.Hour)), 0},
		"twice the same":            {[]string{"a", "a"}, list(at("a", time.Hour), at("a", time.Hour)), 2},
		"twice the same, done once": {[]string{"a", "a"}, list(at("a", time.Hour)), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, conversion.Reached(c.stages, 72*time.Hour, noon, c.events))
		})
	}
}

// deepest tries every event for every stage.
func deepest(stages []string, events []conversion.FunnelEvent, used []bool, from time.Time) int {
	best := 0
	if len(stages) == 0 {
		return 0
	}
	for i, e := range events {
		if used[i] || e.Name != stages[0] || e.Time.Before(from) || e.Time.After(noon.Add(6*time.Hour)) {
			continue
		}
		used[i] = true
		best = max(best, 1+deepest(stages[1:], events, used, e.Time))
		used[i] = false
	}
	return best
}

// TestReachedIsTheDeepest: taking the earliest event for each stage is as good as
// trying all; one more event never leads less far.
func TestReachedIsTheDeepest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 5))
	depth := map[int]int{}
	for range 5000 {
		names := []string{"a", "b", "c"}
		stages := make([]string, 1+rng.IntN(4))
		for i := range stages {
			stages[i] = names[rng.IntN(3)]
		}
		events := make([]conversion.FunnelEvent, rng.IntN(7))
		for i := range events {
			events[i] = conversion.FunnelEvent{Name: names[rng.IntN(3)], Time: noon.Add(time.Duration(rng.IntN(9)) * time.Hour)}
		}
		got := conversion.Reached(stages, 6*time.Hour, noon, events)
		require.Equal(t, deepest(stages, events, make([]bool, len(events)), noon), got, "%v %v", stages, events)
		depth[got]++
		more := append(events, conversion.FunnelEvent{Name: names[rng.IntN(3)], Time: noon.Add(time.Duration(rng.IntN(9)) * time.Hour)})
		require.GreaterOrEqual(t, conversion.Reached(stages, 6*time.Hour, noon, more), got)
		require.LessOrEqual(t, conversion.Reached(stages[:len(stages)-1], 6*time.Hour, noon, events), got)
	}
	for stage := range 5 {
		require.Positive(t, depth[stage])
	}
}
