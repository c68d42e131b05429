package reconcile

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

var monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// request is what a network hears: once for each time that we send.
type request struct {
	id, install, event, campaign string
	at, heard                    time.Time
	revenue                      decimal.Decimal
}

// world is what happened, and a network that keeps its own books: it knows nothing of
// how we explain them.
type world struct {
	rng    *rand.Rand
	facts  []fact
	heard  []request
	others map[string][]Row // by day: what the network counts of its own accord
}

type fact struct {
	c       Counted
	install string
	id      string
}

func newWorld(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 7)), others: map[string][]Row{}}
}

// happens adds a conversion, and its requests where it was delivered.
func (w *world) happens(c Counted, install string) {
	c.N = 1
	id := fmt.Sprintf("c%d", len(w.facts))
	w.facts = append(w.facts, fact{c, install, id})
	if c.Fate != FateDelivered {
		return
	}
	for range c.Copies + 1 {
		money := c.Revenue
		if c.Untold {
			money = decimal.Decimal{}
		}
		w.heard = append(w.heard, request{id, install, c.Event, c.CampaignID, c.At, c.DeliveredAt, money})
	}
}

// days is what we hand to Compare: for each day what Reach holds, and what was
// delivered within it and happened before.
func (w *world) days(names []Name, reports map[string]Upload, n int) []Day {
	var out []Day
	for i := range n {
		date := monday.AddDate(0, 0, i)
		u := reports[date.Format(time.DateOnly)]
		u.Day, u.Currency = date.Format(time.DateOnly), "USD"
		from, to, err := u.Reach()
		if err != nil {
			panic(err)
		}
		var t Tally
		for _, f := range w.facts {
			within := !f.c.At.Before(from) && f.c.At.Before(to)
			arrives := f.c.Fate == FateDelivered && f.c.At.Before(from) && !f.c.DeliveredAt.Before(from) && f.c.DeliveredAt.Before(to)
			if within || arrives {
				t.Add(f.c)
			}
		}
		out = append(out, Day{Upload: u, Names: names, Counted: t.Counted()})
	}
	return out
}

// clerk is how a network counts.
type clerk struct {
	zone      *time.Location
	arrival   bool
	forgetful bool // it closes its books at the end of the day: what comes later is lost
	repeats   bool // it counts a request that it has seen again
	twins     bool // it takes what one install does in one second for one
	rename    map[string]string
	campaigns bool
}

// reports are the clerk's books of n days.
func (w *world) reports(k clerk, n int) map[string]Upload {
	type key struct{ day, event, campaign string }
	type sum struct {
		n int64
		r decimal.Decimal
	}
	sums, seen := map[key]sum{}, map[string]bool{}
	for _, r := range w.heard {
		if !k.repeats {
			if seen[r.id] {
				continue
			}
			seen[r.id] = true
		}
		if k.twins {
			if twin := fmt.Sprint(r.install, r.event, r.at.Unix()); seen[twin] {
				continue
			} else {
				seen[twin] = true
			}
		}
		day := r.at.In(k.zone).Format(time.DateOnly)
		if k.forgetful && r.heard.In(k.zone).Format(time.DateOnly) != day {
			continue
		}
		if k.arrival {
			day = r.heard.In(k.zone).Format(time.DateOnly)
		}
		event := r.event
		if other, ok := k.rename[event]; ok {
			event = other
		}
		at := key{day: day, event: event}
		if k.campaigns {
			at.campaign = r.campaign
		}
		sums[at] = sum{sums[at].n + 1, sums[at].r.Add(r.revenue)}
	}
	out := map[string]Upload{}
	for i := range n {
		day := monday.AddDate(0, 0, i).Format(time.DateOnly)
		u := Upload{Day: day, Currency: "USD", Rows: append([]Row{}, w.others[day]...)}
		for at, s := range sums {
			if at.day == day {
				u.Rows = append(u.Rows, Row{at.event, at.campaign, s.n, &s.r})
			}
		}
		u.merge()
		out[day] = u
	}
	return out
}

var (
	eventNames = []string{"install", "Purchase", "AddToCart", "Level_10"}
	campaigns  = []string{"c1", "c2", ""}
)

// someone is a conversion of a random time in the n days and half a day around them,
// delivered a moment later.
func (w *world) someone(n int) Counted {
	span := int64(n+1) * 24 * 3600
	at := monday.Add(-12*time.Hour + time.Duration(w.rng.Int64N(span))*time.Second)
	c := Counted{
		Event: eventNames[w.rng.IntN(len(eventNames))], CampaignID: campaigns[w.rng.IntN(len(campaigns))],
		At: at, DeliveredAt: at, Fate: FateDelivered,
	}
	if c.Event == "Purchase" {
		c.Revenue = decimal.New(w.rng.Int64N(20_000), -2)
	}
	return c
}

func (w *world) quiet(n int) {
	for i := range 400 {
		w.happens(w.someone(n), fmt.Sprintf("i%d", i))
	}
}

// conserved: the causes and what is unexplained add up to the difference, of counts
// and of money.
func conserved(t *testing.T, lines []Line) {
	t.Helper()
	for _, l := range lines {
		sum := l.Counts.Unexplained
		for _, n := range l.Counts.Causes {
			sum += n
		}
		require.Equal(t, l.Counts.Difference, sum, "%+v", l)
		require.Equal(t, l.Counts.Ours-l.Counts.Theirs, l.Counts.Difference)
		require.LessOrEqual(t, l.Delivered, l.Eligible)
		require.LessOrEqual(t, l.Eligible, l.Counts.Ours)
		if m := l.Revenue; m != nil {
			sum := m.Unexplained
			for _, v := range m.Causes {
				sum = sum.Add(v)
			}
			require.True(t, m.Difference.Equal(sum), "%+v", l)
			require.True(t, m.Difference.Equal(m.Ours.Sub(m.Theirs)))
		}
	}
}
