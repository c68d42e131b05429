package scoreboard

import (
	"context"
	"errors"
	"fmt"
	"math"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
)

// OnFull is our model on every count, judged over the published rows: beside Ours on
// the rows themselves it is the price of privacy.
const OnFull = "model, full counts"

// PriceMethods lists those that are judged on published rows, as they are printed.
func PriceMethods() []string { return []string{Naive, Proportional, Fallback, Ours, OnFull, Floor} }

// Told is what a publication tells of payers, in percent of the true ones.
type Told struct {
	Named  float64 // in rows that name their campaign
	Exact  float64 // of those seen: in rows whose payers stand
	Shared float64 // of those seen: in rows of which a remainder tells the sum
}

func (t *Told) toward(o Told, share float64) {
	t.Named += share * (o.Named - t.Named)
	t.Exact += share * (o.Exact - t.Exact)
	t.Shared += share * (o.Shared - t.Shared)
}

// Price judges methods that read published rows alone, cut as cut says, by campaign and
// week, over the rows that name their campaign. Days are added up to weeks.
func Price(ctx context.Context, o Options, cut aggregate.Settings, progress func()) ([]Line, error) {
	if err := cut.Validate(); err != nil {
		return nil, err
	}
	return board(ctx, o, progress, func(s worlds.Scenario, seed uint64) (outcome, error) {
		draw, windows := worlds.New, 1
		if cut.Window == aggregate.Day {
			draw, windows = worlds.NewDays, 7
		}
		w, err := draw(s, seed, o.Installs, o.Weeks)
		if err != nil {
			return outcome{}, err
		}
		p, err := publish(w, cut)
		if err != nil {
			return outcome{}, err
		}
		return onPublished(w, p, windows, o.Settings, seed)
	})
}

// onPublished judges one world; windows is how many make a week.
func onPublished(w *worlds.World, p *published, windows int, s model.Settings, seed uint64) (outcome, error) {
	out := outcome{null: nullShare(talliesOf(w)), told: p.told(w)}
	named, truth, floor := p.campaigns()
	out.none = !pays(truth)
	if out.none {
		return out, nil
	}
	prediction, err := p.input.Predict(s, seed)
	if errors.Is(err, model.ErrNoSignal) {
		out.none = true
		return out, nil
	}
	if err != nil {
		return out, err
	}
	full, err := p.expectOnFull(w, s)
	if err != nil {
		return out, err
	}
	weeks := map[Key][]int{}
	for _, k := range sortedKeys(named) {
		weeks[k.weekly(windows)] = append(weeks[k.weekly(windows)], named[k]...)
	}
	ours := Estimates{}
	campaigns, networks := map[string][]int{}, map[string][]int{}
	for _, k := range sortedKeys(weeks) {
		rows := weeks[k]
		ours[k] = Amounts{prediction.Sum(rows, 0).Estimate, prediction.Sum(rows, 1).Estimate}
		out.cell.judgeRows(prediction, rows, p.truth)
		campaign := k.Place.Network + "/" + k.Place.Source
		campaigns[campaign] = append(campaigns[campaign], rows...)
		networks[k.Place.Network] = append(networks[k.Place.Network], rows...)
	}
	for _, rows := range sorted(campaigns) {
		out.campaign.judgeRows(prediction, rows, p.truth)
	}
	for _, rows := range sorted(networks) {
		out.network.judgeRows(prediction, rows, p.truth)
	}
	cells, what := p.tallies(), worth{p.input.Values}
	out.scores = scoresOf(truth.weekly(windows), map[string]Estimates{
		Naive: naive(cells, what).weekly(windows), Proportional: proportional(cells, what).weekly(windows),
		Fallback: fallback(cells, what).weekly(windows), Ours: ours, OnFull: full.weekly(windows), Floor: floor.weekly(windows),
	})
	return out, nil
}

// pays reports whether there is anything that estimates can be compared with.
func pays(truth Estimates) bool {
	for _, t := range truth {
		if t.Payers > 0 && t.Revenue > 0 {
			return true
		}
	}
	return false
}

// expectOnFull are the estimates of the same rows by a model that was given every count.
func (p *published) expectOnFull(w *worlds.World, s model.Settings) (Estimates, error) {
	what := worthOf(w.Schema)
	in, _, keys := fullInput(w, talliesOf(w), what)
	m, err := model.Fit(in, s)
	if err != nil {
		return nil, fmt.Errorf("fit full counts: %w", err)
	}
	all := p.onFull(keys, what)
	var of []Key
	var targets []model.Target
	for i, k := range p.keys {
		if k.Place.Source != "" {
			of, targets = append(of, k), append(targets, all[i])
		}
	}
	out := Estimates{}
	for i, e := range m.Expect(targets, nil) {
		out[of[i]] = out[of[i]].plus(Amounts{e[0], e[1]})
	}
	return out, nil
}

// told adds up payers by how a publication tells of them.
func (p *published) told(w *worlds.World) Told {
	var all, named, seen, exact, shared float64
	for _, x := range w.Weeks {
		for _, t := range x.Truth {
			all += t.Payers
		}
	}
	what := worth{p.input.Values}
	for i, t := range p.input.Targets {
		if p.keys[i].Place.Source != "" {
			named += p.truth[i].Payers
		}
		n := what.of(p.tally[i]).Payers
		seen += n
		switch {
		case t.Hidden != nil && t.Hidden.Group >= 0 && !math.IsNaN(p.input.Groups[t.Hidden.Group].Amounts[0]):
			shared += n
		case t.Hidden == nil && t.Fine > 0: // a row whose fine values do not stand has none
			exact += n
		}
	}
	return Told{Named: part(named, all), Exact: part(exact, seen), Shared: part(shared, seen)}
}

// part is in percent; 0 of nothing.
func part(n, of float64) float64 {
	if of == 0 {
		return 0
	}
	return 100 * n / of
}

// weekly is the week that a window lies in, where so many make one.
func (k Key) weekly(windows int) Key { return Key{k.Place, k.Week / windows} }

func (e Estimates) weekly(windows int) Estimates {
	out := Estimates{}
	for _, k := range sortedKeys(e) {
		out[k.weekly(windows)] = out[k.weekly(windows)].plus(e[k])
	}
	return out
}

// judgeRows compares the interval of a sum of rows with the truth, by row.
func (c *Covered) judgeRows(p *model.Prediction, rows []int, truth []Amounts) {
	var t Amounts
	for _, i := range rows {
		t = t.plus(truth[i])
	}
	payers, revenue := p.Sum(rows, 0), p.Sum(rows, 1)
	c.add(Covered{
		Intervals: 1, Payers: holding(payers, t.Payers), Revenue: holding(revenue, t.Revenue),
		WidthPay: payers.High - payers.Low, WidthR: revenue.High - revenue.Low,
	})
}

// holding is 1 where the interval holds the value.
func holding(i model.Interval, v float64) int {
	const rounding = 1e-6
	if v >= i.Low-rounding && v <= i.High+rounding {
		return 1
	}
	return 0
}
