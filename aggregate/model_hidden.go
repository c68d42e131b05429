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

// variances are those of the counts.
func (w *ways) variances() (out [5]float64) {
	mean := w.pick(nil)
	for i, x := range w.weights {
		for j, k := range w.counts[i] {
			out[j] += x * (float64(k) - mean[j]) * (float64(k) - mean[j])
		}
	}
	return out
}

// mixture is how the installs of a row divide over kinds, or levels, or payers and
// others. Rows vary around their campaign's shares as a Dirichlet distribution of one
// concentration does, since crowds have their kind as a whole, and campaigns around the
// app's with another. Both, and all shares, are estimated from what was published.
type mixture struct {
	shares   [5]float64 // the app's
	rows     float64    // concentration of rows around their campaign,
	between  float64    // of campaigns around the app
	campaign map[histogramKey]*[5]float64
}

// of weighs the ways of a row of a campaign.
func (m *mixture) of(counts [][5]int, campaign histogramKey) ways {
	w, _ := weigh(counts, m.shareOf(campaign), m.rows)
	return w
}

func (m *mixture) shareOf(campaign histogramKey) *[5]float64 {
	if s := m.campaign[campaign]; s != nil {
		return s
	}
	return &m.shares
}

// weigh weighs counts as the Dirichlet-multinomial of these shares and concentration
// does, and returns the logarithm of their chance together, up to what does not hang on
// either.
func weigh(counts [][5]int, shares *[5]float64, concentration float64) (ways, float64) {
	if len(counts) == 0 {
		return ways{}, math.Inf(-1)
	}
	installs := 0
	for _, n := range counts[0] {
		installs += n
	}
	w := ways{counts: counts, weights: make([]float64, len(counts))}
	for j, share := range shares {
		least, most := counts[0][j], counts[0][j]
		for _, c := range counts {
			least, most = min(least, c[j]), max(most, c[j])
		}
		// From one count to the next: lgamma is dear.
		alpha, table := concentration*share, make([]float64, most-least+1)
		switch {
		case alpha > 0:
			table[0] = lgamma(float64(least)+alpha) - lgamma(alpha) - lgamma(float64(least+1))
			for n := least; n < most; n++ {
				table[n-least+1] = table[n-least] + math.Log((float64(n)+alpha)/float64(n+1))
			}
		default:
			for i := range table {
				if least+i > 0 {
					table[i] = math.Inf(-1)
				}
			}
		}
		for i, c := range counts {
			w.weights[i] += table[c[j]-least]
		}
	}
	best := math.Inf(-1)
	for _, x := range w.weights {
		best = max(best, x)
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
	return w, best + math.Log(total) + lgamma(concentration) - lgamma(concentration+float64(installs))
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

func sumOf(x *[5]float64) float64 { return x[0] + x[1] + x[2] + x[3] + x[4] }

// toward is the mean of counts under a Dirichlet prior of these shares.
func toward(counts, shares *[5]float64, weight float64) (out [5]float64) {
	n := sumOf(counts) + weight
	for i, k := range counts {
		out[i] = (k + weight*shares[i]) / n
	}
	return out
}

// add adds counts, each this many times.
func add(to, counts *[5]float64, times float64) {
	for i, k := range counts {
		to[i] += times * k
	}
}

// passed is how much of n installs a mean learns that they vary around.
func passed(n, concentration float64) float64 { return concentration / (concentration + n) }
