package model

import (
	"math"
	"math/rand/v2"
)

// HiddenPayers is how many of the hidden installs of each target paid, in the mean: of
// each alone between its bounds, and of those of a group so that they come to its total.
func HiddenPayers(targets []Target, groups []Group) []float64 {
	out := make([]float64, len(targets))
	b := newBounds(targets, groups)
	for _, i := range b.alone {
		out[i] = b.of[i].mean()
	}
	for _, g := range b.together {
		for at, mean := range g.means() {
			out[g.members[at]] = mean
		}
	}
	return out
}

// DrawHiddenPayers draws them, from the distributions that HiddenPayers gives the means of.
func DrawHiddenPayers(targets []Target, groups []Group, r *rand.Rand) []int {
	out := make([]int, len(targets))
	newBounds(targets, groups).draw(r, out)
	return out
}

// bounds are the distributions of what is hidden in targets.
type bounds struct {
	of       map[int]support // by target
	alone    []int
	together []*sharing
}

func newBounds(targets []Target, groups []Group) *bounds {
	b := &bounds{of: map[int]support{}}
	members := make([][]int, len(groups))
	for i, t := range targets {
		if t.Hidden == nil {
			continue
		}
		b.of[i] = t.Hidden.support()
		if g := t.Hidden.Group; g >= 0 && g < len(groups) {
			members[g] = append(members[g], i)
		} else {
			b.alone = append(b.alone, i)
		}
	}
	for g, of := range members {
		supports := make([]support, len(of))
		for at, i := range of {
			supports[at] = b.of[i]
			if math.IsNaN(groups[g].Amounts[0]) { // any total will do that is possible
				supports[at] = b.of[i].likely()
			}
		}
		if s := newSharing(supports, &groups[g]); s != nil {
			s.members = of
			b.together = append(b.together, s)
		} else {
			b.alone = append(b.alone, of...) // a total that they cannot come to: reveal scales
		}
	}
	return b
}

func (b *bounds) draw(r *rand.Rand, to []int) {
	for _, i := range b.alone {
		to[i] = b.of[i].draw(r)
	}
	for _, g := range b.together {
		g.draw(r, to)
	}
}

// reveal adds to each target what of returns for its hidden installs, scaled so that
// the members of a group come to the totals of their group.
func (m *Model) reveal(targets []Target, groups []Group, of func(target int) []float64, to [][]float64) {
	amounts := make([][]float64, len(targets))
	sums := make([][]float64, len(groups))
	for i, t := range targets {
		if t.Hidden == nil {
			continue
		}
		amounts[i] = of(i)
		if g := t.Hidden.Group; g >= 0 {
			if sums[g] == nil {
				sums[g] = make([]float64, m.in.Metrics)
			}
			for metric, a := range amounts[i] {
				sums[g][metric] += a
			}
		}
	}
	for i, t := range targets {
		for metric, a := range amounts[i] {
			if g := t.Hidden.Group; g >= 0 && sums[g][metric] > 0 && !math.IsNaN(groups[g].Amounts[metric]) {
				a *= groups[g].Amounts[metric] / sums[g][metric]
			}
			to[i][metric] += a
		}
	}
}

// drawHidden draws how many of the hidden installs of each target paid, and what they
// did: together where a group tells their total.
func (m *Model) drawHidden(r *rand.Rand, src rand.Source, w *world, b *bounds, targets []Target, groups []Group, to [][]float64) {
	if len(b.of) == 0 {
		return
	}
	paid := make([]int, len(targets))
	b.draw(r, paid)
	m.reveal(targets, groups, func(i int) []float64 {
		h, amounts := targets[i].Hidden, make([]float64, m.in.Metrics)
		m.drawKinds(r, src, w, targets[i].Cell, max(0, whole(r, h.Fine)-paid[i]), paid[i], amounts)
		return amounts
	}, to)
}

// drawKinds draws installs of which is known how many paid.
func (m *Model) drawKinds(r *rand.Rand, src rand.Source, w *world, cell, others, payers int, amounts []float64) {
	seen := m.seen(w, cell)
	m.drawMix(r, src, w, cell, payers, seen.only(1), amounts)
	m.drawMix(r, src, w, cell, others, seen.only(0), amounts)
}
