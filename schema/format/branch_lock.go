package format

import (
	"skand/schema"
)

// Branch has a flag at every event instead of a lock: the flags that a lock means
// are set on export, and on import the lock is found whose flags these are.

// locks reports whether a lock sets the flag of an entry.
func locks(l *schema.Lock, e branchEntry) bool {
	switch {
	case l == nil:
		return false
	case l.On == schema.LockEvent:
		return e.Name == l.Name
	case l.On == schema.LockFine:
		return e.fine && e.rank >= l.Number
	case l.On == schema.LockCoarse:
		return !e.fine && levelRank(l.Name) >= 0 && e.rank >= levelRank(l.Name)
	default:
		return false // by time
	}
}

func levelRank(name string) int {
	for i, l := range levels {
		if l == name {
			return i
		}
	}
	return -1
}

// branchLock finds the lock whose flags are exactly those of the entries. The
// documented example flags fine values and the level that they belong to; there
// the fine value is the lock, and the other flags are a loss.
func branchLock(r *reader, entries []branchEntry) *schema.Lock {
	var flagged []branchEntry
	for _, e := range entries {
		if e.locked {
			flagged = append(flagged, e)
		}
	}
	if len(flagged) == 0 {
		return nil
	}
	candidates := []*schema.Lock{{On: schema.LockEvent, Name: flagged[0].Name}}
	for _, kind := range []bool{true, false} {
		least := -1
		for _, e := range flagged {
			if e.fine == kind && (least < 0 || e.rank < least) {
				least = e.rank
			}
		}
		switch {
		case least < 0:
		case kind:
			candidates = append(candidates, &schema.Lock{On: schema.LockFine, Number: least})
		default:
			candidates = append(candidates, &schema.Lock{On: schema.LockCoarse, Name: levels[least]})
		}
	}
	for _, l := range candidates {
		if l.Name != branchInstall && fits(l, entries, func(branchEntry) bool { return true }) {
			return l
		}
	}
	fine := func(e branchEntry) bool { return e.fine }
	for _, l := range candidates {
		if l.On == schema.LockFine && fits(l, entries, fine) {
			r.lose(flagged[0].at, "the lock was read from the fine values; the flags of the levels are lost")
			return l
		}
	}
	r.lose(flagged[0].at, "the lock is lost: no single event, fine value or level sets just these flags")
	return nil
}

func fits(l *schema.Lock, entries []branchEntry, of func(branchEntry) bool) bool {
	for _, e := range entries {
		if of(e) && locks(l, e) != e.locked {
			return false
		}
	}
	return true
}
