package scoreboard

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"skand/fixtures/worlds"
)

// Widths are sums of the widths of intervals, by level.
type Widths struct{ Cell, Campaign, Network Amounts }

func (w *Widths) add(o Widths) {
	w.Cell = w.Cell.plus(o.Cell)
	w.Campaign = w.Campaign.plus(o.Campaign)
	w.Network = w.Network.plus(o.Network)
}

func (a Amounts) plus(b Amounts) Amounts { return Amounts{a.Payers + b.Payers, a.Revenue + b.Revenue} }

// variancesOf is what is left to chance, by campaign and week, for who knows the true
// parameters.
func variancesOf(w *worlds.World) Estimates {
	out := Estimates{}
	for week, x := range w.Weeks {
		for p, t := range x.Truth {
			k := Key{p.Campaign(), week}
			out[k] = out[k].plus(Amounts{t.FloorVarPayers, t.FloorVarRev})
		}
	}
	return out
}

// widthsOf are the widths of the intervals of who knows the true parameters. Installs
// are independent then: variances add, and sums are taken for normal.
func widthsOf(variances Estimates, coverage float64) (out Widths) {
	twice := 2 * distuv.UnitNormal.Quantile((1+coverage)/2)
	sum := func(of func(Key) Key) (width Amounts) {
		groups := Estimates{}
		for _, k := range sortedKeys(variances) {
			groups[of(k)] = groups[of(k)].plus(variances[k])
		}
		for _, k := range sortedKeys(groups) {
			width.Payers += twice * math.Sqrt(groups[k].Payers)
			width.Revenue += twice * math.Sqrt(groups[k].Revenue)
		}
		return width
	}
	out.Cell = sum(func(k Key) Key { return k })
	out.Campaign = sum(func(k Key) Key { return Key{Place: k.Place} })
	out.Network = sum(func(k Key) Key { return Key{Place: worlds.Place{Network: k.Place.Network}} })
	return out
}
