package scoreboard

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"skand/fixtures/worlds"
)

// Key is a campaign in a week: what methods estimate, and what they are judged by.
type Key struct {
	Place worlds.Place // two digits
	Week  int
}

// Amounts are payers and revenue.
type Amounts struct{ Payers, Revenue float64 }

// Estimates of one method.
type Estimates map[Key]Amounts

// Score is how far estimates are off, in percent of the truth.
type Score struct {
	Error Amounts // sum of absolute errors of campaign-weeks over the sum of truths
	Bias  Amounts // of the total, with its sign
}

// truthOf is the truth, and the floor, by campaign and week.
func truthOf(w *worlds.World) (truth, floor Estimates) {
	truth, floor = Estimates{}, Estimates{}
	for week, x := range w.Weeks {
		for p, t := range x.Truth {
			k := Key{p.Campaign(), week}
			a, b := truth[k], floor[k]
			truth[k] = Amounts{a.Payers + t.Payers, a.Revenue + t.Revenue}
			floor[k] = Amounts{b.Payers + t.FloorPayers, b.Revenue + t.FloorRev}
		}
	}
	return truth, floor
}

// judge compares; what a method does not name it takes to be nothing.
func judge(truth, of Estimates) Score {
	var off, total, sum Amounts
	for _, k := range sortedKeys(truth) {
		t, e := truth[k], of[k]
		off.Payers += math.Abs(e.Payers - t.Payers)
		off.Revenue += math.Abs(e.Revenue - t.Revenue)
		total.Payers += t.Payers
		total.Revenue += t.Revenue
		sum.Payers += e.Payers
		sum.Revenue += e.Revenue
	}
	return Score{
		Error: Amounts{100 * off.Payers / total.Payers, 100 * off.Revenue / total.Revenue},
		Bias:  Amounts{100 * (sum.Payers/total.Payers - 1), 100 * (sum.Revenue/total.Revenue - 1)},
	}
}

func sortedKeys[V any](m map[Key]V) []Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Place.Network, b.Place.Network), cmp.Compare(a.Place.Source, b.Place.Source), a.Week-b.Week)
	})
}
