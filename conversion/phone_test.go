package conversion_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/schema"
	"skand/skan"
)

// arrival is a postback of the simulation with the truth about it.
type arrival struct {
	*conversion.Pending
	phone   phone
	used    int  // index of the version that the phone went by
	retried bool // it is not Apple's first try
}

// randomArrival plays one phone; false if it set nothing.
func randomArrival(c chance, versions []conversion.SchemaVersion) (arrival, bool) {
	kind := []string{conversion.EffectLegacy, conversion.EffectWindow, conversion.EffectReengagement}[c.IntN(3)]
	index := c.IntN(3)
	if kind == conversion.EffectLegacy {
		index = 0
	}
	starts := 3000*c.Float64() - 1500
	if c.edge != anywhere && len(versions) > 1 {
		// The window opens as the last cache forgets the older version, or as the newer
		// one takes effect.
		turn := versions[1+c.IntN(len(versions)-1)].EffectiveFrom.Sub(noon).Hours()
		starts = c.within(turn, turn+24) - windows[index][0]
	}
	reengaged := kind == conversion.EffectReengagement
	a := arrival{phone: randomPhone(c, starts, index, reengaged)}
	var r report
	if kind == conversion.EffectLegacy {
		r = a.phone.timer(c, versions)
	} else {
		r = a.phone.window(c, versions, index, reengaged)
	}
	at, delay := r.sent, 0.0
	if a.retried = c.IntN(2) == 0; a.retried {
		at += c.within(0, 216)
	}
	relayed := c.IntN(3) == 0
	if relayed {
		delay = 720 * c.Float64()
		at += c.within(0, delay)
	}
	a.used = r.used
	a.Pending = pending(func(p *conversion.Pending) {
		p.Index, p.ReceivedAt = index, hoursOn(at)
		if relayed {
			p.Source, p.RelayDelay = conversion.Relay, hoursOn(delay).Sub(noon)
		}
		switch {
		case kind == conversion.EffectLegacy:
			p.Version, p.Fine = []string{"1.0", "2.2", "3.0"}[c.IntN(3)], &r.value
		case reengaged:
			p.Kind, p.Framework, p.Version = conversion.KindReengagement, skan.AdAttributionKit, ""
		case c.IntN(2) == 0:
			p.Framework, p.Version = skan.AdAttributionKit, ""
		}
	})
	return a, r.used >= 0
}

// What Bind calls certain is the version that the phone used: whenever the versions
// were published and however they lock, however stale the phone's mapping (up to a
// day), and wherever in their ranges Apple's delays and retries and a relay's delay lie.
func TestBindIsNeverCertainAndWrong(t *testing.T) {
	t.Parallel()
	counts, slack := map[string]int{}, map[string]time.Duration{}
	for seed := range uint64(60_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := chance{r, edge(r.IntN(3))}
		versions := randomVersions(r)
		a, ok := randomArrival(c, versions)
		if !ok {
			continue
		}
		v, flags := conversion.Bind(versions, a.Pending)
		certain := len(flags) == 0
		settled := slices.Equal(flags, []string{conversion.FlagRetryPossible})
		if certain || settled && !a.retried {
			require.Equal(t, a.used+1, v.Version, "seed %d: %+v, %v", seed, a.Pending, flags)
		}
		counts[fmt.Sprint(flags, v.Version == a.used+1)]++
		if !a.retried {
			l := conversion.Decode(a.Pending, versions, noon).Launch
			launch := hoursOn(a.phone.starts)
			require.False(t, launch.Before(l.From) || launch.After(l.To), "seed %d: launch %s outside %v", seed, launch, l)
			require.False(t, l.Point.Before(l.From) || l.Point.After(l.To), "seed %d: %v", seed, l)
		}
		a.know(t, versions, v, flags)
		a.near(versions, slack)
	}
	for _, seen := range []string{"[] true", "[ambiguous] true", "[ambiguous] false", "[retry_possible] true", "[retry_possible] false"} {
		require.Greater(t, counts[seen], 200, "the simulation reaches every answer: %v", counts)
	}
	// No bound has an hour to give away: a shorter one would have failed above.
	require.Len(t, slack, 2*13+7, "the simulation comes near to every bound: %v", slack)
	for bound, least := range slack {
		require.Less(t, least, time.Hour, bound)
	}
}

// know: what takes effect less than a day before an arrival, or after it, is not
// needed to bind it. So a receiver may hear of a new version a little late.
func (a arrival) know(t *testing.T, versions []conversion.SchemaVersion, v *conversion.SchemaVersion, flags []string) {
	t.Helper()
	known := 1
	for known < len(versions) && versions[known].EffectiveFrom.Before(a.ReceivedAt.Add(-24*time.Hour)) {
		known++
	}
	w, same := conversion.Bind(versions[:known], a.Pending)
	require.Equal(t, v.Version, w.Version)
	require.Equal(t, flags, same)
}

// near notes how near the arrivals that prove a bound necessary came to it.
func (a arrival) near(versions []conversion.SchemaVersion, slack map[string]time.Duration) {
	newest := 0
	for i := range versions {
		if versions[i].EffectiveFrom.Add(24 * time.Hour).Before(a.ReceivedAt) {
			newest = i
		}
	}
	if newest == 0 {
		return
	}
	var e conversion.Effect
	for _, one := range conversion.Effects(versions[:newest], versions[newest]) {
		if one.Index == a.Index && (one.Postbacks == a.kind() || one.Postbacks == conversion.EffectWindow && a.kind() == conversion.EffectReengagement) {
			e = one
		}
	}
	name := fmt.Sprint(a.kind(), a.Index)
	note := func(bound string, d time.Duration) {
		if least, seen := slack[bound]; !seen || d < least {
			slack[bound] = d
		}
	}
	if a.used == newest {
		note(name+" old until", a.ReceivedAt.Sub(e.OldUntil))
		return
	}
	if a.timed(versions[:newest+1]) {
		name += " with time locks"
	}
	if a.retried {
		note(name+" retry until", e.RetryPossibleUntil.Add(a.RelayDelay).Sub(a.ReceivedAt))
	} else {
		note(name+" ambiguous until", e.AmbiguousTo.Add(a.RelayDelay).Sub(a.ReceivedAt))
	}
}

func (a arrival) kind() string {
	switch {
	case a.Kind == conversion.KindReengagement:
		return conversion.EffectReengagement
	case a.Framework == skan.SKAdNetwork && a.Version != "4.0":
		return conversion.EffectLegacy
	default:
		return conversion.EffectWindow
	}
}

// timed reports that every version locks the window by time.
func (a arrival) timed(versions []conversion.SchemaVersion) bool {
	for _, v := range versions {
		l := lockOf(v, a.Index, a.Kind == conversion.KindReengagement)
		if l == nil || l.On != schema.LockTime {
			return false
		}
	}
	return a.kind() != conversion.EffectLegacy
}
