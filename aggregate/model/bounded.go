package model

import (
	"math"
	"math/rand/v2"
)

// support is the distribution of a count that is known to be one of few.
type support struct {
	counts  []int
	weights []float64 // they sum to 1
}

// support of the payers: a binomial of the share, or of shares around it, as far as the
// bounds leave it.
func (h *Hidden) support() support {
	n := int(math.Round(max(h.Fine, 0)))
	s := support{}
	add := func(from, to float64) {
		for k := max(0, int(math.Ceil(from))); k <= min(n, int(math.Floor(to))); k++ {
			if last := len(s.counts) - 1; last < 0 || s.counts[last] < k {
				s.counts = append(s.counts, k)
			}
		}
	}
	add(h.Least, h.Most)
	if h.Either {
		add(float64(n)-h.Most, float64(n)-h.Least)
	}
	if len(s.counts) == 0 { // fewer installs than bounds: nearest to them
		s.counts = []int{min(n, max(0, int(math.Round(h.Least))))}
	}
	p := clip(h.Share)
	best := math.Inf(-1)
	for _, k := range s.counts {
		x := logChoose(n, k)
		if a := h.Concentration; a > 0 {
			x += lgamma(float64(k)+a*p) + lgamma(float64(n-k)+a*(1-p)) - lgamma(a*p) - lgamma(a*(1-p))
		} else {
			x += float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p)
		}
		s.weights = append(s.weights, x)
		best = max(best, x)
	}
	total := 0.0
	for i, x := range s.weights {
		s.weights[i] = exp(x - best)
		total += s.weights[i]
	}
	for i := range s.weights {
		s.weights[i] /= total
	}
	return s
}

// likely leaves out counts that hardly can be: of hundreds of installs, all but a few.
func (s support) likely() (out support) {
	const hardly = 1e-9
	for i, w := range s.weights {
		if w > hardly {
			out.counts, out.weights = append(out.counts, s.counts[i]), append(out.weights, w)
		}
	}
	return out
}

func logChoose(n, k int) float64 {
	return lgamma(float64(n+1)) - lgamma(float64(k+1)) - lgamma(float64(n-k+1))
}

func (s support) mean() (sum float64) {
	for i, k := range s.counts {
		sum += float64(k) * s.weights[i]
	}
	return sum
}

func (s support) draw(r *rand.Rand) int { return s.counts[pick(r, s.weights, 1)] }

// pick draws an index in proportion to weights of this total.
func pick(r *rand.Rand, weights []float64, total float64) int {
	u := r.Float64() * total
	last := 0
	for i, w := range weights {
		if w <= 0 {
			continue
		}
		if last = i; u < w {
			return i
		}
		u -= w
	}
	return last
}

// sharing is counts of which something is known together: every way to come to a total
// that is possible weighs as the product of its parts does.
type sharing struct {
	members []int
	parts   []support
	// ways[i][s] is how much it weighs that the first i come to s, each i scaled; in the
	// last of them totals that are not possible weigh nothing.
	ways [][]float64
}

// mostWays bounds the table of a sharing, in numbers: 32 MB.
const mostWays = 4 << 20

// newSharing is nil where the parts cannot come to a possible total, or are too many.
func newSharing(parts []support, of *Group) *sharing {
	most := 0
	for _, p := range parts {
		most += p.counts[len(p.counts)-1]
	}
	if total := of.Amounts[0]; !math.IsNaN(total) {
		most = min(most, int(math.Round(total)))
	}
	if len(parts) == 0 || most < 0 || (len(parts)+1)*(most+1) > mostWays {
		return nil
	}
	s := &sharing{parts: parts, ways: make([][]float64, len(parts)+1)}
	s.ways[0] = make([]float64, most+1)
	s.ways[0][0] = 1
	for i, p := range parts {
		s.ways[i+1] = p.after(s.ways[i])
	}
	possible := 0.0
	for n, w := range s.ways[len(parts)] {
		if w > 0 && !of.allows(n) {
			s.ways[len(parts)][n], w = 0, 0
		}
		possible += w
	}
	if !(possible > 0) {
		return nil
	}
	return s
}

// after adds a count to sums; the result is scaled to a greatest of 1.
func (s support) after(sums []float64) []float64 {
	out := make([]float64, len(sums))
	most := 0.0
	for at, w := range sums {
		if w == 0 {
			continue
		}
		for i, k := range s.counts {
			if at+k >= len(out) {
				break
			}
			out[at+k] += w * s.weights[i]
			most = max(most, out[at+k])
		}
	}
	if most > 0 {
		for i := range out {
			out[i] /= most
		}
	}
	return out
}

func (s *sharing) means() []float64 {
	out := make([]float64, len(s.parts))
	last := s.ways[len(s.parts)]
	// rest[s] is how much it weighs that those behind come from s to a possible total.
	rest := make([]float64, len(last))
	for n, w := range last {
		if w > 0 {
			rest[n] = 1
		}
	}
	for i := len(s.parts) - 1; i >= 0; i-- {
		p, before := s.parts[i], make([]float64, len(rest))
		var sum, total, most float64
		for n := range before {
			for at, k := range p.counts {
				if n+k >= len(rest) {
					break
				}
				w := p.weights[at] * rest[n+k]
				before[n] += w
				sum += s.ways[i][n] * w * float64(k)
			}
			total += s.ways[i][n] * before[n]
			most = max(most, before[n])
		}
		out[i] = sum / total
		for n := range before {
			before[n] /= most
		}
		rest = before
	}
	return out
}

// draw draws a total, and goes back through the ways from it.
func (s *sharing) draw(r *rand.Rand, to []int) {
	last, all := s.ways[len(s.parts)], 0.0
	for _, w := range last {
		all += w
	}
	left := pick(r, last, all)
	for i := len(s.parts) - 1; i >= 0; i-- {
		p := s.parts[i]
		weights, total := make([]float64, len(p.counts)), 0.0
		for at, k := range p.counts {
			if k <= left {
				weights[at] = p.weights[at] * s.ways[i][left-k]
				total += weights[at]
			}
		}
		k := p.counts[pick(r, weights, total)]
		to[s.members[i]] = k
		left -= k
	}
}
