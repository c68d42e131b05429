package model

import "math"

func exp(x float64) float64 { return math.Exp(x) }

// world is one set of parameters: their means, or one draw of them.
type world struct {
	level  [][]float64 // by cell
	payers [levels][][]float64
	values [levels][2][][]float64
	// Log-odds of the null tier against the tiers that are seen.
	nullPayers []float64 // by cell: with the deviations of its network and campaign
	nullOthers [levels]float64
	shifts     shifts
}

// mean is the world of posterior means.
func (m *Model) mean() *world {
	w := &world{level: m.level.expect(), shifts: m.shifts}
	for level := range levels {
		if t := m.payers[level]; t != nil {
			w.payers[level] = t.expect()
		}
		for kind, t := range m.values[level] {
			if t != nil {
				w.values[level][kind] = t.expect()
			}
		}
		w.nullOthers[level] = m.settings.Extrapolation * m.shifts.others[level]
	}
	w.nullPayers = make([]float64, len(m.in.Cells))
	for i, s := range m.layout.sites {
		w.nullPayers[i] = m.settings.Extrapolation*m.shifts.payers + m.null.shift +
			m.null.network[s.network].mean + m.null.campaign[s.campaign].mean
	}
	return w
}

// payerShare is the share of payers among the installs of a level in a cell, where fine
// values are seen.
func (m *Model) payerShare(w *world, level, cell int) float64 {
	switch {
	case w.payers[level] != nil:
		return w.payers[level][cell][1]
	case len(m.members[level][1]) > 0:
		return 1
	}
	return 0
}

// classes are the probabilities of the classes of a cell, by level and kind.
type classes [levels][2]float64

func (c *classes) scale() {
	total := 0.0
	for _, l := range c {
		total += l[0] + l[1]
	}
	for level := range c {
		c[level][0] /= total
		c[level][1] /= total
	}
}

// only is the mix among payers, or among the others.
func (c classes) only(kind int) classes {
	total := 0.0
	for level := range c {
		c[level][1-kind] = 0
		total += c[level][kind]
	}
	for level := range c {
		if total > 0 {
			c[level][kind] /= total
		}
	}
	return c
}

// seen is the mix of classes where fine values are seen.
func (m *Model) seen(w *world, cell int) (out classes) {
	for level := range levels {
		if len(m.members[level][0])+len(m.members[level][1]) == 0 {
			continue // of a level that no fine value has, nothing can be said
		}
		q := m.payerShare(w, level, cell)
		out[level] = [2]float64{w.level[cell][level] * (1 - q), w.level[cell][level] * q}
	}
	out.scale()
	return out
}

// withheld is the mix in the null tier.
func (m *Model) withheld(w *world, cell int) classes {
	out := m.seen(w, cell)
	for level := range out {
		out[level][0] *= exp(w.nullOthers[level])
		out[level][1] *= exp(w.nullPayers[cell])
	}
	out.scale()
	return out
}

// Expect is the estimate of each target by metric: what was seen of it, and the
// expectation of the rest.
func (m *Model) Expect(targets []Target, groups []Group) [][]float64 {
	w := m.mean()
	out := make([][]float64, len(targets))
	for i, t := range targets {
		out[i] = m.observed(w, t)
		add := func(n float64, mix classes) {
			for level := range levels {
				for kind, p := range mix[level] {
					if n*p > 0 {
						m.addClass(out[i], w, level, kind, t.Cell, n*p)
					}
				}
			}
		}
		for level, n := range t.Coarse {
			add(n, m.coarse(w, level, t.Cell))
		}
		add(t.Random, m.seen(w, t.Cell))
		add(t.Null, m.withheld(w, t.Cell))
	}
	paid := HiddenPayers(targets, groups)
	m.reveal(targets, groups, func(i int) []float64 {
		h, amounts := targets[i].Hidden, make([]float64, m.in.Metrics)
		for kind, n := range [2]float64{max(0, h.Fine-paid[i]), paid[i]} {
			mix := m.seen(w, targets[i].Cell).only(kind)
			for level := range levels {
				if p := mix[level][kind]; n*p > 0 {
					m.addClass(amounts, w, level, kind, targets[i].Cell, n*p)
				}
			}
		}
		return amounts
	}, out)
	return out
}

// observed is what was seen of a target, and of its fine installs what they did besides:
// events, and revenue where it is not published by row.
func (m *Model) observed(w *world, t Target) []float64 {
	out := make([]float64, m.in.Metrics)
	if t.Fine > 0 {
		for kind, n := range [2]float64{t.Fine - t.Payers, t.Payers} {
			mix := m.seen(w, t.Cell).only(kind)
			for level := range levels {
				if p := mix[level][kind]; n*p > 0 {
					m.addClass(out, w, level, kind, t.Cell, n*p)
				}
			}
		}
	}
	for metric, a := range t.Seen {
		if !math.IsNaN(a) {
			out[metric] = a
		}
	}
	return out
}

// coarse is the mix of the installs of one coarse level; of a level that no fine value
// has nothing is known, and nothing is added.
func (m *Model) coarse(w *world, level, cell int) (out classes) {
	if len(m.members[level][0])+len(m.members[level][1]) == 0 {
		return out
	}
	q := w.shifts.coarsePayers(level, m.payerShare(w, level, cell))
	out[level] = [2]float64{1 - q, q}
	return out
}

// addClass adds n installs of a class at their mean.
func (m *Model) addClass(to []float64, w *world, level, kind, cell int, n float64) {
	for i, p := range w.values[level][kind][cell] {
		for metric, a := range m.in.Values[m.members[level][kind][i]].Amounts {
			to[metric] += n * p * a
		}
	}
}
