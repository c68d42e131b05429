package model

import (
	"math"
	"math/rand/v2"
	"slices"
)

type randSource = rand.Source

// Prediction is estimates of targets with their draws.
type Prediction struct {
	metrics, draws int
	coverage       float64
	estimate       [][]float64 // by target and metric
	sample         [][]float64 // by target: metric after metric, draw after draw
}

// Predict estimates the targets; the same seed gives the same bounds. The estimate is
// the expectation and not the mean of the draws, which would carry their noise.
func (m *Model) Predict(targets []Target, groups []Group, seed uint64) *Prediction {
	p := &Prediction{
		metrics: m.in.Metrics, draws: m.settings.Draws, coverage: m.settings.Coverage,
		estimate: m.Expect(targets, groups), sample: make([][]float64, len(targets)),
	}
	for i := range p.sample {
		p.sample[i] = make([]float64, p.metrics*p.draws)
	}
	src := rand.NewPCG(seed, 0x736b616e64)
	r := rand.New(src)
	amounts := make([][]float64, len(targets))
	for i := range amounts {
		amounts[i] = make([]float64, m.in.Metrics)
	}
	observed, mean := make([][]float64, len(targets)), m.mean()
	for i, t := range targets {
		observed[i] = m.observed(mean, t)
	}
	hidden := newBounds(targets, groups)
	for d := range p.draws {
		w := m.drawWorld(src)
		for i, t := range targets {
			copy(amounts[i], observed[i])
			m.drawUntold(r, src, w, t, amounts[i])
			m.drawTarget(r, src, w, t, amounts[i])
		}
		m.drawHidden(r, src, w, hidden, targets, groups, amounts)
		for i, a := range amounts {
			for metric, v := range a {
				p.sample[i][metric*p.draws+d] = v
			}
		}
	}
	return p
}

// Pool is a prediction of these estimates, by target and metric, with the draws of all
// parts: of the same targets, each with parameters, or inputs, of its own.
func Pool(estimates [][]float64, parts []*Prediction) *Prediction {
	out := &Prediction{metrics: parts[0].metrics, coverage: parts[0].coverage, estimate: estimates, sample: make([][]float64, len(estimates))}
	for _, p := range parts {
		out.draws += p.draws
	}
	for t := range out.sample {
		out.sample[t] = make([]float64, 0, out.metrics*out.draws)
		for metric := range out.metrics {
			for _, p := range parts {
				out.sample[t] = append(out.sample[t], p.sample[t][metric*p.draws:(metric+1)*p.draws]...)
			}
		}
	}
	return out
}

// drawWorld draws parameters once for all targets: what they share makes sums uncertain.
func (m *Model) drawWorld(src rand.Source) *world {
	z := standard(src)
	w := &world{level: m.level.draw(src), shifts: m.shifts}
	for level := range levels {
		if t := m.payers[level]; t != nil {
			w.payers[level] = t.draw(src)
		}
		for kind, t := range m.values[level] {
			if t != nil {
				w.values[level][kind] = t.draw(src)
			}
		}
	}
	times := m.settings.Extrapolation
	if !m.null.informed {
		times += m.settings.ExtrapolationSD * z.Rand()
	}
	off := 0.0 // of the payers' observed shift
	for level := range NoLevel {
		e := m.shifts.sd[level] * z.Rand()
		w.nullOthers[level] = times * (m.shifts.others[level] + e)
		off += m.shifts.weight[level] * e
	}
	if m.null.informed {
		off = 0 // it is part of what the evidence has weighed
	}
	shift := m.null.shift + m.null.shiftSD*z.Rand()
	networks := make([]float64, len(m.null.network))
	for i, n := range m.null.network {
		networks[i] = n.mean + n.sd*z.Rand()
	}
	campaigns := make([]float64, len(m.null.campaign))
	for i, n := range m.null.campaign {
		campaigns[i] = n.mean + n.sd*z.Rand()
	}
	w.nullPayers = make([]float64, len(m.in.Cells))
	for i, s := range m.layout.sites {
		w.nullPayers[i] = times*(m.shifts.payers+off) + shift + networks[s.network] + campaigns[s.campaign]
	}
	return w
}

// drawUntold draws what the fine installs of a target did besides what is told of them.
func (m *Model) drawUntold(r *rand.Rand, src rand.Source, w *world, t Target, amounts []float64) {
	if t.Fine == 0 || !slices.ContainsFunc(t.Seen, math.IsNaN) {
		return
	}
	drawn := make([]float64, len(amounts))
	m.drawKinds(r, src, w, t.Cell, max(0, whole(r, t.Fine-t.Payers)), whole(r, t.Payers), drawn)
	for metric, a := range t.Seen {
		if math.IsNaN(a) {
			amounts[metric] = drawn[metric]
		}
	}
}

// drawTarget draws the installs of a target that were not seen, one by one in effect.
func (m *Model) drawTarget(r *rand.Rand, src rand.Source, w *world, t Target, amounts []float64) {
	for level, n := range t.Coarse {
		if n > 0 {
			m.drawMix(r, src, w, t.Cell, whole(r, n), m.coarse(w, level, t.Cell), amounts)
		}
	}
	if t.Random > 0 {
		m.drawMix(r, src, w, t.Cell, whole(r, t.Random), m.seen(w, t.Cell), amounts)
	}
	if t.Null > 0 {
		m.drawMix(r, src, w, t.Cell, whole(r, t.Null), m.withheld(w, t.Cell), amounts)
	}
}

// whole rounds a count at random, so that the mean stays.
func whole(r *rand.Rand, n float64) int {
	down := math.Floor(n)
	if r.Float64() < n-down {
		down++
	}
	return int(down)
}

// oneByOne is up to how many installs are drawn one by one: of more, counts are.
const oneByOne = 24

func (m *Model) drawMix(r *rand.Rand, src rand.Source, w *world, cell, n int, mix classes, amounts []float64) {
	if n <= oneByOne {
		m.drawFew(r, w, cell, n, mix, amounts)
		return
	}
	rest := 0.0
	for _, l := range mix {
		rest += l[0] + l[1]
	}
	for level := range mix {
		for kind, p := range mix[level] {
			if n == 0 || p <= 0 {
				continue
			}
			k := binomial(src, n, p/rest)
			rest -= p
			n -= k
			if k > 0 {
				m.drawClass(r, src, w.values[level][kind][cell], m.members[level][kind], k, amounts)
			}
		}
	}
}

// drawFew draws each install's class, and then its value.
func (m *Model) drawFew(r *rand.Rand, w *world, cell, n int, mix classes, amounts []float64) {
	var chances [2 * levels]float64
	total := 0.0
	for level := range mix {
		chances[2*level], chances[2*level+1] = mix[level][0], mix[level][1]
		total += mix[level][0] + mix[level][1]
	}
	if !(total > 0) {
		return
	}
	var counts [2 * levels]int
	for range n {
		counts[pick(r, chances[:], total)]++
	}
	for class, k := range counts {
		level, kind := class/2, class%2
		if k > 0 {
			m.drawValues(r, w.values[level][kind][cell], m.members[level][kind], k, amounts)
		}
	}
}

func (m *Model) add(member, n int, amounts []float64) {
	for metric, a := range m.in.Values[member].Amounts {
		amounts[metric] += float64(n) * a
	}
}

// drawValues draws installs of one class one by one.
func (m *Model) drawValues(r *rand.Rand, p []float64, members []int, k int, amounts []float64) {
	last := len(p) - 1
	if last == 0 {
		m.add(members[0], k, amounts)
		return
	}
	for range k {
		u, i := r.Float64(), 0
		for ; i < last && u >= p[i]; i++ {
			u -= p[i]
		}
		m.add(members[i], 1, amounts)
	}
}

// drawClass adds k installs of one class: value by value where they are many, install
// by install where they are few.
func (m *Model) drawClass(r *rand.Rand, src rand.Source, p []float64, members []int, k int, amounts []float64) {
	if k < 2*len(p) {
		m.drawValues(r, p, members, k, amounts)
		return
	}
	rest := 1.0
	for i, share := range p {
		n := k
		if i < len(p)-1 {
			n = binomial(src, k, share/rest)
		}
		if n > 0 {
			m.add(members[i], n, amounts)
		}
		k -= n
		rest -= share
		if k == 0 {
			return
		}
	}
}

// Of is the interval of one target's metric.
func (p *Prediction) Of(target, metric int) Interval { return p.Sum([]int{target}, metric) }

// Sum is the interval of a sum over targets: the quantiles of summed draws. Sums of
// bounds would be too wide where targets err apart, and too narrow where they err alike.
func (p *Prediction) Sum(targets []int, metric int) Interval {
	out := Interval{}
	sums := make([]float64, p.draws)
	for _, t := range targets {
		out.Estimate += p.estimate[t][metric]
		for d, x := range p.sample[t][metric*p.draws : (metric+1)*p.draws] {
			sums[d] += x
		}
	}
	slices.Sort(sums)
	tail := (1 - p.coverage) / 2
	out.Low = min(quantile(sums, tail), out.Estimate)
	out.High = max(quantile(sums, 1-tail), out.Estimate)
	return out
}

// quantile of sorted draws, between neighbours in proportion.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
