package model

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// nullTier is what is believed of payers in the null tier beyond the extrapolated
// shift, in log-odds.
type nullTier struct {
	shift, shiftSD float64
	informed       bool // by a consented cohort: then the spread of what is extrapolated is in shiftSD
	network        []normal
	campaign       []normal
}

type normal struct{ mean, sd float64 }

// judged is one line of evidence beside what the model says of the same installs.
type judged struct {
	Evidence
	known     float64 // payers outside the null tier, seen or expected
	installs  float64
	cells     []int
	network   int
	campaigns int // -1: the whole network
}

// leastDeviation is how far a consented cohort may differ from its campaign for reasons
// of its own, in log-odds, however large it is.
const leastDeviation = 0.03

// judgeNull forms the beliefs: from settings and tier 1 alone, or with evidence.
func (m *Model) judgeNull() nullTier {
	// Deviations are of networks and campaigns in equal parts.
	deviation := math.Hypot(m.settings.Extrapolation*math.Sqrt(m.shifts.between), m.settings.DeviationFloor)
	own := normal{sd: deviation / math.Sqrt2}
	n := nullTier{shiftSD: m.settings.NullSD}
	for range m.layout.networks {
		n.network = append(n.network, own)
	}
	for range m.layout.networkOf {
		n.campaign = append(n.campaign, own)
	}
	m.null = n
	lines := m.judge()
	if len(lines) == 0 {
		return n
	}
	bias := m.weigh(&n, lines, deviation)
	m.null = n
	m.deviate(&n, lines, bias)
	return n
}

// judge finds the cells of each line of evidence.
func (m *Model) judge() []judged {
	w := m.mean()
	var out []judged
	for _, e := range m.in.Consented {
		if e.Installs <= 0 {
			continue
		}
		j := judged{Evidence: e, campaigns: -1}
		for i, c := range m.in.Cells {
			if c.Network != e.Network || e.Campaign != "" && c.Campaign != e.Campaign {
				continue
			}
			j.cells = append(j.cells, i)
			j.network = m.layout.sites[i].network
			if e.Campaign != "" {
				j.campaigns = m.layout.sites[i].campaign
			}
			j.installs += c.fine() + c.coarse() + c.Null
			for v, k := range c.Fine {
				if m.in.Values[v].Payer {
					j.known += k
				}
			}
			for level, k := range c.Coarse {
				j.known += k * w.shifts.coarsePayers(level, m.payerShare(w, level, i))
			}
		}
		if j.installs > 0 {
			out = append(out, j)
		}
	}
	return out
}

// at says what share of a line's installs paid if the null tier shifts by so much more,
// and how far the log-odds of that share follow the shift.
func (m *Model) at(w *world, j judged, more float64) (share, slope float64) {
	paid, follow := j.known, 0.0
	for _, i := range j.cells {
		mix := m.withheld(w, i)
		p := 0.0
		for level := range mix {
			p += mix[level][1]
		}
		p = expit(logit(clip(p)) + more)
		paid += p * m.in.Cells[i].Null
		follow += p * (1 - p) * m.in.Cells[i].Null
	}
	share = clip(paid / j.installs)
	return share, follow / j.installs / (share * (1 - share))
}

func clip(p float64) float64 { return min(max(p, 1e-5), 1-1e-5) }

// The grid over the further shift and the consent bias, in log-odds.
const (
	gridHalf = 2.0
	gridStep = 0.1
	biasStep = 0.05
	biasWide = 0.5 // beyond three standard deviations
	biasHalf = 12.0
)

// biases is the grid over the consent bias with the logarithm of its prior times the
// width of the step: Student's t with three degrees of freedom, so that a cohort that
// nothing else explains, say of payers only, is a biased one and no proof of a null
// tier unlike all others.
func biases(sd float64) (out []struct{ at, log float64 }) {
	for at := -biasHalf; at <= biasHalf; {
		step := biasWide
		if math.Abs(at) < 3*sd {
			step = biasStep
		}
		out = append(out, struct{ at, log float64 }{at, math.Log(step) - 2*math.Log1p(square(at/sd)/3)})
		at += step
	}
	return out
}

// weigh integrates over the null tier's further shift and the consented cohorts' bias,
// and returns the mean of the bias. A cohort's payers are beta-binomial: it shares its
// campaign's deviation, and has one of its own.
func (m *Model) weigh(n *nullTier, lines []judged, deviation float64) float64 {
	s := m.settings
	// What the cohort says of the null tier corrects tier 1's errors, too.
	prior := math.Hypot(math.Hypot(s.NullSD, s.ExtrapolationSD*m.shifts.payers), s.Extrapolation*m.shifts.payersSD())
	w := m.mean()
	type point struct{ shift, bias, log float64 }
	var points []point
	best := math.Inf(-1)
	for shift := -gridHalf; shift <= gridHalf+gridStep/2; shift += gridStep {
		shares, slopes := make([]float64, len(lines)), make([]float64, len(lines))
		for i, j := range lines {
			shares[i], slopes[i] = m.at(w, j, shift)
		}
		for _, bias := range biases(s.ConsentBiasSD) {
			log := -0.5*square(shift/max(prior, 1e-6)) + bias.log
			for i, j := range lines {
				p := clip(expit(logit(shares[i]) + bias.at))
				log += betaBinomial(j.Payers, j.Installs, p, square(slopes[i]*deviation)+square(leastDeviation))
			}
			points = append(points, point{shift, bias.at, log})
			best = max(best, log)
		}
	}
	var total, mean, second, bias float64
	for _, p := range points {
		e := exp(p.log - best)
		total += e
		mean += e * p.shift
		second += e * p.shift * p.shift
		bias += e * p.bias
	}
	n.shift = mean / total
	n.shiftSD = math.Sqrt(max(0, second/total-square(n.shift)))
	n.informed = true
	return bias / total
}

// betaBinomial is the log likelihood of y of n, where the log-odds of p vary by
// variance.
func betaBinomial(y, n, p, variance float64) float64 {
	weight := max(1/(p*(1-p)*variance)-1, 2)
	return lgamma(y+p*weight) + lgamma(n-y+(1-p)*weight) - lgamma(n+weight) +
		lgamma(weight) - lgamma(p*weight) - lgamma((1-p)*weight)
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// deviate gives networks and campaigns the deviations that the evidence speaks for:
// normal posteriors by one step of Fisher scoring, networks first.
func (m *Model) deviate(n *nullTier, lines []judged, bias float64) {
	type pull struct{ slope, residual, variance float64 }
	w := m.mean()
	pulls := make([]pull, len(lines))
	precision, weighted := make([]float64, len(n.network)), make([]float64, len(n.network))
	for i, j := range lines {
		share, slope := m.at(w, j, 0)
		p := clip(expit(logit(share) + bias))
		information := j.Installs * p * (1 - p)
		pulls[i] = pull{slope, (j.Payers - j.Installs*p) / information, 1/information + square(leastDeviation)}
		own := pulls[i].variance
		if j.campaigns >= 0 {
			own += square(slope * n.campaign[j.campaigns].sd)
		}
		precision[j.network] += square(slope) / own
		weighted[j.network] += slope * pulls[i].residual / own
	}
	for k := range n.network {
		if precision[k] > 0 {
			total := precision[k] + 1/square(n.network[k].sd)
			n.network[k] = normal{weighted[k] / total, math.Sqrt(1 / total)}
		}
	}
	for i, j := range lines {
		if j.campaigns < 0 || pulls[i].slope == 0 {
			continue
		}
		p, own := pulls[i], &n.campaign[j.campaigns]
		total := square(p.slope)/p.variance + 1/square(own.sd)
		*own = normal{p.slope * (p.residual - p.slope*n.network[j.network].mean) / p.variance / total, math.Sqrt(1 / total)}
	}
}

// standard is a standard normal of the given source, for draws.
func standard(src randSource) distuv.Normal { return distuv.Normal{Mu: 0, Sigma: 1, Src: src} }
