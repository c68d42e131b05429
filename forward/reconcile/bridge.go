package reconcile

import "github.com/shopspring/decimal"

// Cause is why two counts of the same thing differ.
type Cause int

// The causes, in the order in which they take from a difference. The first four are
// counted in our own data and stand whatever the network did; the others depend on
// what it did, and take at most what is left.
const (
	Unmapped  Cause = iota // a name that the other side does not know
	Window                 // too late after the install, or too long after the click
	NotTaken               // refused, expired, or still waiting
	TimeZone               // their day is cut elsewhere
	Late                   // delivered on a later day, or older than the network takes
	Duplicate              // told more than once, or taken for one
	causes
)

var causeNames = [causes]string{"unmapped", "window", "refused", "time_zone", "late", "duplicate"}

// String is the name in tables.
func (c Cause) String() string { return causeNames[c] }

// Causes lists them in their order.
func Causes() []Cause { return []Cause{Unmapped, Window, NotTaken, TimeZone, Late, Duplicate} }

// amount is what can be split: a count, or money.
type amount[T any] interface {
	Add(T) T
	Sub(T) T
	Neg() T
	Cmp(T) int
	Sign() int
}

type count int64

func (c count) Add(d count) count { return c + d }
func (c count) Sub(d count) count { return c - d }
func (c count) Neg() count        { return -c }
func (c count) Sign() int         { return c.Cmp(0) }
func (c count) Cmp(d count) int {
	switch {
	case c < d:
		return -1
	case c > d:
		return 1
	}
	return 0
}

// span is what a cause may explain: from the sum of all that may be below zero to the
// sum of all that may be above.
type span[T amount[T]] struct{ least, most T }

func (s *span[T]) may(v T) {
	if v.Sign() < 0 {
		s.least = s.least.Add(v)
	} else {
		s.most = s.most.Add(v)
	}
}

// take moves from rest what the span can explain of it.
func (s *span[T]) take(rest *T) T {
	part := *rest
	if part.Cmp(s.most) > 0 {
		part = s.most
	}
	if part.Cmp(s.least) < 0 {
		part = s.least
	}
	*rest = (*rest).Sub(part)
	return part
}

// split is a difference and its causes: ours - theirs = the sum of the causes and rest.
type split[T amount[T]] struct {
	ours, delivered, theirs T
	causes                  [causes]T
	rest                    T
}

// borders are where a day begins and ends for us, in UTC, and for the network.
type borders struct{ from, to, theirFrom, theirTo int64 }

// custom is how a network keeps its books.
type custom struct {
	arrival bool // it counts a conversion on the day on which it hears of it
}

// line is one event and campaign on one day.
type line struct {
	event, campaign string // as they are shown
	counted         []Counted
	unsent          bool // nothing under this name is sent to the network
	nearest         string
	rows            int // of theirs
	priced          bool
	theirs, near    both // near: what the network has under names that are nearly this one
}

// both is a count with its money.
type both struct {
	n     count
	money decimal.Decimal
}

// bridge splits the difference of one line: it walks from our count to theirs, step by
// step, so that the steps add up whatever the data are.
func bridge[T amount[T]](l *line, theirs, near T, b borders, c custom, value func(*Counted) (all, told T)) split[T] {
	s := split[T]{theirs: theirs}
	var unsure, claims, late, copies span[T]
	var inTheirDay, heard T // of what was delivered: by its own time in their day, by arrival in it
	for i := range l.counted {
		one := &l.counted[i]
		all, told := value(one)
		at := one.At.UnixMilli()
		own, their := b.from <= at && at < b.to, b.theirFrom <= at && at < b.theirTo
		if own && one.Fate != FateClaimable {
			s.ours = s.ours.Add(all)
		}
		switch one.Fate {
		case FateUnsent:
			if own {
				s.causes[Unmapped] = s.causes[Unmapped].Add(all)
			}
		case FateOutside:
			if own {
				s.causes[Window] = s.causes[Window].Add(all)
			}
		case FateRefused:
			switch {
			case own && one.Unsure:
				unsure.may(all)
			case own:
				s.causes[NotTaken] = s.causes[NotTaken].Add(all)
			}
		case FateClaimable:
			if their {
				claims.may(all.Neg())
			}
		case FateDelivered:
			if own {
				s.delivered = s.delivered.Add(told)
				s.causes[Unmapped] = s.causes[Unmapped].Add(all.Sub(told))
			}
			arrived := one.DeliveredAt.UnixMilli()
			hears := b.theirFrom <= arrived && arrived < b.theirTo
			if their {
				inTheirDay = inTheirDay.Add(told)
				if arrived >= b.theirTo || one.Old {
					late.may(told)
				}
			}
			if hears {
				heard = heard.Add(told)
			}
			if their && !c.arrival || hears && c.arrival {
				for range one.Copies {
					copies.may(told.Neg())
				}
				if one.Twin {
					copies.may(told)
				}
			}
		}
	}
	s.causes[TimeZone] = s.delivered.Sub(inTheirDay)
	s.rest = s.ours.Sub(theirs)
	if c.arrival {
		s.causes[Late] = inTheirDay.Sub(heard)
		late = span[T]{}
	}
	for _, known := range s.causes {
		s.rest = s.rest.Sub(known)
	}
	explain := func(c Cause, by span[T]) { s.causes[c] = s.causes[c].Add(by.take(&s.rest)) }
	if l.unsent {
		var all span[T]
		all.may(s.rest)
		explain(Unmapped, all)
	}
	var other span[T]
	other.may(near)
	explain(Unmapped, other)
	explain(Window, claims)
	explain(NotTaken, unsure)
	explain(Late, late)
	explain(Duplicate, copies)
	return s
}

func counts(c *Counted) (all, told count) { return count(c.N), count(c.N) }

func revenues(c *Counted) (all, told decimal.Decimal) {
	if c.Untold {
		return c.Revenue, decimal.Decimal{}
	}
	return c.Revenue, c.Revenue
}
