package conversion_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/skan"
)

// phone is one installation. Hours count from noon.
type phone struct {
	opens   []float64 // when the app was in front
	fetches []float64 // the opens at which it asked for the mapping
}

// randomPhone asks for the mapping whenever what it holds is older than its
// patience, which is at most a day.
func randomPhone(r *rand.Rand, launch float64) phone {
	var p phone
	patience := 24 * r.Float64()
	pause := 1 + 60*r.Float64()
	for at := launch; at < launch+900; at += 0.1 + pause*r.Float64() {
		p.opens = append(p.opens, at)
		if n := len(p.fetches); n == 0 || at-p.fetches[n-1] > patience {
			p.fetches = append(p.fetches, at)
		}
	}
	return p
}

// holds is the index of the version on the phone at a time, or -1.
func (p phone) holds(versions []conversion.SchemaVersion, at float64) int {
	fetched, held := p.opens[0]-1e6, -1
	for _, f := range p.fetches {
		if f <= at {
			fetched = f
		}
	}
	for i, v := range versions {
		if !v.EffectiveFrom.After(hoursOn(fetched)) {
			held = i
		}
	}
	return held
}

// windows are Apple's, in hours after the first launch.
var windows = [3][2]float64{{0, 48}, {48, 168}, {168, 840}}

// reports gives the version of the last value that the phone set in a window, and
// when Apple sends it the first time; ok is false if it set none.
func (p phone) reports(r *rand.Rand, versions []conversion.SchemaVersion, version string, index int) (used int, sent float64, ok bool) {
	launch := p.opens[0]
	if version == "3.0" {
		last := launch
		for _, at := range p.opens[1:] {
			if at-last > 24 || r.IntN(4) == 0 {
				break // the timer ran out, or there was nothing more to report
			}
			last = at
		}
		used = p.holds(versions, last)
		return used, last + 24 + 24*r.Float64(), used >= 0
	}
	opens, closes := launch+windows[index][0], launch+windows[index][1]
	lockedAt := func(at float64) bool {
		held := p.holds(versions, at)
		if held < 0 {
			return false
		}
		l := versions[held].Document.Windows[index].Lock
		return l != nil && at >= opens+float64(l.Number)
	}
	// The lock closes on the hour, or as soon as the phone knows of it.
	moments := slices.Clone(p.fetches)
	for _, v := range versions {
		if l := v.Document.Windows[index].Lock; l != nil {
			moments = append(moments, opens+float64(l.Number))
		}
	}
	for _, at := range moments {
		if at >= opens && at < closes && lockedAt(at) {
			closes = at
		}
	}
	used = -1
	for _, at := range p.opens {
		if at >= opens && at <= closes && r.IntN(3) > 0 {
			used = p.holds(versions, at)
			ok = used >= 0
		}
	}
	wait := 24 + 24*r.Float64()
	if index > 0 {
		wait = 24 + 120*r.Float64()
	}
	return used, closes + wait, ok
}

func randomVersions(r *rand.Rand) []conversion.SchemaVersion {
	var versions []conversion.SchemaVersion
	from := -2000 * r.Float64()
	for n := range 1 + r.IntN(5) {
		locks := []int{r.IntN(49), r.IntN(121), r.IntN(300)}
		for i := range locks {
			locks[i] *= r.IntN(2)
		}
		versions = append(versions, version(n+1, from, locks...))
		from += []float64{0.01, 10, 50, 300, 1500}[r.IntN(5)] * (0.1 + r.Float64())
	}
	return versions
}

// What Bind calls certain is the version that the phone used, whenever the
// versions were published, however stale the phone's mapping (up to a day), and
// wherever in their ranges Apple's delays and retries lie.
func TestBindIsNeverCertainAndWrong(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		versions := randomVersions(r)
		p := randomPhone(r, 3000*r.Float64()-1500)
		name := []string{"3.0", "4.0", ""}[r.IntN(3)]
		index := 0
		if name != "3.0" {
			index = r.IntN(3)
		}
		used, sent, ok := p.reports(r, versions, name, index)
		if !ok {
			continue
		}
		retry := 0.0
		if r.IntN(2) == 0 {
			retry = 216 * r.Float64()
		}
		arrival := pending(func(p *conversion.Pending) {
			p.Version, p.Index, p.ReceivedAt = name, index, hoursOn(sent+retry)
			if name == "" {
				p.Framework = skan.AdAttributionKit
			}
		})
		v, flags := conversion.Bind(versions, arrival)
		certain := len(flags) == 0
		settled := slices.Equal(flags, []string{conversion.FlagRetryPossible})
		if certain || settled && retry == 0 {
			require.Equal(t, used+1, v.Version, "seed %d: %v, index %d, %v", seed, name, index, flags)
		}
		counts[fmt.Sprint(flags, v.Version == used+1)]++
		if name != "3.0" && retry == 0 {
			l := conversion.Decode(arrival, versions, noon).Launch
			launch := hoursOn(p.opens[0])
			require.False(t, launch.Before(l.From) || launch.After(l.To), "seed %d: launch %s outside %v", seed, launch, l)
		}
	}
	for _, seen := range []string{"[] true", "[ambiguous] true", "[ambiguous] false", "[retry_possible] true"} {
		require.Greater(t, counts[seen], 200, "the simulation reaches every answer: %v", counts)
	}
}
