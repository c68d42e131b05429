package conversion

import (
	"time"

	"skand/schema"
	"skand/skan"
)

// SchemaVersion is one published version of an app's schema.
type SchemaVersion struct {
	Version       int
	EffectiveFrom time.Time
	Document      *schema.Document
}

// Flags that a decode can carry.
const (
	FlagAmbiguous     = "ambiguous"      // two versions may have been on the phone
	FlagRetryPossible = "retry_possible" // certain unless this arrival was a late retry
	FlagClamped       = "clamped"        // revenue above the schema's cap
	FlagOverlap       = "overlap"        // the deterministic side counts this install too
)

// How long a published version takes to be on every phone, and how long Apple may
// go on repeating what a phone set before.
const (
	adoption  = 24 * hour
	retries   = 216 * hour // nine days
	leastWait = 24 * hour  // Apple never sends sooner after the last update
)

// Bind chooses the version that the phone behind an arrival used. A value seen at
// arrival a was set on the phone earlier, and phones may hold a cached mapping:
//
//   - a <= T+24h: the older version for certain, for Apple waits that long;
//   - a >= adopted+grace+216h: the newer one for certain;
//   - from adopted+grace on: the newer one, unless this was a late retry;
//   - between: ambiguous; the version in force at the estimated last update.
//
// A copy that a relay passed on came up to RelayDelay later than Apple sent it, so
// the bounds from which the newer one counts are later by that much; the first stands,
// for no relay makes an arrival earlier.
//
// Phones in Developer Mode post within minutes: what a development key signed is
// of the version at its arrival; ambiguous if another took effect on its way here.
//
// Before the first version there was none, so the first binds everything earlier.
// Versions are in ascending order. The result is nil only if there is none.
func Bind(versions []SchemaVersion, p *Pending) (*SchemaVersion, []string) {
	if len(versions) == 0 {
		return nil, nil
	}
	a := p.ReceivedAt
	if p.Environment == skan.Development {
		v := inForce(versions, a)
		if v != inForce(versions, a.Add(-p.RelayDelay)) {
			return v, []string{FlagAmbiguous}
		}
		return v, nil
	}
	old := 0
	for i := range versions {
		if versions[i].EffectiveFrom.Add(leastWait).Before(a) {
			old = i
		}
	}
	if old == 0 {
		return &versions[0], nil
	}
	// versions[old] is the newest that can have been on the phone.
	settled := settledAt(versions[:old+1], p).Add(p.RelayDelay)
	switch {
	case !a.Before(settled.Add(retries)):
		return &versions[old], nil
	case !a.Before(settled):
		return &versions[old], []string{FlagRetryPossible}
	}
	return inForce(versions[:old+1], a.Add(-lastUpdate(p))), []string{FlagAmbiguous}
}

// inForce is the newest version that had taken effect at t, or else the first.
func inForce(versions []SchemaVersion, t time.Time) *SchemaVersion {
	found := 0
	for i := range versions {
		if !versions[i].EffectiveFrom.After(t) {
			found = i
		}
	}
	return &versions[found]
}

// settledAt is when nothing set under an earlier version than the last is still
// held back, but for retries. Each earlier one has its own end: until the next was
// adopted phones set values under it, and any later version may close the window.
func settledAt(versions []SchemaVersion, p *Pending) time.Time {
	var settled time.Time
	for i := range len(versions) - 1 {
		end := versions[i+1].EffectiveFrom.Add(adoption + grace(versions[i:], p))
		if end.After(settled) {
			settled = end
		}
	}
	return settled
}

// grace is the longest that Apple may hold back a value after it was set, by the
// versions that may have set it or closed its window.
func grace(versions []SchemaVersion, p *Pending) time.Duration {
	if legacy(p.Framework, p.Version) {
		return 48 * hour
	}
	none := []time.Duration{96 * hour, 264 * hour, 816 * hour}[p.Index]
	longest := time.Duration(0)
	for i := range versions {
		l := lockHours(versions[i].Document, p)
		if l == 0 {
			return none
		}
		g := time.Duration(l+48) * hour
		if p.Index > 0 {
			g = time.Duration(l+144) * hour
		}
		longest = max(longest, g)
	}
	return min(longest, none)
}

// lastUpdate is the estimate of how long before its arrival a value was last set.
func lastUpdate(p *Pending) time.Duration {
	if p.Index > 0 && !legacy(p.Framework, p.Version) {
		return 84 * hour
	}
	return 36 * hour
}

// lockHours is the time lock of the window that the postback reports, or 0.
func lockHours(d *schema.Document, p *Pending) int {
	windows := d.Windows
	if p.Kind == KindReengagement && len(d.ReengagementWindows) > 0 {
		windows = d.ReengagementWindows
	}
	for _, w := range windows {
		if w.Index == p.Index && w.Lock != nil && w.Lock.On == schema.LockTime {
			return w.Lock.Number
		}
	}
	return 0
}
