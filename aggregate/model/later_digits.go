package model

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// AllocationSettings are what is assumed of installs whose digits Apple withheld.
type AllocationSettings struct {
	// Most is for how many installs the siblings' mix speaks at most. Apple withholds the
	// digits of small crowds, whose mix is another one; however many siblings there are,
	// they say no more of it than so many installs would.
	Most float64
}

// AllocationDefaults are the settings that are documented.
func AllocationDefaults() AllocationSettings { return AllocationSettings{Most: 30} }

// Allocation is what one sibling is expected to have of a target. It is modelled, and
// nothing of it was seen.
type Allocation struct {
	Share, Installs Interval
	Amounts         []Interval // by metric
}

// Allocate divides a target's installs and estimates among siblings, by a Dirichlet of
// their installs. The estimates of all siblings sum to the target's; bounds don't.
func (p *Prediction) Allocate(target int, installs float64, siblings []float64, s AllocationSettings, seed uint64) ([]Allocation, error) {
	if !(s.Most >= 1 && s.Most <= 1e9) {
		return nil, fmt.Errorf("allocate withheld digits: most is %v; it must be at least 1", s.Most)
	}
	for i, n := range siblings {
		if !(n >= 0 && n < 1e12) { // also NaN
			return nil, fmt.Errorf("allocate withheld digits: sibling %d has %v installs", i, n)
		}
	}
	total := floats.Sum(siblings)
	if len(siblings) == 0 || total == 0 || !(installs >= 0) {
		return nil, nil // nobody to ask
	}
	mean := make([]float64, len(siblings))
	floats.AddScaled(mean, 1/total, siblings)
	shares, counts := make([][]float64, len(siblings)), make([][]float64, len(siblings))
	amounts := make([][][]float64, len(siblings))
	for i := range siblings {
		amounts[i] = make([][]float64, p.metrics)
	}
	src := rand.NewPCG(seed, 0x646967697473)
	r := rand.New(src)
	for d := range p.draws {
		drawn := dirichlet(src, mean, min(total, s.Most))
		left, rest := whole(r, installs), 1.0
		for i, share := range drawn {
			n := left
			if i < len(drawn)-1 {
				n = 0
				if rest > 0 {
					n = binomial(src, left, share/rest)
				}
			}
			left -= n
			rest -= share
			shares[i], counts[i] = append(shares[i], share), append(counts[i], float64(n))
			for metric := range p.metrics {
				amounts[i][metric] = append(amounts[i][metric], share*p.sample[target][metric*p.draws+d])
			}
		}
	}
	out := make([]Allocation, len(siblings))
	for i, m := range mean {
		out[i] = Allocation{Share: p.interval(m, shares[i]), Installs: p.interval(m*installs, counts[i])}
		for metric := range p.metrics {
			out[i].Amounts = append(out[i].Amounts, p.interval(m*p.estimate[target][metric], amounts[i][metric]))
		}
	}
	return out, nil
}

func (p *Prediction) interval(estimate float64, draws []float64) Interval {
	slices.Sort(draws)
	tail := (1 - p.coverage) / 2
	return Interval{estimate, min(quantile(draws, tail), estimate), max(quantile(draws, 1-tail), estimate)}
}
