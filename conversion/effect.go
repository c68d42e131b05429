package conversion

import (
	"time"

	"skand/skan"
)

// Effect is what a new version does to the postbacks of one conversion window, by
// the time of their arrival: up to OldUntil (included) they hold earlier versions
// for certain; between AmbiguousFrom (excluded) and AmbiguousTo (excluded) nobody
// can tell; from then on the new one, until RetryPossibleUntil (excluded) with the
// reservation that it may be a late retry; after that the new one for certain. The
// bounds are Bind's for what Apple sends here itself: for a copy that a network relayed
// AmbiguousTo and RetryPossibleUntil are later by its relay_delay. What a development
// key signed follows the arrival alone.
type Effect struct {
	Postbacks          string    `json:"postbacks"` // legacy, window, reengagement
	Index              int       `json:"index"`
	OldUntil           time.Time `json:"old_until"`
	AmbiguousFrom      time.Time `json:"ambiguous_from"`
	AmbiguousTo        time.Time `json:"ambiguous_to"`
	RetryPossibleUntil time.Time `json:"retry_possible_until"`
}

// The postbacks that an Effect is about.
const (
	EffectLegacy       = "legacy"       // SKAdNetwork 1-3: one postback
	EffectWindow       = "window"       // SKAdNetwork 4 and AdAttributionKit, one for each window
	EffectReengagement = "reengagement" // the same of re-engagements, where a schema has windows for them
)

// Effects tells what next does to every kind of postback, given the versions
// published before it in ascending order. The first version of an app has none:
// it binds everything, whenever it came.
func Effects(versions []SchemaVersion, next SchemaVersion) []Effect {
	if len(versions) == 0 {
		return []Effect{}
	}
	all := append(versions[:len(versions):len(versions)], next)
	effects := []Effect{effect(all, EffectLegacy, &Pending{Framework: skan.SKAdNetwork, Version: "3.0"})}
	for i := range 3 {
		effects = append(effects, effect(all, EffectWindow, &Pending{Framework: skan.AdAttributionKit, Index: i}))
	}
	if !anyReengagement(all) {
		return effects
	}
	for i := range 3 {
		p := &Pending{Framework: skan.AdAttributionKit, Index: i, Kind: KindReengagement}
		effects = append(effects, effect(all, EffectReengagement, p))
	}
	return effects
}

func effect(all []SchemaVersion, postbacks string, p *Pending) Effect {
	old := all[len(all)-1].EffectiveFrom.Add(leastWait)
	settled := settledAt(all, p)
	return Effect{
		Postbacks: postbacks, Index: p.Index,
		OldUntil: old, AmbiguousFrom: old, AmbiguousTo: settled, RetryPossibleUntil: settled.Add(retries),
	}
}

func anyReengagement(versions []SchemaVersion) bool {
	for i := range versions {
		if len(versions[i].Document.ReengagementWindows) > 0 {
			return true
		}
	}
	return false
}
