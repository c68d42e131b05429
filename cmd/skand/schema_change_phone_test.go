package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/fixtures/apple"
	"skand/schema"
)

// changing is an app whose schema changes while phones report.
type changing struct {
	documents []*schema.Document
	from      []time.Time // when each version takes effect; the first binds all before
}

// changingPhone is one conversion on one phone, which goes by each version from a
// time of its own on, within a day of its taking effect.
type changingPhone struct {
	*changing
	starts  time.Time // first launch, or the opening that re-engages
	adopted []time.Time
	events  []schema.Event // by time, the start first; those without a name are mere openings
}

var changingWindows = [...][2]time.Duration{{0, 48 * time.Hour}, {48 * time.Hour, 168 * time.Hour}, {168 * time.Hour, 840 * time.Hour}}

func hours(r *rand.Rand, from, to float64) time.Duration {
	return time.Duration((from + (to-from)*r.Float64()) * float64(time.Hour))
}

// phone draws a life: a registration, a tutorial, some purchases, and openings that
// are further apart the longer the app is there.
func (c *changing) phone(r *rand.Rand, starts time.Time) changingPhone {
	p := changingPhone{changing: c, starts: starts}
	for i, from := range c.from {
		if i > 0 {
			from = from.Add(hours(r, 0, 24))
		}
		p.adopted = append(p.adopted, from)
	}
	p.events = []schema.Event{{Name: schema.FirstLaunch, Time: starts}}
	pause, spends := 3+30*r.Float64(), r.IntN(3)
	for at := starts; at.Before(starts.Add(840 * time.Hour)); at = at.Add(hours(r, 0.1, pause)) {
		e := schema.Event{Name: "opening", Time: at.Add(time.Minute)}
		switch n := r.IntN(8); {
		case n == 0:
			e.Name = "registration"
		case n == 1:
			e.Name = "tutorial"
		case n < 2+spends:
			e.Name, e.Revenue = "purchase", decimal.New([]int64{99, 299, 499, 999, 2999}[r.IntN(5)], -2)
		}
		p.events = append(p.events, e)
		if r.IntN(60) == 0 {
			break // never opened again
		}
	}
	return p
}

// holds is the index of the version on the phone.
func (p changingPhone) holds(at time.Time) int {
	held := 0
	for i := range p.adopted {
		if !p.adopted[i].After(at) {
			held = i
		}
	}
	return held
}

// until are the events that have happened at a time.
func (p changingPhone) until(at time.Time) []schema.Event {
	n, _ := slices.BinarySearchFunc(p.events, at, func(e schema.Event, at time.Time) int {
		if e.Time.After(at) {
			return 1
		}
		return -1
	})
	return p.events[:n]
}

// reported is what a phone has set when a window ends.
type reported struct {
	used   int // index of the version of the last value; -1: none was set
	fine   *int
	coarse string
	ends   time.Time // of the window, its lock or the timer
}

// window plays one window of SKAdNetwork 4 and AdAttributionKit: at every opening the
// app sets what the schema on the phone says about all that has happened.
func (p changingPhone) window(index int) (reported, error) {
	opens, ends := p.starts.Add(changingWindows[index][0]), p.starts.Add(changingWindows[index][1])
	locked := p.locked(index, opens, ends)
	w := reported{used: -1, ends: locked}
	for _, e := range p.events {
		if e.Time.Before(opens) || !e.Time.Before(locked) {
			continue
		}
		held := p.holds(e.Time)
		x, err := p.documents[held].Encode(index, p.until(e.Time))
		if err != nil {
			return w, err
		}
		if x.Fine == nil && x.Coarse == "" {
			continue
		}
		w.used, w.fine, w.coarse = held, x.Fine, x.Coarse
		if x.Lock {
			w.ends = e.Time
			break
		}
	}
	return w, nil
}

// locked is when a lock by time ends a window: on the hour, or as the phone learns of it.
func (p changingPhone) locked(index int, opens, ends time.Time) time.Time {
	moments := slices.Clone(p.adopted)
	for _, d := range p.documents {
		if l := d.Windows[index].Lock; l != nil && l.On == schema.LockTime {
			moments = append(moments, opens.Add(time.Duration(l.Number)*time.Hour))
		}
	}
	for _, at := range moments {
		l := p.documents[p.holds(at)].Windows[index].Lock
		if l == nil || l.On != schema.LockTime || at.Before(opens.Add(time.Duration(l.Number)*time.Hour)) {
			continue
		}
		if !at.Before(opens) && at.Before(ends) {
			ends = at
		}
	}
	return ends
}

// timer plays SKAdNetwork 1 to 3: a value only rises, and every rise starts the timer
// of 24 hours again.
func (p changingPhone) timer() (reported, error) {
	w := reported{used: -1, ends: p.starts.Add(24 * time.Hour)}
	for _, e := range p.events {
		if !e.Time.Before(w.ends) {
			break
		}
		held := p.holds(e.Time)
		x, err := p.documents[held].Encode(0, p.until(e.Time))
		if err != nil {
			return w, err
		}
		if x.Fine != nil && (w.fine == nil || *x.Fine > *w.fine) {
			w.used, w.fine, w.ends = held, x.Fine, e.Time.Add(24*time.Hour)
		}
	}
	return w, nil
}

// withhold leaves of a postback what Apple's crowd anonymity tier lets through, and
// reports false where nothing is sent.
func withhold(p *apple.Postback, tier int) bool {
	switch {
	case p.Version != apple.V40 && p.Version != apple.AAK:
		p.Coarse = ""
		if tier < 2 {
			p.Fine = nil
		}
	case p.Index == 0 && tier >= 2:
		p.Coarse = ""
	default:
		p.Fine, p.Source = nil, p.Source[2:]
		if tier == 0 {
			p.Coarse = ""
		}
	}
	return p.Index == 0 || tier > 0
}
