package model

import "fmt"

// What is known of a part of a cell's installs in a later window, beside PartSeen: the
// postbacks whose level is told.
const (
	PartLevel       = "hidden_level" // that there was a level; the publication withholds which
	PartNoPostback  = "no_postback"  // no such postback, or one without a value: nothing is added
	PartUnpublished = "unpublished"  // nothing: later postbacks of their campaign are not published
	PartNoLater     = "no_later"     // nothing: Apple sends none of the null tier
)

// PathOutcomes is whose counts say how many installs reach each level later.
const PathOutcomes = "outcomes"

// Explain explains the estimates of Expect, cell by cell. The parts add up to the cell's
// installs and to its estimates; nothing is said that the input does not hold.
func (m *LaterModel) Explain() []Explanation {
	w := m.mean()
	out := make([]Explanation, len(m.in.Cells))
	for i, c := range m.in.Cells {
		e := Explanation{Parts: m.parts(w, i), Paths: []ExplainedPath{m.outcome.path(PathOutcomes, i)}, Evidence: []ExplainedEvidence{}}
		for _, p := range e.Parts {
			e.Installs += p.Installs
		}
		if c.Null > 0 {
			e.Shift = m.shiftOf(c)
		}
		e.Sentences = e.laterSentences(m.priced())
		out[i] = e
	}
	return out
}

func (m *LaterModel) parts(w laterWorld, cell int) []ExplainedPart {
	c := m.in.Cells[cell]
	inferred, told := make([]bool, m.in.Metrics), make([]bool, m.in.Metrics)
	told[0] = true // a level says who paid; what they are worth is the schema's word
	estimate := func(n float64, shares []float64) []float64 {
		amounts := make([]float64, m.in.Metrics)
		for level := range m.in.Levels {
			m.add(amounts, level, n*shares[level])
		}
		return amounts
	}
	return []ExplainedPart{
		{PartSeen, c.Levels[Low] + c.Levels[Medium] + c.Levels[High], m.observed(c), told},
		{PartLevel, c.AnyLevel, estimate(c.AnyLevel, m.any(w, cell)), inferred},
		{PartNoPostback, c.Nothing, make([]float64, m.in.Metrics), told},
		{PartUnpublished, c.Unseen, estimate(c.Unseen, w.outcome[cell]), inferred},
		{PartNoLater, c.Null, estimate(c.Null, m.null(w, cell)), inferred},
	}
}

// shiftOf is how payers of the null tier are taken to differ: that of index 0, as far as
// it is carried on.
func (m *LaterModel) shiftOf(c LaterCell) *ExplainedShift {
	in, carry := m.in.Shift, max(0, m.settings.Carry)
	s := &ExplainedShift{
		Factor: carry, Extrapolated: carry * in.app.mean,
		Network: carry * in.network[c.Network].mean, Campaign: carry * in.campaign[[2]string{c.Network, c.Campaign}].mean,
	}
	s.Null = s.Extrapolated + s.Network + s.Campaign
	return s
}

// priced says of payers and revenue whether the schema tells them of every level.
func (m *LaterModel) priced() (out []bool) {
	for metric := range m.in.Metrics {
		out = append(out, len(m.Untold(metric)) == 0)
	}
	return out
}

func (e *Explanation) laterSentences(priced []bool) []string {
	out := []string{
		"The number is of all installs whose postback of this window was due, those of which Apple sends none included.",
		e.known(),
	}
	for metric, name := range []string{"Payers", "Revenue"} {
		if s := e.from(metric, name); s != "" && priced[metric] {
			out = append(out, s)
		}
	}
	for _, p := range e.Paths {
		out = append(out, p.sentence())
	}
	if e.Shift != nil && tells(e.of(PartNoLater)) {
		out = append(out, fmt.Sprintf(
			"Where Apple sends none the odds of paying are taken to be %s times: %s of what they differ by at the first postbacks, an assumption that no postback tells of.",
			times(e.Shift.Null), number(e.Shift.Factor)))
	}
	return out
}
