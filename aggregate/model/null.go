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

// apart is the variance, in log-odds, of the cohort against the cells for who is in them.
// What is published of both is cut on its own, a cohort over other rows than the cells
// have: they are taken for different installs of one campaign, of which the cells are a
// sample, too. (Were they known to be the same ones, they would differ by less.)
func (j *judged) apart(p float64) float64 {
	return square(leastDeviation) + 1/(max(j.installs, 1)*p*(1-p))
}

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
			j.installs += c.fine() + c.coarse() + c.Null + c.Random
			for _, l := range m.seen(w, i) {
				j.known += c.Random * l[1]
			}
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
		pulls[i] = pull{slope, (j.Payers - j.Installs*p) / information, 1/information + j.apart(p)}
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
