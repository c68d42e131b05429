package scoreboard

import (
	"skand/aggregate"
	"skand/fixtures/worlds"
)

// tally is what was counted of one campaign and week, or of more of them.
type tally struct {
	fine   map[int]float64 // by value
	coarse [3]float64
	null   float64
}

func (t *tally) known() float64 {
	n := t.coarse[0] + t.coarse[1] + t.coarse[2]
	for _, k := range t.fine {
		n += k
	}
	return n
}

func (t *tally) add(g aggregate.Counted) {
	n := float64(g.N)
	switch g.Kind {
	case aggregate.ValueNull:
		t.null += n
	case aggregate.ValueCoarse:
		t.coarse[levelOf[g.Coarse]] += n
	case aggregate.ValueFine:
		if t.fine == nil {
			t.fine = map[int]float64{}
		}
		t.fine[g.Fine] += n
	}
}

var levelOf = map[string]int{aggregate.CoarseLow: 0, aggregate.CoarseMedium: 1, aggregate.CoarseHigh: 2}

// talliesOf counts a world by campaign and week.
func talliesOf(w *worlds.World) map[Key]*tally {
	out := map[Key]*tally{}
	for week, x := range w.Weeks {
		for p := range x.Truth {
			out[Key{p.Campaign(), week}] = &tally{}
		}
		for _, g := range x.Groups {
			out[Key{worlds.Place{Network: g.NetworkID, Source: g.Source}.Campaign(), week}].add(g)
		}
	}
	return out
}
