package conversion_test

import (
	"math/rand/v2"
	"slices"

	"skand/conversion"
	"skand/schema"
)

// chance draws what Apple, the phones and the relays leave open. At an edge it draws
// the worst there is, but for a moment: there a bound that is an hour off shows.
type chance struct {
	*rand.Rand
	edge edge
}

type edge int

const (
	anywhere edge = iota
	latest
	earliest
)

const moment = 0.05 // hours

func (c chance) within(from, to float64) float64 {
	near := min(moment, to-from) * c.Float64()
	switch c.edge {
	case latest:
		return to - near
	case earliest:
		return from + near
	default:
		return from + (to-from)*c.Float64()
	}
}

// often is mostly true, and always at an edge.
func (c chance) often() bool { return c.edge != anywhere || c.IntN(3) > 0 }

// phone is one installation. Hours count from noon.
type phone struct {
	starts  float64   // the first launch, or the opening that re-engages
	opens   []float64 // when the app was in front
	fetches []float64 // the opens at which it asked for the mapping
	lag     float64   // how old the answers are: caches lie between
}

// windows are Apple's, in hours after the start.
var windows = [3][2]float64{{0, 48}, {48, 168}, {168, 840}}

// randomPhone asks for the mapping whenever what it holds is older than its
// patience. What it goes by is never older than a day, caches on the way included. One
// that is re-engaged has had the app for up to 60 days. At an edge it is opened as
// window index opens, and maybe never again.
func randomPhone(c chance, starts float64, index int, reengaged bool) phone {
	p := phone{starts: starts, lag: c.within(0, 24)}
	patience := c.within(0, 24-p.lag)
	first := starts
	if reengaged {
		first -= 60 * 24 * c.Float64()
	}
	pause := 1 + 60*c.Float64()
	for at := first; at < starts+900; at += 0.1 + pause*c.Float64() {
		p.opens = append(p.opens, at)
	}
	p.opens = append(p.opens, starts)
	if c.edge != anywhere {
		begins := starts + windows[index][0]
		p.opens = append(p.opens, begins)
		if c.IntN(2) == 0 {
			p.opens = slices.DeleteFunc(p.opens, func(at float64) bool { return at > begins })
		}
	}
	slices.Sort(p.opens)
	for _, at := range p.opens {
		if n := len(p.fetches); n == 0 || at-p.fetches[n-1] > patience {
			p.fetches = append(p.fetches, at)
		}
	}
	return p
}

// holds is the index of the version on the phone at a time, or -1.
func (p phone) holds(versions []conversion.SchemaVersion, at float64) int {
	n, known := slices.BinarySearch(p.fetches, at)
	if !known {
		n--
	}
	if n < 0 {
		return -1
	}
	held := -1
	for i, v := range versions {
		if !v.EffectiveFrom.After(hoursOn(p.fetches[n] - p.lag)) {
			held = i
		}
	}
	return held
}

// report is the last value that a phone set in a window.
type report struct {
	used  int     // index of the version that the phone went by, -1: it set none
	value int     // SKAdNetwork 1-3
	sent  float64 // when Apple sends it the first time
}

// timer plays SKAdNetwork 1-3: a value only rises, and Apple waits for a day without
// a rise, and up to another one.
func (p phone) timer(c chance, versions []conversion.SchemaVersion) report {
	last, value := p.starts, c.IntN(3)
	for _, at := range p.opens {
		if at <= last {
			continue
		}
		if at-last > 24 || value >= 60 || c.IntN(4) == 0 {
			break // the timer ran out, or there was nothing more to report
		}
		last, value = at, value+1+c.IntN(3)
	}
	return report{p.holds(versions, last), value, last + 24 + c.within(0, 24)}
}

// window plays a window of SKAdNetwork 4 and AdAttributionKit. A time lock closes it on
// the hour, or as soon as the phone knows of it; the others as a value is set.
func (p phone) window(c chance, versions []conversion.SchemaVersion, index int, reengaged bool) report {
	opens, closes := p.starts+windows[index][0], p.starts+windows[index][1]
	hours := slices.Clone(p.fetches)
	for _, v := range versions {
		if l := lockOf(v, index, reengaged); l != nil && l.On == schema.LockTime {
			hours = append(hours, opens+float64(l.Number))
		}
	}
	for _, at := range hours {
		if at < opens || at >= closes {
			continue
		}
		if held := p.holds(versions, at); held >= 0 {
			l := lockOf(versions[held], index, reengaged)
			if l != nil && l.On == schema.LockTime && at >= opens+float64(l.Number) {
				closes = at
			}
		}
	}
	used := -1
	for _, at := range p.opens {
		if at < opens || at > closes || !c.often() {
			continue
		}
		used = p.holds(versions, at)
		if used < 0 {
			continue
		}
		l := lockOf(versions[used], index, reengaged)
		if l != nil && l.On != schema.LockTime && c.IntN(3) == 0 { // it was this event, or value
			closes = at
			break
		}
	}
	if index == 0 {
		return report{used: used, sent: closes + c.within(24, 48)}
	}
	return report{used: used, sent: closes + c.within(24, 144)}
}

func lockOf(v conversion.SchemaVersion, index int, reengaged bool) *schema.Lock {
	tables := v.Document.Windows
	if reengaged && len(v.Document.ReengagementWindows) > 0 {
		tables = v.Document.ReengagementWindows
	}
	for _, w := range tables {
		if w.Index == index {
			return w.Lock
		}
	}
	return nil
}

// randomVersions are published in any order of haste, without locks, all with locks
// by time, or with locks of all kinds; some have tables of their own for
// re-engagements.
func randomVersions(r *rand.Rand) []conversion.SchemaVersion {
	var versions []conversion.SchemaVersion
	from := -2000 * r.Float64()
	kinds := [][]string{{""}, {schema.LockTime}, {"", schema.LockTime, schema.LockEvent, schema.LockFine, schema.LockCoarse}}[r.IntN(3)]
	reengage := r.IntN(3)
	for n := range 1 + r.IntN(5) {
		v := version(n+1, from)
		v.Document.Windows = randomLocks(r, v.Document.Windows, kinds)
		if reengage == 0 || reengage == 1 && r.IntN(2) == 0 {
			v.Document.ReengagementWindows = randomLocks(r, v.Document.Windows, kinds)
		}
		versions = append(versions, v)
		from += []float64{0.01, 10, 50, 300, 1500}[r.IntN(5)] * (0.1 + r.Float64())
	}
	return versions
}

func randomLocks(r *rand.Rand, tables []schema.Window, kinds []string) []schema.Window {
	tables = slices.Clone(tables)
	for i := range tables {
		tables[i].Lock = nil
		switch kind := kinds[r.IntN(len(kinds))]; kind {
		case "":
		case schema.LockTime:
			tables[i].Lock = &schema.Lock{On: kind, Number: 1 + r.IntN([]int{47, 119, 300}[i])}
		default:
			tables[i].Lock = &schema.Lock{On: kind}
		}
	}
	return tables
}
