package aggregate

import (
	"math"
	"math/rand/v2"

	"skand/aggregate/model"
)

// ModelWindow is what one window has published: all that a model may read of it.
type ModelWindow struct {
	Window     int // ascending
	B          int
	Rows       []Row
	Remainders []Remainder
	Values     []ValueBin
}

// ModelInput is published rows as a model reads them. Targets are the rows, window by
// window in their order.
type ModelInput struct {
	model.Input
	Targets []model.Target
	Groups  []model.Group
	again   func(*rand.Rand) (*ModelInput, error)
}

// NewModelInput reads windows. It reads nothing else: no modelled row can say more of a
// small set of installs than its published row does.
func NewModelInput(a *Alphabet, windows []ModelWindow) (*ModelInput, error) {
	var rows []Row
	b := 0
	for _, w := range windows {
		rows = append(rows, w.Rows...)
		b = max(b, w.B)
	}
	mix, err := mixOf(a, windows)
	if err != nil {
		return nil, err
	}
	app := appMix{paying: payingShare(windows), mix: mix}
	app.split = newSplitter(b, rows, app.levels(a))
	in, err := app.read(a, windows, nil)
	if err != nil {
		return nil, err
	}
	in.again = func(random *rand.Rand) (*ModelInput, error) { return app.read(a, windows, random) }
	return in, nil
}

// appMix is what the app as a whole tells of what was withheld of its rows.
type appMix struct {
	split  *splitter
	paying float64  // share of payers among fine installs
	mix    valueMix // of values
}

// levels is the share of each coarse level among fine values.
func (m appMix) levels(a *Alphabet) (out [3]float64) {
	for payers, share := range map[bool]float64{true: m.paying, false: 1 - m.paying} {
		of := a.of(payers)
		for i, x := range m.mix.within(of, 0) {
			if level := a.Values[of[i]].Level; level < model.NoLevel {
				out[level] += share * x
			}
		}
	}
	return out
}

// read splits what was withheld by its mean, or at random.
func (m appMix) read(a *Alphabet, windows []ModelWindow, random *rand.Rand) (*ModelInput, error) {
	r := &modelReading{
		split: m.split, paying: m.paying, mix: m.mix, a: a, in: &ModelInput{Input: model.Input{Metrics: a.Metrics(), Values: a.Values}},
		cells: map[cellKeyOf]int{}, random: random,
	}
	for _, w := range windows {
		if err := r.window(w); err != nil {
			return nil, err
		}
	}
	r.payers()
	return r.in, nil
}

// payers counts the hidden payers of targets in their cells.
func (r *modelReading) payers() {
	var drawn []int
	if r.random != nil {
		drawn = model.DrawHiddenPayers(r.in.Targets, r.in.Groups, r.random)
	}
	means := model.HiddenPayers(r.in.Targets, r.in.Groups)
	for i, t := range r.in.Targets {
		if t.Hidden == nil {
			continue
		}
		n := means[i]
		if drawn != nil {
			n = float64(drawn[i])
			t.Hidden.Least, t.Hidden.Most, t.Hidden.Either = n, n, false
		}
		r.spread(t.Cell, r.a.of(true), n)
		r.spread(t.Cell, r.a.of(false), max(0, t.Hidden.Fine-n))
	}
}

type cellKeyOf struct {
	campaign histogramKey
	window   int
}

type modelReading struct {
	a      *Alphabet
	in     *ModelInput
	cells  map[cellKeyOf]int
	random *rand.Rand // nil: means
	split  *splitter
	paying float64
	mix    valueMix
}

// payingShare is that of the app's rows and remainders, those included of which only
// the sum is known: without them small crowds' payers would be too many.
func payingShare(windows []ModelWindow) float64 {
	var payers, among float64
	for _, w := range windows {
		for _, r := range w.Rows {
			if r.Payers != nil && r.FineInstalls != nil {
				payers += float64(*r.Payers)
				among += float64(*r.FineInstalls)
			}
		}
		shared := sharing(w.Rows, MeasurePayers)
		for _, m := range w.Remainders {
			if m.Measure != MeasurePayers {
				continue
			}
			payers += float64(m.Installs)
			for _, r := range shared[m.NetworkID] {
				among += float64(*r.FineInstalls)
			}
		}
	}
	if among == 0 {
		return 0
	}
	return payers / among
}

func (r *modelReading) cell(k histogramKey, window int) int {
	at := cellKeyOf{k, window}
	i, known := r.cells[at]
	if !known {
		i = len(r.in.Cells)
		r.cells[at] = i
		r.in.Cells = append(r.in.Cells, model.Cell{Network: k.network, Campaign: k.campaign(), Window: window, Fine: make([]float64, len(r.a.Values))})
	}
	return i
}

func (r *modelReading) window(w ModelWindow) error {
	if err := r.histograms(w); err != nil {
		return err
	}
	groups := r.groups(w)
	for _, row := range w.Rows {
		r.row(w, row, groups)
	}
	return nil
}

// spread counts installs as having some of the values, by the app's mix.
func (r *modelReading) spread(cell int, values []int, n float64) {
	for i, share := range r.mix.within(values, 0) {
		r.in.Cells[cell].Fine[values[i]] += n * share
	}
}

func (r *modelReading) row(w ModelWindow, row Row, groups map[string]int) {
	p := r.split.split(row, r.random)
	at := r.cell(campaignOf(row), w.Window)
	c := &r.in.Cells[at]
	c.Null += p.null
	for level, n := range p.coarse {
		c.Coarse[level] += n
	}
	t := model.Target{Cell: at, Seen: make([]float64, r.a.Metrics()), Coarse: p.coarse, Null: p.null, Random: p.hidden}
	switch {
	case row.Payers != nil:
		t.Fine, t.Payers = p.fine, float64(*row.Payers)
		for metric := range t.Seen {
			t.Seen[metric] = math.NaN() // events, and revenue of an app that bands it, are not told by row
		}
		t.Seen[MetricPayers] = t.Payers
		if row.RevenueEst != nil {
			t.Seen[MetricRevenue] = row.RevenueEst.InexactFloat64()
		}
	case p.fineKnown:
		g, shared := groups[row.Key()]
		if !shared {
			g = -1
		}
		// Nothing tells 1 to b-1 payers from all but so many.
		t.Hidden = &model.Hidden{Fine: p.fine, Least: 1, Most: float64(w.B - 1), Either: true, Share: r.paying, Group: g}
	}
	r.in.Targets = append(r.in.Targets, t)
}

// groups hands a window's remainders of payers to the rows that share them, by key.
func (r *modelReading) groups(w ModelWindow) map[string]int {
	out := map[string]int{}
	shared := sharing(w.Rows, MeasurePayers)
	for _, m := range w.Remainders {
		rows := shared[m.NetworkID]
		if m.Measure != MeasurePayers || len(rows) == 0 {
			continue
		}
		amounts := make([]float64, r.a.Metrics())
		for i := range amounts {
			amounts[i] = math.NaN()
		}
		amounts[MetricPayers] = float64(m.Installs)
		if m.RevenueEst != nil {
			amounts[MetricRevenue] = m.RevenueEst.InexactFloat64()
		}
		for _, row := range rows {
			out[row.Key()] = len(r.in.Groups)
		}
		r.in.Groups = append(r.in.Groups, model.Group{Amounts: amounts})
	}
	return out
}
