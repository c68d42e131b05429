package conversion_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/schema"
	"skand/skan"
)

// like is a postback that an effect is about.
func like(e conversion.Effect) *conversion.Pending {
	return pending(func(p *conversion.Pending) {
		p.Index, p.Framework, p.Version = e.Index, skan.AdAttributionKit, ""
		switch e.Postbacks {
		case conversion.EffectLegacy:
			p.Framework, p.Version = skan.SKAdNetwork, "3.0"
		case conversion.EffectReengagement:
			p.Kind = conversion.KindReengagement
		}
	})
}

// What an effect promises is what Bind does, at each bound and a millisecond beside
// it, whatever was published before.
func TestEffectsAreBinds(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	seen := map[string]int{}
	for seed := range uint64(2_000) {
		r := rand.New(rand.NewPCG(seed, 2))
		all := randomVersions(r)
		if r.IntN(3) == 0 { // re-engagements may have locks of their own
			d := all[r.IntN(len(all))].Document
			d.ReengagementWindows = append(d.ReengagementWindows, schema.Window{Index: r.IntN(3), Lock: &schema.Lock{On: schema.LockTime, Number: 1 + r.IntN(40)}})
		}
		for i := range all { // as they are kept: on the millisecond
			all[i].EffectiveFrom = all[i].EffectiveFrom.Truncate(ms)
		}
		before, next := all[:len(all)-1], all[len(all)-1]
		name := bound(all[len(all)-1:], like(conversion.Effect{}), noon)
		effects := conversion.Effects(before, next)
		if len(before) == 0 {
			require.Empty(t, effects, "the first version changes nothing that was certain")
			continue
		}
		for _, e := range effects {
			p := like(e)
			old := bound(before, p, e.OldUntil)
			require.Equal(t, old, bound(all, p, e.OldUntil), "seed %d: as if there were no new version", seed)
			require.Equal(t, e.OldUntil, e.AmbiguousFrom)
			require.Contains(t, bound(all, p, e.AmbiguousFrom.Add(ms)), conversion.FlagAmbiguous)
			require.Contains(t, bound(all, p, e.AmbiguousTo.Add(-ms)), conversion.FlagAmbiguous)
			require.Equal(t, name+" "+conversion.FlagRetryPossible, bound(all, p, e.AmbiguousTo))
			require.Equal(t, name+" "+conversion.FlagRetryPossible, bound(all, p, e.RetryPossibleUntil.Add(-ms)))
			require.Equal(t, name, bound(all, p, e.RetryPossibleUntil))
			seen[e.Postbacks+strings.Repeat("+", e.Index)]++
		}
	}
	require.Len(t, seen, 7, "%v", seen)
}

// The figures of the table of graces, in hours after a version takes effect.
func TestEffectsInHours(t *testing.T) {
	t.Parallel()
	hours := func(at time.Time) float64 { return at.Sub(noon).Hours() }
	effects := conversion.Effects([]conversion.SchemaVersion{version(1, -9000)}, version(2, 0))
	require.Len(t, effects, 4)
	for i, want := range []struct {
		postbacks string
		index     int
		grace     float64
	}{{"legacy", 0, 48}, {"window", 0, 96}, {"window", 1, 264}, {"window", 2, 816}} {
		e := effects[i]
		require.Equal(t, want.postbacks, e.Postbacks)
		require.Equal(t, want.index, e.Index)
		require.InDelta(t, 24, hours(e.OldUntil), 0)
		require.InDelta(t, 24+want.grace, hours(e.AmbiguousTo), 0)
		require.InDelta(t, 24+want.grace+216, hours(e.RetryPossibleUntil), 0)
	}
}

// The versions that it is given are left as they are, also where their slice has room.
func TestEffectsLeaveTheHistoryAlone(t *testing.T) {
	t.Parallel()
	history := []conversion.SchemaVersion{version(1, -9000), version(2, -100), version(9, 50)}
	conversion.Effects(history[:2], version(3, 0))
	require.Equal(t, 9, history[2].Version)
}
