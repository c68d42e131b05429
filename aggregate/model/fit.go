package model

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Model is what was learnt of one app. It is read only, and may be used concurrently.
type Model struct {
	in       Input
	settings Settings
	layout   *layout
	shifts   shifts
	level    *tree
	payers   [levels]*tree    // by level: others, payers; nil where the level has one kind only
	values   [levels][2]*tree // by level, and others or payers
	members  [levels][2][]int // the values of each class
	null     nullTier
}

// Fit learns from counts. The same input gives the same model. ErrNoSignal where no
// fine value was seen.
func Fit(in Input, s Settings) (*Model, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	m := &Model{in: in, settings: s, layout: newLayout(in)}
	fine, paid := m.byLevel()
	total := 0.0
	for _, f := range fine {
		total += floats.Sum(f)
	}
	if total == 0 {
		return nil, ErrNoSignal
	}
	m.shifts = observeShifts(m.layout, in.Cells, fine, paid, s.ShiftSD)
	unshifted := m.unshifted(fine)
	m.level = grow(m.layout, levels, unshifted, pooled(levels, unshifted, nil), polya)
	m.growClasses()
	m.null = m.judgeNull()
	return m, nil
}

func (in Input) check() error {
	if in.Metrics < 1 {
		return fmt.Errorf("model input: there is no metric; the first is payers")
	}
	for i, v := range in.Values {
		if len(v.Amounts) != in.Metrics || v.Level < Low || v.Level > NoLevel {
			return fmt.Errorf("model input: value %d has %d amounts of %d, and level %d", i, len(v.Amounts), in.Metrics, v.Level)
		}
	}
	for i, v := range in.Values {
		for _, a := range v.Amounts {
			if !(math.Abs(a) < 1e12) { // also NaN
				return fmt.Errorf("model input: value %d is worth %v", i, a)
			}
		}
	}
	for i, e := range in.Consented {
		if !e.valid() {
			return fmt.Errorf("model input: consented cohort %d (%s, %s) has %v payers of %v installs", i, e.Network, e.Campaign, e.Payers, e.Installs)
		}
	}
	for i, c := range in.Cells {
		if len(c.Fine) != len(in.Values) {
			return fmt.Errorf("model input: cell %d counts %d values of %d", i, len(c.Fine), len(in.Values))
		}
		if c.Assumed != nil && len(c.Assumed) != len(in.Values) {
			return fmt.Errorf("model input: cell %d assumes %d values of %d", i, len(c.Assumed), len(in.Values))
		}
		for _, k := range slices.Concat(c.Fine, c.Coarse[:], c.CoarseVar[:], c.Assumed, []float64{c.Null, c.Random}) {
			if !(k >= 0 && k < 1e12) { // also NaN
				return fmt.Errorf("model input: cell %d (%s, %s) counts %v installs", i, c.Network, c.Campaign, k)
			}
		}
	}
	return nil
}

// newLayout numbers networks and campaigns in the order of their names, so that a
// model does not hang on the order of its cells.
func newLayout(in Input) *layout {
	type name struct{ network, campaign string }
	names := map[name]bool{}
	for _, c := range in.Cells {
		names[name{c.Network, c.Campaign}] = true
	}
	ordered := make([]name, 0, len(names))
	for n := range names {
		ordered = append(ordered, n)
	}
	slices.SortFunc(ordered, func(a, b name) int {
		return slices.Compare([]string{a.network, a.campaign}, []string{b.network, b.campaign})
	})
	l := &layout{}
	at := map[name]site{}
	for i, n := range ordered {
		if i == 0 || ordered[i-1].network != n.network {
			l.networks++
		}
		at[n] = site{network: l.networks - 1, campaign: i}
		l.networkOf = append(l.networkOf, l.networks-1)
	}
	for _, c := range in.Cells {
		l.sites = append(l.sites, at[name{c.Network, c.Campaign}])
	}
	return l
}

// byLevel counts the fine installs of each cell by level, and those who paid.
func (m *Model) byLevel() (fine, paid [][]float64) {
	for _, c := range m.in.Cells {
		f, p := make([]float64, levels), make([]float64, levels)
		for v, k := range c.Fine {
			f[m.in.Values[v].Level] += k
			if m.in.Values[v].Payer {
				p[m.in.Values[v].Level] += k
			}
		}
		fine, paid = append(fine, f), append(paid, p)
	}
	return fine, paid
}

// unshifted adds coarse installs to the fine ones of their level, as many in all as
// there are, in the proportions that they would have without their shift.
func (m *Model) unshifted(fine [][]float64) [][]float64 {
	var none, some float64
	for _, f := range fine {
		none += f[NoLevel]
		some += f[Low] + f[Medium] + f[High]
	}
	out := make([][]float64, len(fine))
	for i, c := range m.in.Cells {
		out[i] = slices.Clone(fine[i])
		var as [NoLevel]float64
		for level := range NoLevel {
			as[level] = c.Coarse[level] / exp(m.shifts.level[level])
		}
		total := floats.Sum(as[:])
		if total == 0 {
			continue
		}
		for level := range NoLevel {
			out[i][level] += as[level] / total * c.coarse()
		}
		if some > 0 { // small crowds have their share of values that no level covers
			out[i][NoLevel] += c.coarse() * none / some
		}
	}
	return out
}

// growClasses fits the trees within the levels.
func (m *Model) growClasses() {
	for v, value := range m.in.Values {
		kind := kindOf(value.Payer)
		m.members[value.Level][kind] = append(m.members[value.Level][kind], v)
	}
	for level := range levels {
		if len(m.members[level][0]) > 0 && len(m.members[level][1]) > 0 {
			counts := m.count(func(c Cell) []float64 {
				return []float64{m.sum(c, m.members[level][0]), m.sum(c, m.members[level][1])}
			})
			m.payers[level] = grow(m.layout, 2, counts, pooled(2, counts, nil), polya)
		}
		for kind, members := range m.members[level] {
			if len(members) == 0 {
				continue
			}
			told, all := m.each(members, (*Cell).told), m.each(members, (*Cell).counted)
			worth := m.worth(members)
			m.values[level][kind] = grow(m.layout, len(members), told, pooled(len(members), all, worth), concentrationOf(worth))
		}
	}
}

// worth is what values are worth, where they differ in it: revenue comes first, events
// where there is none. nil where they don't.
func (m *Model) worth(members []int) []float64 {
	out := make([]float64, len(members))
	for i, v := range members {
		for _, a := range m.in.Values[v].Amounts[1:] {
			if out[i] = a; a != 0 {
				break
			}
		}
	}
	if slices.Max(out) == slices.Min(out) {
		return nil
	}
	return out
}

// concentrationOf estimates by what the values are worth, where they differ in it, and
// by how often they are had where not.
func concentrationOf(worth []float64) func(children, priors [][]float64) float64 {
	if worth == nil {
		return polya
	}
	return credibility(worth)
}

// each counts some values in every cell.
func (m *Model) each(members []int, of func(*Cell, int) float64) [][]float64 {
	return m.count(func(c Cell) []float64 {
		out := make([]float64, len(members))
		for i, v := range members {
			out[i] = of(&c, v)
		}
		return out
	})
}

func (m *Model) count(of func(Cell) []float64) [][]float64 {
	out := make([][]float64, len(m.in.Cells))
	for i, c := range m.in.Cells {
		out[i] = of(c)
	}
	return out
}

func (m *Model) sum(c Cell, members []int) (n float64) {
	for _, v := range members {
		n += c.Fine[v]
	}
	return n
}

func kindOf(payer bool) int {
	if payer {
		return 1
	}
	return 0
}
