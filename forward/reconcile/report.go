package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Part is a difference with its causes: Difference is Ours - Theirs, and the sum of
// Causes and Unexplained.
type Part[T any] struct {
	Ours, Theirs, Difference T
	Causes                   [causes]T
	Unexplained              T
}

// Line is one event and campaign on one day, or a group of such lines; what a group
// does not tell apart is "".
type Line struct {
	NetworkID  string
	Day        string
	Event      string // the network's name; ours where it is not sent
	CampaignID string // "": the network's rows do not tell campaigns apart
	Eligible   int64  // of ours: a destination takes it, within the windows
	Delivered  int64  // of ours
	Counts     Part[int64]
	Currency   string
	Revenue    *Part[decimal.Decimal] // nil: the network says nothing of it, or it can't be compared
	Unpriced   string                 // why it can't
	Unsent     bool                   // nothing is sent to the network under this name
	Nearest    string                 // the name that is sent which the network's is nearly
	Kept       map[string]int64       // of ours that were not delivered, by what kept them back
}

// Report is what a network's uploads come to.
type Report struct {
	NetworkID string
	Days      []string // that the network reported
	Missing   []string // of the span asked for, that it did not
	TimeZone  string   // in which its days are cut: what was said, or what fits best
	ZoneGiven bool     // it was said with every upload
	Arrival   bool     // it counts on the day on which it hears of a conversion
	Says      []string // what was found out about how it counts
	Lines     []Line
}

// Compare splits the differences of one network's days. All days are compared under
// the same customs of the network, those that leave the least unexplained: the zone of
// its days, where nobody said it, and whether it counts when something happened or
// when it heard of it. What is simpler (UTC, when it happened) stands unless another
// custom explains at least half of what it leaves, and more than one conversion: some
// zone fits by accident.
func Compare(networkID string, days []Day) (Report, error) {
	r := Report{NetworkID: networkID, ZoneGiven: len(days) > 0, TimeZone: "UTC"}
	var all []books
	for i := range days {
		b := books{day: &days[i], lines: days[i].lines()}
		date, err := ParseDay(days[i].Upload.Day, "day")
		if err != nil {
			return r, err
		}
		b.date = date
		if b.zone, err = days[i].zone(); err != nil {
			return r, err
		}
		r.ZoneGiven = r.ZoneGiven && b.zone != nil
		r.Days = append(r.Days, days[i].Upload.Day)
		all = append(all, b)
	}
	zone, arrival := fit(all, r.ZoneGiven)
	r.Arrival = arrival
	r.say(all, zone)
	for i := range all {
		r.Lines = append(r.Lines, all[i].report(networkID, zone, custom{arrival})...)
	}
	return r, nil
}

// zone is what the upload says; nil: nothing.
func (d *Day) zone() (*time.Location, error) {
	if d.Upload.TimeZone == "" {
		return nil, nil
	}
	return ParseZone(d.Upload.TimeZone)
}

// books are a day as it is compared.
type books struct {
	day   *Day
	date  time.Time
	zone  *time.Location // that was said; nil: it is looked for
	lines []*line
}

func (b *books) borders(zone *time.Location) borders {
	if b.zone != nil {
		zone = b.zone
	}
	from, to := dayIn(b.date, time.UTC)
	theirFrom, theirTo := dayIn(b.date, zone)
	return borders{from, to, theirFrom, theirTo}
}

// left is how much of all differences stays unexplained, either way.
func left(all []books, zone *time.Location, c custom) (sum int64) {
	for i := range all {
		at := all[i].borders(zone)
		for _, l := range all[i].lines {
			s := bridge(l, l.theirs.n, l.near.n, at, c, counts)
			sum += int64(max(s.rest, -s.rest))
		}
	}
	return sum
}

// fit finds the customs of a network.
func fit(all []books, given bool) (*time.Location, bool) {
	zone, arrival := time.UTC, false
	plain := left(all, zone, custom{})
	zones := plausible()
	if given {
		zones = zones[:1]
	}
	best := plain
	for _, z := range zones {
		for _, by := range []bool{false, true} {
			if best == 0 {
				break
			}
			if n := left(all, z, custom{by}); n < best && 2*n <= plain && plain-n > 1 {
				best, zone, arrival = n, z, by
			}
		}
	}
	return zone, arrival
}

func (r *Report) say(all []books, zone *time.Location) {
	var said []string
	for i := range all {
		if all[i].zone != nil && !slices.Contains(said, all[i].day.Upload.TimeZone) {
			said = append(said, all[i].day.Upload.TimeZone)
		}
	}
	switch {
	case r.ZoneGiven:
		r.TimeZone = strings.Join(said, ", ")
	case zone != time.UTC:
		r.TimeZone = zone.String()
		r.Says = append(r.Says, fmt.Sprintf("no time zone was given; its days would fit %s best", zone))
	case len(all) > 0:
		r.Says = append(r.Says, "no time zone was given; its days are taken for UTC")
	}
	if r.Arrival {
		r.Says = append(r.Says, "it seems to count on the day on which it hears of a conversion, not on the day of the conversion")
	}
}

func (b *books) report(networkID string, zone *time.Location, c custom) (out []Line) {
	at := b.borders(zone)
	for _, l := range b.lines {
		s := bridge(l, l.theirs.n, l.near.n, at, c, counts)
		one := Line{
			NetworkID: networkID, Day: b.day.Upload.Day, Event: l.event, CampaignID: l.campaign, Delivered: int64(s.delivered),
			Unsent: l.unsent, Nearest: l.nearest, Kept: map[string]int64{}, Currency: b.day.Upload.Currency,
		}
		one.Counts = Part[int64]{Ours: int64(s.ours), Theirs: int64(s.theirs), Difference: int64(s.ours - s.theirs), Unexplained: int64(s.rest)}
		for i, n := range s.causes {
			one.Counts.Causes[i] = int64(n)
		}
		if one.Counts == (Part[int64]{}) && l.rows == 0 {
			continue // all of it is of the days beside this one
		}
		one.tell(l, at)
		if one.Unpriced == "" && l.priced {
			m := bridge(l, l.theirs.money, l.near.money, at, c, revenues)
			one.Revenue = &Part[decimal.Decimal]{Ours: m.ours, Theirs: m.theirs, Difference: m.ours.Sub(m.theirs), Causes: m.causes, Unexplained: m.rest}
		}
		out = append(out, one)
	}
	return out
}

// tell adds what does not depend on the network's customs.
func (o *Line) tell(l *line, at borders) {
	for i := range l.counted {
		c := &l.counted[i]
		if l.priced && c.Unpriced != "" && o.Unpriced == "" {
			o.Unpriced = c.Unpriced
		}
		when := c.At.UnixMilli()
		if when < at.from || when >= at.to || c.Fate == FateClaimable {
			continue
		}
		if c.Fate == FateDelivered || c.Fate == FateRefused {
			o.Eligible += c.N
		}
		if c.Fate != FateDelivered && c.Why != "" {
			o.Kept[c.Why] += c.N
		}
	}
}
