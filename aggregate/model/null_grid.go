package model

import "math"

// The grid over the further shift and the consent bias, in log-odds.
const (
	gridHalf   = 2.0
	gridStep   = 0.1
	gridRows   = 40   // 2 gridHalf / gridStep
	gridCoarse = 4    // steps of the coarse grid
	gridDepth  = 60.0 // in log likelihood, below the best point, that is looked at in full
	biasStep   = 0.05
	biasWide   = 0.5 // beyond three standard deviations
	biasHalf   = 12.0
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

// point is one of the grid, with the logarithm of its weight.
type point struct{ shift, bias, log float64 }

// expected are the log-odds of the share of payers that each line would have without
// bias, and the variance of them for the deviations of networks and campaigns.
func (m *Model) expected(w *world, lines []judged, shift, deviation float64) (shares, spreads []float64) {
	shares, spreads = make([]float64, len(lines)), make([]float64, len(lines))
	for i, j := range lines {
		share, slope := m.at(w, j, shift)
		shares[i], spreads[i] = logit(share), square(slope*deviation)
	}
	return shares, spreads
}

// weigh integrates over the null tier's further shift and the consented cohorts' bias,
// and returns the mean of the bias. A cohort's payers are beta-binomial: it shares its
// campaign's deviation, and has one of its own.
func (m *Model) weigh(n *nullTier, lines []judged, deviation float64) float64 {
	points, best := m.points(lines, deviation, gridDepth)
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

// points are those of the grid that may weigh anything, and the greatest logarithm. Most
// of the grid weighs nothing: a coarse one says where, of which some point is so near
// each point that what weighs is not missed.
func (m *Model) points(lines []judged, deviation, depth float64) (out []point, best float64) {
	g := &grid{m: m, w: m.mean(), lines: lines, deviation: deviation, biases: biases(m.settings.ConsentBiasSD)}
	// What the cohort says of the null tier corrects tier 1's errors, too.
	s := m.settings
	g.prior = max(1e-6, math.Hypot(math.Hypot(s.NullSD, s.ExtrapolationSD*m.shifts.payers), s.Extrapolation*m.shifts.payersSD()))
	type at struct{ row, column int }
	near := map[at]float64{}
	best = math.Inf(-1)
	for row := 0; row <= gridRows; row += gridCoarse {
		for column := 0; column < len(g.biases); column += gridCoarse {
			log := g.at(row, column)
			near[at{row / gridCoarse, column / gridCoarse}] = log
			best = max(best, log)
		}
	}
	for row := range gridRows + 1 {
		for column := range g.biases {
			log, known := near[at{(row + gridCoarse/2) / gridCoarse, (column + gridCoarse/2) / gridCoarse}]
			if known && log < best-depth {
				continue
			}
			log = g.at(row, column)
			best = max(best, log)
			out = append(out, point{g.shift(row), g.biases[column].at, log})
		}
	}
	return out, best
}

// grid computes points, row by row of the shift.
type grid struct {
	m                *Model
	w                *world
	lines            []judged
	deviation, prior float64
	biases           []struct{ at, log float64 }

	row             int
	shares, spreads []float64 // of the row, by line
}

func (g *grid) shift(row int) float64 { return -gridHalf + gridStep*float64(row) }

// at is the logarithm of a point's weight.
func (g *grid) at(row, column int) float64 {
	if g.shares == nil || g.row != row {
		g.row = row
		g.shares, g.spreads = g.m.expected(g.w, g.lines, g.shift(row), g.deviation)
	}
	bias := g.biases[column]
	log := -0.5*square(g.shift(row)/g.prior) + bias.log
	for i := range g.lines {
		j := &g.lines[i]
		p := clip(expit(g.shares[i] + bias.at))
		log += betaBinomial(j.Payers, j.Installs, p, g.spreads[i]+j.apart(p))
	}
	return log
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
