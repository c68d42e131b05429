package scoreboard

import (
	"fmt"
	"slices"

	"skand/aggregate/model"
	"skand/fixtures/worlds"
)

// metrics of the worlds: payers, revenue.
const metrics = 2

// fullInput gives the model every count, as no publication would.
func fullInput(w *worlds.World, cells map[Key]*tally, what worth) (model.Input, []model.Target, []Key) {
	in := model.Input{Metrics: metrics, Values: what.values}
	keys := sortedKeys(cells)
	var targets []model.Target
	for i, k := range keys {
		c := cells[k]
		cell := model.Cell{Network: k.Place.Network, Campaign: k.Place.Source, Window: k.Week, Fine: make([]float64, len(what.values)), Coarse: c.coarse, Null: c.null}
		for v, n := range c.fine {
			cell.Fine[v] = n
		}
		in.Cells = append(in.Cells, cell)
		seen := what.of(c)
		targets = append(targets, model.Target{Cell: i, Seen: []float64{seen.Payers, seen.Revenue}, Coarse: c.coarse, Null: c.null})
	}
	in.Consented = evidence(w)
	return in, targets, keys
}

// evidence is the consented cohort by campaign, over all weeks.
func evidence(w *worlds.World) []model.Evidence {
	sums := map[Key]worlds.Truth{}
	for _, x := range w.Weeks {
		for p, t := range x.Truth {
			s := sums[Key{Place: p.Campaign()}]
			s.Consented += t.Consented
			s.ConsentedPay += t.ConsentedPay
			sums[Key{Place: p.Campaign()}] = s
		}
	}
	var out []model.Evidence
	for _, k := range sortedKeys(sums) {
		if s := sums[k]; s.Consented > 0 {
			out = append(out, model.Evidence{
				Network: k.Place.Network, Campaign: k.Place.Source, Installs: float64(s.Consented), Payers: float64(s.ConsentedPay),
			})
		}
	}
	return out
}

// modelled is our model's judgement of a world.
type modelled struct {
	estimates Estimates
	cell      Covered
	campaign  Covered
	network   Covered
}

// Covered counts intervals that hold the truth.
type Covered struct {
	Intervals        int
	Payers, Revenue  int
	WidthPay, WidthR float64 // sums of widths
}

func (c *Covered) add(o Covered) {
	c.Intervals += o.Intervals
	c.Payers += o.Payers
	c.Revenue += o.Revenue
	c.WidthPay += o.WidthPay
	c.WidthR += o.WidthR
}

func ours(in model.Input, targets []model.Target, groups []model.Group, keys []Key, truth Estimates, s model.Settings, seed uint64) (modelled, error) {
	m, err := model.Fit(in, s)
	if err != nil {
		return modelled{}, fmt.Errorf("fit a world: %w", err)
	}
	p := m.Predict(targets, groups, seed)
	out := modelled{estimates: Estimates{}}
	campaigns, networks := map[string][]int{}, map[string][]int{}
	for i, k := range keys {
		out.estimates[k] = Amounts{p.Of(i, 0).Estimate, p.Of(i, 1).Estimate}
		out.cell.judge(p, []int{i}, keys, truth)
		campaign := k.Place.Network + "/" + k.Place.Source
		campaigns[campaign] = append(campaigns[campaign], i)
		networks[k.Place.Network] = append(networks[k.Place.Network], i)
	}
	for _, members := range sorted(campaigns) {
		out.campaign.judge(p, members, keys, truth)
	}
	for _, members := range sorted(networks) {
		out.network.judge(p, members, keys, truth)
	}
	return out, nil
}

func (c *Covered) judge(p *model.Prediction, members []int, keys []Key, truth Estimates) {
	var t Amounts
	for _, i := range members {
		t.Payers += truth[keys[i]].Payers
		t.Revenue += truth[keys[i]].Revenue
	}
	holds := func(i model.Interval, v float64) int {
		const rounding = 1e-6
		if v >= i.Low-rounding && v <= i.High+rounding {
			return 1
		}
		return 0
	}
	pay, rev := p.Sum(members, 0), p.Sum(members, 1)
	c.add(Covered{1, holds(pay, t.Payers), holds(rev, t.Revenue), pay.High - pay.Low, rev.High - rev.Low})
}

func sorted(groups map[string][]int) [][]int {
	names := make([]string, 0, len(groups))
	for n := range groups {
		names = append(names, n)
	}
	slices.Sort(names)
	out := make([][]int, len(names))
	for i, n := range names {
		out[i] = groups[n]
	}
	return out
}
