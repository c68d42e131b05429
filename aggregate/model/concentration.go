package model

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// Bounds of concentrations, in installs: below the first children have nothing in
// common, above the second nothing of their own.
const (
	leastConcentration = 0.5
	mostConcentration  = 2e5
	startConcentration = 50.0 // before anything is known
)

// polya maximises the leave-one-out likelihood of the children: how well each install
// is foretold by the others of its node and by the node's prior.
func polya(children, priors [][]float64) float64 {
	best, at := math.Inf(-1), startConcentration
	if !slices.ContainsFunc(children, func(c []float64) bool { return floats.Sum(c) >= 2 }) {
		return at // no child tells anything of itself
	}
	for step := math.Log(leastConcentration); step < math.Log(mostConcentration); step += 0.25 {
		a := math.Exp(step)
		likelihood := 0.0
		for i, c := range children {
			n := floats.Sum(c)
			if n < 2 {
				continue
			}
			for g, k := range c {
				if k > 0 {
					likelihood += k * math.Log((max(k-1, 0)+a*priors[i][g])/(n-1+a))
				}
			}
		}
		if likelihood > best {
			best, at = likelihood, a
		}
	}
	return at
}

// credibility returns the estimator of concentrations for categories with amounts: the
// variance of an amount within a node over that of the nodes' means around their
// priors. Then the mean of a draw varies as the means were seen to vary, which the
// likelihood of the categories alone does not give: neighbouring bands move together.
func credibility(amounts []float64) func(children, priors [][]float64) float64 {
	return func(children, priors [][]float64) float64 {
		var within, freedom, between, weight, nodes float64
		for i, c := range children {
			n := floats.Sum(c)
			if n < 2 {
				continue
			}
			mean, variance := stat.PopMeanVariance(amounts, c)
			within += n * variance
			freedom += n - 1
			between += n * square(mean-floats.Dot(priors[i], amounts))
			weight += n
			nodes++
		}
		if freedom == 0 || within == 0 {
			return mostConcentration
		}
		spread := within / freedom
		own := (between - nodes*spread) / weight
		if own <= spread/mostConcentration {
			return mostConcentration
		}
		return max(leastConcentration, spread/own)
	}
}

func square(x float64) float64 { return x * x }

func logit(p float64) float64 { return math.Log(p) - math.Log1p(-p) }

func expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
