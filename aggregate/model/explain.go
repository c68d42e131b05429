package model

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// Explanation tells where a modelled number comes from. It is a function of what the
// model was given and says nothing finer: of published rows, published numbers.
type Explanation struct {
	Installs  float64             `json:"installs"`
	Parts     []ExplainedPart     `json:"parts"`
	Paths     []ExplainedPath     `json:"paths"`
	Shift     *ExplainedShift     `json:"shift"` // nil where nothing was seen by level only, or not at all
	Evidence  []ExplainedEvidence `json:"evidence"`
	Sentences []string            `json:"sentences"` // all of this for people
}

// What is known of a part of a target's installs.
const (
	PartSeen    = "seen"          // fine values that are told
	PartNoValue = "no_value"      // the app set none, or none that the schema knows: nothing is added
	PartCoarse  = "coarse"        // the level
	PartNull    = "null"          // nothing: Apple withheld the value
	PartKind    = "hidden_kind"   // nothing: the publication withholds which kind they are of
	PartPayers  = "hidden_payers" // that the value was fine; the publication withholds how many paid
)

// ExplainedPart is installs of which the same is known, and what they come to. The
// parts of an explanation add up to its installs and to its estimates.
type ExplainedPart struct {
	Part     string    `json:"part"`
	Installs float64   `json:"installs"` // not whole where the publication left it open
	Amounts  []float64 `json:"amounts"`  // by metric, in the mean
	Observed []bool    `json:"observed"` // by metric: told and not estimated
}

// What a path is of.
const (
	PathLevels   = "levels"   // which level, of those that the schema tells apart, an install reaches
	PathPayers   = "payers"   // who pays within levels that mix payers and others
	PathSpending = "spending" // what a payer's value is
)

// ExplainedPath is whose counts a share of the target's cell is taken from: weights
// a/(n + a) along app > network > campaign > window. They sum to 1.
type ExplainedPath struct {
	Of       string  `json:"of"`
	Window   float64 `json:"window"`
	Campaign float64 `json:"campaign"`
	Network  float64 `json:"network"`
	App      float64 `json:"app"`
	Nothing  float64 `json:"nothing"` // the prior above the app: all its installs alike
}

// ExplainedShift is how payers of small crowds are taken to differ from those seen, in
// log-odds.
type ExplainedShift struct {
	Tier1   float64 `json:"tier_1"` // seen: coarse levels against fine values
	Tier1SD float64 `json:"tier_1_sd"`
	// Null is that of the null tier, the sum of what follows.
	Null         float64 `json:"null"`
	Extrapolated float64 `json:"extrapolated"` // Factor times Tier1
	App          float64 `json:"app"`          // beyond that, by consented cohorts; 0 without any
	Network      float64 `json:"network"`      // own deviations, by consented cohorts
	Campaign     float64 `json:"campaign"`
	Factor       float64 `json:"factor"`
	Consented    bool    `json:"consented"` // consented cohorts have had their say
}

// ExplainedEvidence is a consented cohort of the target's campaign or network.
type ExplainedEvidence struct {
	Campaign string  `json:"campaign"` // "" is the network as a whole
	Installs float64 `json:"installs"`
	Payers   float64 `json:"payers"`
}

// Explain explains the estimates of Expect, target by target. Installs are how many
// each target has in all: what is in none of its parts has no value that can be read.
func (m *Model) Explain(targets []Target, groups []Group, installs []float64) ([]Explanation, error) {
	if len(installs) != len(targets) {
		return nil, fmt.Errorf("explain: installs of %d targets of %d", len(installs), len(targets))
	}
	w, whole, alone := m.mean(), m.Expect(targets, groups), m.alone(targets)
	out := make([]Explanation, len(targets))
	for i, t := range targets {
		e := Explanation{Installs: installs[i], Parts: m.parts(t, installs[i], whole[i], alone[4*i:4*i+4]), Paths: m.paths(w, t.Cell), Evidence: m.evidenceOf(t.Cell)}
		if t.Null > 0 || t.coarse() > 0 {
			e.Shift = m.shiftOf(w, t.Cell)
		}
		e.Sentences = e.sentences()
		out[i] = e
	}
	return out, nil
}

func (t *Target) coarse() float64 { return t.Coarse[Low] + t.Coarse[Medium] + t.Coarse[High] }

// alone estimates four parts of each target by themselves: what was seen, coarse levels,
// nulls, hidden kinds.
func (m *Model) alone(targets []Target) [][]float64 {
	none := make([]float64, m.in.Metrics)
	var parts []Target
	for _, t := range targets {
		seen := t
		seen.Coarse, seen.Null, seen.Random, seen.Hidden = [3]float64{}, 0, 0, nil
		parts = append(parts, seen,
			Target{Cell: t.Cell, Seen: none, Coarse: t.Coarse},
			Target{Cell: t.Cell, Seen: none, Null: t.Null},
			Target{Cell: t.Cell, Seen: none, Random: t.Random})
	}
	return m.Expect(parts, nil)
}

// parts divides a target; what its hidden payers come to is what the others leave, for
// a group may tell it.
func (m *Model) parts(t Target, installs float64, whole []float64, each [][]float64) []ExplainedPart {
	observed := make([]bool, m.in.Metrics)
	for metric, a := range t.Seen {
		observed[metric] = !math.IsNaN(a)
	}
	inferred := make([]bool, m.in.Metrics)
	rest := installs - t.coarse() - t.Null - t.Random
	if t.Hidden != nil {
		rest -= t.Hidden.Fine
	}
	rest = max(0, rest)
	fine := rest
	if t.Fine > 0 {
		fine = min(t.Fine, rest)
	}
	out := []ExplainedPart{
		{PartSeen, fine, each[0], observed},
		{PartNoValue, rest - fine, make([]float64, m.in.Metrics), observed},
		{PartCoarse, t.coarse(), each[1], inferred},
		{PartNull, t.Null, each[2], inferred},
		{PartKind, t.Random, each[3], inferred},
	}
	last := ExplainedPart{PartPayers, 0, make([]float64, m.in.Metrics), inferred}
	if t.Hidden != nil {
		last.Installs = t.Hidden.Fine
		for metric := range last.Amounts {
			last.Amounts[metric] = max(0, whole[metric]-each[0][metric]-each[1][metric]-each[2][metric]-each[3][metric])
		}
	}
	return append(out, last)
}

// paths are those of the trees that a cell's estimates hang on.
func (m *Model) paths(w *world, cell int) []ExplainedPath {
	out := []ExplainedPath{m.level.path(PathLevels, cell)}
	mix := m.seen(w, cell)
	var mixed, spending []ExplainedPath
	var mixedBy, spendingBy []float64
	for level := range levels {
		if t := m.payers[level]; t != nil {
			mixed, mixedBy = append(mixed, t.path(PathPayers, cell)), append(mixedBy, mix[level][0]+mix[level][1])
		}
		if t := m.values[level][1]; t != nil {
			spending, spendingBy = append(spending, t.path(PathSpending, cell)), append(spendingBy, mix[level][1])
		}
	}
	for _, of := range []struct {
		paths   []ExplainedPath
		weights []float64
	}{{mixed, mixedBy}, {spending, spendingBy}} {
		if total := floats.Sum(of.weights); total > 0 {
			out = append(out, average(of.paths, of.weights, total))
		}
	}
	return out
}

func average(paths []ExplainedPath, weights []float64, total float64) ExplainedPath {
	out := ExplainedPath{Of: paths[0].Of}
	for i, p := range paths {
		f := weights[i] / total
		out.Window += f * p.Window
		out.Campaign += f * p.Campaign
		out.Network += f * p.Network
		out.App += f * p.App
		out.Nothing += f * p.Nothing
	}
	return out
}

// path is the weights along the way to a cell.
func (t *tree) path(of string, cell int) ExplainedPath {
	s, rest := t.sites[cell], 1.0
	take := func(counts []float64, a float64) float64 {
		up := rest * share(counts, a)
		mine := rest - up
		rest = up
		return mine
	}
	p := ExplainedPath{Of: of}
	p.Window = take(t.window[cell], t.perWindow)
	p.Campaign = take(t.campaign[s.campaign], t.perCamp)
	p.Network = take(t.network[s.network], t.perNet)
	p.App = take(t.app, rootWeight)
	p.Nothing = rest
	return p
}

func (m *Model) shiftOf(w *world, cell int) *ExplainedShift {
	s := m.layout.sites[cell]
	return &ExplainedShift{
		Tier1: m.shifts.payers, Tier1SD: m.shifts.payersSD(), Factor: m.settings.Extrapolation,
		Null: w.nullPayers[cell], Extrapolated: m.settings.Extrapolation * m.shifts.payers,
		App: m.null.shift, Network: m.null.network[s.network].mean, Campaign: m.null.campaign[s.campaign].mean,
		Consented: m.null.informed,
	}
}

func (m *Model) evidenceOf(cell int) []ExplainedEvidence {
	out := []ExplainedEvidence{}
	c := m.in.Cells[cell]
	for _, e := range m.in.Consented {
		if e.Installs > 0 && e.Network == c.Network && (e.Campaign == "" || e.Campaign == c.Campaign) {
			out = append(out, ExplainedEvidence{e.Campaign, e.Installs, e.Payers})
		}
	}
	return out
}
