package schema

import "math"

// middles estimates closed bands at their middle, the open one at the mean.
func (s sample) middles(edges []int64) fitting {
	f := s.bands(edges, 0)
	for i := range f[:len(f)-1] {
		f[i].estimate = f[i].middle()
	}
	return f
}

// equalEdges are those of n-1 bands of one width up to top, at least a coin wide.
func equalEdges(n int, top int64) []int64 {
	edges := make([]int64, 0, n)
	last := int64(1)
	for i := 1; i < n; i++ {
		last = max(int64(math.Round(float64(top)*float64(i)/float64(n-1))), last+1)
		edges = append(edges, last)
	}
	return edges
}

// bestEqual is the width that fits best when the bands are estimated at their means.
func (s sample) bestEqual(n int) []int64 {
	if n == 1 {
		return nil // one band has no edge
	}
	at := s.places()
	var best []int64
	least := int64(math.MaxInt64)
	for _, i := range at[:len(at)-1] {
		if s.amounts[i] < int64(n) {
			continue // a band is at least a coin wide
		}
		edges := equalEdges(n, s.amounts[i])
		if _, d := s.read(s.bands(edges, 0)); d < least {
			best, least = edges, d
		}
	}
	return best
}

// quantiles are edges between bands of about the same number of payers, or of the
// same revenue.
func (s sample) quantiles(n int, revenue bool) []int64 {
	var edges []int64
	m := len(s.amounts)
	before := func(at int) float64 { // the share that paid less, or that they paid
		if revenue {
			return float64(s.sums[at]) / float64(s.sums[m])
		}
		return float64(at) / float64(m)
	}
	for i, at := 1, 0; i < n; i++ {
		for at < m && before(at)+before(at+1) < 2*float64(i)/float64(n) {
			at++ // more than half of this one lies below
		}
		for at > 0 && at < m && s.amounts[at] == s.amounts[at-1] {
			at++ // one amount lies in one band
		}
		if at == 0 || at >= m {
			continue
		}
		e := roundest(s.amounts[at-1], s.amounts[at])
		if len(edges) == 0 || e > edges[len(edges)-1] {
			edges = append(edges, e)
		}
	}
	return edges
}

// graded are edges whose distance grows with the amount: even steps of the fourth
// root from the smallest to the largest amount, which lies between even steps and
// even ratios. They have two digits; those that fall together are one.
func (s sample) graded(n int) []int64 {
	low, high := math.Pow(float64(s.amounts[0]), 0.25), math.Pow(float64(s.amounts[len(s.amounts)-1]), 0.25)
	var edges []int64
	for i := 1; i < n; i++ {
		e := twoDigits(int64(math.Pow(low+(high-low)*float64(i)/float64(n), 4)))
		if e > 1 && (len(edges) == 0 || e > edges[len(edges)-1]) {
			edges = append(edges, e)
		}
	}
	return edges
}
