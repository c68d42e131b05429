package web

import (
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// launch is when every shared life begins: nobody's own day is told.
var launch = time.Unix(0, 0).UTC()

// mean is what the members of a crowd did of one event in one window.
type mean struct {
	doers       int
	count       int
	revenue     decimal.Decimal
	first, last time.Duration
}

// common is the one life of a crowd: it did what more than half of the members
// did, as often and as early as they did on the mean, and in a window in which more
// than half paid it paid the mean of all, so that crowds add up to what was spent.
func common(run []*life, names []string, digits int32) schema.Install {
	means := map[int]mean{}
	var paid [3]decimal.Decimal
	var payers [3]int
	for _, l := range run {
		for w := range paid {
			paid[w] = paid[w].Add(l.paid[w])
			if l.paid[w].IsPositive() {
				payers[w]++
			}
		}
		for at, c := range l.cells {
			m := means[at]
			means[at] = mean{m.doers + 1, m.count + c.count, m.revenue.Add(c.revenue), m.first + c.first, m.last + c.last}
		}
	}
	n := decimal.NewFromInt(int64(len(run)))
	out := schema.Install{Events: []schema.Event{{Name: schema.FirstLaunch, Time: launch}}}
	for w := range crowdWindows {
		var did []int
		main := -1 // the event that most of them paid with
		for _, at := range slices.Sorted(maps.Keys(means)) {
			m := means[at]
			if at/crowdNames != w {
				continue
			}
			if 2*m.doers > len(run) {
				did = append(did, at)
			}
			if m.revenue.IsPositive() && (main < 0 || m.doers > means[main].doers) {
				main = at
			}
		}
		pays := main >= 0 && 2*payers[w] > len(run)
		if pays && !slices.Contains(did, main) {
			did = append(did, main)
		}
		rest := paid[w].DivRound(n, digits)
		amounts := map[int]decimal.Decimal{}
		for _, at := range did {
			if pays && at != main {
				amounts[at] = decimal.Min(means[at].revenue.DivRound(n, digits), rest)
				rest = rest.Sub(amounts[at])
			}
		}
		if pays {
			amounts[main] = rest
		}
		for _, at := range did {
			out.Events = append(out.Events, means[at].events(names[at%crowdNames], amounts[at], digits)...)
		}
	}
	return out
}

// events writes a mean as events: spread evenly from the first to the last, at full hours.
func (m mean) events(name string, revenue decimal.Decimal, digits int32) []schema.Event {
	doers := time.Duration(m.doers)
	first, last := (m.first / doers).Truncate(time.Hour), (m.last / doers).Truncate(time.Hour)
	count := max((2*m.count+m.doers)/(2*m.doers), 1)
	part := revenue.Div(decimal.NewFromInt(int64(count))).RoundDown(digits)
	out := make([]schema.Event, count)
	for i := range out {
		out[i] = schema.Event{Name: name, Time: launch.Add(first), Revenue: part}
		if i > 0 {
			out[i].Time = launch.Add(first + (last-first)*time.Duration(i)/time.Duration(count-1))
		}
	}
	out[0].Revenue = revenue.Sub(part.Mul(decimal.NewFromInt(int64(count - 1))))
	return out
}
