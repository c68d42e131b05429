package forward

import "time"

// What people do to a destination's standing. Each begins a new turn, so that no
// attempt that began before has a say in what comes after.

// Edited is the standing after a change of the definition: what skand itself had
// stopped goes on. What an operator disabled stays so.
func (s Standing) Edited(now time.Time) Standing {
	if s.DisabledBy != "" {
		since := s.Since
		s = s.turned(now)
		s.PausedReason, s.Since = "", since
		return s
	}
	return s.Enabled(now)
}

// Resumed ends a pause and closes the breaker. A disabled destination stays so.
func (s Standing) Resumed(now time.Time) Standing {
	if s.DisabledReason != "" {
		return s
	}
	return s.Enabled(now)
}

// Enabled ends everything that keeps a destination from being sent to, but its
// definition's own enabled: false.
func (s Standing) Enabled(now time.Time) Standing {
	was := s.stands() || s.Breaker.Open()
	since := s.Since
	s = s.turned(now)
	s.PausedReason, s.DisabledReason, s.DisabledBy = "", "", ""
	if !was {
		s.Since = since
	}
	return s
}

// Disabled is the standing after an operator (by) stops it. The reason is theirs.
func (s Standing) Disabled(by, reason string, now time.Time) Standing {
	s = s.disabled(reason, by, now)
	s.PausedReason = ""
	return s
}
