package aggregate

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

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
	app := appMix{paying: newPaying(windows), mix: mix}
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
	paying *paying
	mix    valueMix // of values
}

// levels is the share of each coarse level among fine values.
func (m appMix) levels(a *Alphabet) (out [3]float64) {
	for payers, share := range map[bool]float64{true: m.paying.share, false: 1 - m.paying.share} {
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
	means, tilts := model.HiddenPayers(r.in.Targets, r.in.Groups), r.tilts()
	for i, t := range r.in.Targets {
		if t.Hidden == nil {
			continue
		}
		n := means[i]
		if drawn != nil {
			n = float64(drawn[i])
			t.Hidden.Least, t.Hidden.Most, t.Hidden.Either = n, n, false
		}
		r.count(t.Cell, r.a.of(true), n, tilts[t.Hidden.Group])
		r.count(t.Cell, r.a.of(false), max(0, t.Hidden.Fine-n), nil)
	}
}

// tilts are those of the payers' values in each group to the revenue that is published
// of them; nil where none is.
func (r *modelReading) tilts() []*float64 {
	out := make([]*float64, len(r.in.Groups))
	of := r.a.of(true)
	for i, g := range r.in.Groups {
		if revenue, n := g.Amounts[MetricRevenue], g.Amounts[MetricPayers]; n > 0 && revenue > 0 && len(of) > 0 {
			tilt := r.mix.tilt([]countedBin{{of, n}}, revenue)
			out[i] = &tilt
		}
	}
	return out
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
	paying *paying
	mix    valueMix
}

func (r *modelReading) cell(k histogramKey, window int) int {
	at := cellKeyOf{k, window}
	i, known := r.cells[at]
	if !known {
		i = len(r.in.Cells)
		r.cells[at] = i
		r.in.Cells = append(r.in.Cells, model.Cell{Network: k.network, Campaign: k.campaign(), Window: window, Fine: make([]float64, len(r.a.Values)), Assumed: make([]float64, len(r.a.Values))})
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

// count counts installs as having some of the values: by the app's mix, which says
// nothing of how the cell differs, or tilted to what they are known to be worth.
func (r *modelReading) count(cell int, values []int, n float64, tilt *float64) {
	c := &r.in.Cells[cell]
	if tilt != nil {
		for i, share := range r.mix.within(values, *tilt) {
			c.Fine[values[i]] += n * share
		}
		return
	}
	for i, share := range r.mix.within(values, 0) {
		c.Fine[values[i]] += n * share
		c.Assumed[values[i]] += n * share
	}
}

func (r *modelReading) row(w ModelWindow, row Row, groups map[string]int) {
	p := r.split.split(row, r.random)
	at := r.cell(campaignOf(row), w.Window)
	c := &r.in.Cells[at]
	c.Null += p.null
	c.Random += p.hidden
	for level, n := range p.coarse {
		c.Coarse[level] += n
		c.CoarseVar[level] += p.coarseVar[level]
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
		t.Hidden = r.paying.hidden(row, w.B, groups[row.Key()])
	}
	r.in.Targets = append(r.in.Targets, t)
}

// groups hands a window's remainders of payers to the rows that share them, by key. A
// remainder that is not published tells that it would not have been.
func (r *modelReading) groups(w ModelWindow) map[string]int {
	out := map[string]int{}
	told := map[string]Remainder{}
	for _, m := range w.Remainders {
		if m.Measure == MeasurePayers {
			told[m.NetworkID] = m
		}
	}
	shared := sharing(w.Rows, MeasurePayers)
	for _, network := range slices.Sorted(maps.Keys(shared)) {
		rows := shared[network]
		g := model.Group{Amounts: make([]float64, max(r.a.Metrics(), MetricRevenue+1))}
		for i := range g.Amounts {
			g.Amounts[i] = math.NaN()
		}
		m, known := told[network]
		if !known {
			g.Above, g.Below = unpublished(rows, w.B)
		} else {
			g.Amounts[MetricPayers] = float64(m.Installs)
			if m.RevenueEst != nil {
				g.Amounts[MetricRevenue] = m.RevenueEst.InexactFloat64()
			}
		}
		for _, row := range rows {
			out[row.Key()] = len(r.in.Groups)
		}
		r.in.Groups = append(r.in.Groups, g)
	}
	return out
}

// unpublished are the bounds between which the payers of rows would have been published
// (remainderStands).
func unpublished(rows []Row, b int) (above, below float64) {
	among := 0
	for _, row := range rows {
		among += *row.FineInstalls
	}
	return float64(max(b-1, len(rows)+1)), float64(min(len(rows)*(b-1)-1, among-b+1))
}
