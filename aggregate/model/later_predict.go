package model

import (
	"math"
	"math/rand/v2"
)

// Expect is the estimate of each cell by metric, for all its installs, tier 0 included.
func (m *LaterModel) Expect() [][]float64 {
	w := m.mean()
	out := make([][]float64, len(m.in.Cells))
	for i, c := range m.in.Cells {
		out[i] = m.observed(c)
		add := func(n float64, shares []float64) {
			for level := range m.in.Levels {
				m.add(out[i], level, n*shares[level])
			}
		}
		add(c.AnyLevel, m.any(w, i))
		add(c.Unseen, w.outcome[i])
		add(c.Null, m.null(w, i))
	}
	return out
}

// Predict estimates the cells; the same seed gives the same bounds. What a level is
// worth is the schema's word and not drawn: intervals are of how many reach it.
func (m *LaterModel) Predict(seed uint64) *Prediction {
	p := &Prediction{metrics: m.in.Metrics, draws: m.settings.Draws, coverage: m.settings.Coverage, estimate: m.Expect(), sample: make([][]float64, len(m.in.Cells))}
	for i := range p.sample {
		p.sample[i] = make([]float64, p.metrics*p.draws)
	}
	src := rand.NewPCG(seed, 0x6c61746572)
	r := rand.New(src)
	for d := range p.draws {
		w := m.draw(src)
		for i, c := range m.in.Cells {
			amounts := m.observed(c)
			m.drawOutcomes(r, src, c.AnyLevel, m.any(w, i), amounts)
			m.drawOutcomes(r, src, c.Unseen, w.outcome[i], amounts)
			m.drawOutcomes(r, src, c.Null, m.null(w, i), amounts)
			for metric, a := range amounts {
				p.sample[i][metric*p.draws+d] = a
			}
		}
	}
	return p
}

func (m *LaterModel) observed(c LaterCell) []float64 {
	out := make([]float64, m.in.Metrics)
	for level, n := range c.Levels {
		m.add(out, level, n)
	}
	return out
}

// add counts n installs of a level, where the schema says what they are worth.
func (m *LaterModel) add(to []float64, level int, n float64) {
	for metric, a := range m.in.Levels[level].Amounts {
		if !math.IsNaN(a) {
			to[metric] += n * a
		}
	}
}

func (m *LaterModel) drawOutcomes(r *rand.Rand, src rand.Source, installs float64, shares []float64, to []float64) {
	if !(installs > 0) {
		return
	}
	n, rest := whole(r, installs), 1.0
	for level := range m.in.Levels {
		if n == 0 || rest <= 0 {
			return
		}
		k := binomial(src, n, shares[level]/rest)
		m.add(to, level, float64(k))
		n -= k
		rest -= shares[level]
	}
}
