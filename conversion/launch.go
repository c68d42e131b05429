package conversion

import (
	"time"

	"skand/skan"
)

// Launch is when the app was first opened, as far as a postback's arrival tells:
// Apple delays postbacks by random hours so that it tells little. Retries, which
// can add nine days, are not in it.
type Launch struct {
	Point, From, To time.Time
}

const hour = time.Hour

// legacy reports SKAdNetwork up to 3.0: one postback, timed by the last update.
func legacy(f skan.Framework, version string) bool {
	return f == skan.SKAdNetwork && (version == "" || version < "4")
}

// relayed widens an estimate for a copy that came up to delay later than Apple sent
// it. Only the earliest moves: a relay may also have passed it on at once, which the
// latest allows for, and mostly it does, so that the point stays the likeliest.
func (l Launch) relayed(delay time.Duration) Launch {
	l.From = l.From.Add(-delay)
	return l
}

// EstimateLaunch bounds the first launch behind a postback that arrived at a. The
// delays are Apple's: 24-48 h after window 0 ends or is locked, 24-144 h after the
// later ones; up to version 3.0, 24 h after the last update plus 0-24 h.
// lockHours is the schema's time lock of that window, hours into it, or 0.
func EstimateLaunch(a time.Time, f skan.Framework, version string, index int, fine *int, lockHours int) Launch {
	back := func(h int) time.Time { return a.Add(-time.Duration(h) * hour) }
	if legacy(f, version) {
		switch {
		case fine != nil && *fine > 0:
			return Launch{back(48), back(min((*fine+2)*24, 65*24)), back(24)}
		case fine != nil:
			return Launch{back(36), back(48), back(24)}
		default:
			return Launch{back(48), back(65 * 24), back(24)}
		}
	}
	var l Launch
	opens, delay := 0, 36
	switch index {
	case 0:
		l = Launch{back(84), back(96), back(24)}
	case 1:
		l, opens, delay = Launch{back(252), back(312), back(72)}, 48, 84
	default:
		l, opens, delay = Launch{back(924), back(984), back(192)}, 168, 84
	}
	if lockHours > 0 {
		// The lock closes the window early: the point follows it. The bounds stay, for
		// a phone may hold an older mapping without the lock.
		l.Point = back(opens + lockHours + delay)
	}
	return l
}
