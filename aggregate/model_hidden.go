package aggregate

import (
	"math"
	"math/rand/v2"
)

// ways are the counts that a row may have had, given what was published of it: those
// that the rules of publication would have published so, each with its chance.
type ways struct {
	counts  [][5]int
	weights []float64
}

// pick is the mean of the counts, or one of them where random is given.
func (w *ways) pick(random *rand.Rand) (out [5]float64) {
	if random != nil {
		u, last := random.Float64(), len(w.weights)-1
		for i, x := range w.weights {
			if u -= x; u < 0 || i == last {
				for j, k := range w.counts[i] {
					out[j] = float64(k)
				}
				return out
			}
		}
	}
	for i, x := range w.weights {
		for j, k := range w.counts[i] {
			out[j] += x * float64(k)
		}
	}
	return out
}

// mixture is how the installs of a row divide over kinds, or levels: rows vary around
// the app's shares as a Dirichlet distribution of this concentration does, since crowds
// have their kind as a whole.
type mixture struct {
	counts        [5]float64 // that the shares are taken from
	concentration float64
	table         [5][]float64 // logarithms of the chance of 0, 1, ... of each
}

// log is the chance of counts, up to a constant of their sum (Dirichlet-multinomial).
func (m *mixture) log(counts [5]int) (sum float64) {
	for i, k := range counts {
		if k >= len(m.table[i]) {
			m.extend(i, k)
		}
		sum += m.table[i][k]
	}
	return sum
}

func (m *mixture) extend(i, k int) {
	total := 0.0
	for _, n := range m.counts {
		total += n
	}
	alpha := m.concentration * m.counts[i] / total
	for n := len(m.table[i]); n < 2*k+16; n++ {
		x := 0.0
		switch {
		case n == 0:
		case !(alpha > 0):
			x = math.Inf(-1)
		default:
			x = lgamma(float64(n)+alpha) - lgamma(alpha) - lgamma(float64(n+1))
		}
		m.table[i] = append(m.table[i], x)
	}
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// of weighs ways and returns the logarithm of their chance together.
func (m *mixture) of(counts [][5]int, installs int) (ways, float64) {
	w := ways{counts: counts, weights: make([]float64, len(counts))}
	best := math.Inf(-1)
	for i, c := range counts {
		w.weights[i] = m.log(c)
		best = max(best, w.weights[i])
	}
	if math.IsInf(best, -1) {
		return ways{}, best
	}
	total := 0.0
	for i, x := range w.weights {
		w.weights[i] = math.Exp(x - best)
		total += w.weights[i]
	}
	for i := range w.weights {
		w.weights[i] /= total
	}
	a := m.concentration
	return w, best + math.Log(total) + lgamma(a) - lgamma(a+float64(installs))
}

// Concentrations that are tried, in installs, and what is believed before: of rows of
// some hundred installs and crowds of some ten, with a factor of three either way.
const (
	leastSpread    = 1.0
	mostSpread     = 5000.0
	believedSpread = 10.0
)

// observedRow is what a row may have been.
type observedRow struct {
	counts   [][5]int
	installs int
}

// settling is how often shares and concentration are estimated in turn.
const settling = 12

// settle estimates the mixture from rows, of which some only tell what they may have
// been: each by what it is expected to have been, again and again (the usual maximum
// likelihood of counts that are known in part).
func (m *mixture) settle(rows []observedRow, prior [5]float64) {
	m.counts = prior
	for round := range settling {
		if round%4 == 0 {
			m.spread(rows)
		}
		m.table = [5][]float64{}
		next := prior
		for _, r := range rows {
			w, _ := m.of(r.counts, r.installs)
			for i, n := range w.pick(nil) {
				next[i] += n
			}
		}
		m.counts = next
	}
	m.table = [5][]float64{}
}

// spread finds the concentration under which what was published is likeliest.
func (m *mixture) spread(rows []observedRow) {
	best, at := math.Inf(-1), believedSpread
	for a := leastSpread; a <= mostSpread; a *= 2 {
		m.concentration, m.table = a, [5][]float64{}
		x := math.Log(a/believedSpread) / math.Log(3)
		log := -x * x / 2
		for _, r := range rows {
			if _, chance := m.of(r.counts, r.installs); !math.IsInf(chance, -1) {
				log += chance
			}
		}
		if log > best {
			best, at = log, a
		}
	}
	m.concentration, m.table = at, [5][]float64{}
}
