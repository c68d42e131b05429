package main

import "slices"

// median of a non-empty list; of an even number the mean of the middle two.
func median(of []float64) float64 {
	s := slices.Sorted(slices.Values(of))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}

// quantile of a sorted, non-empty list: the smallest value that q of them don't exceed.
func quantile[T any](sorted []T, q float64) T {
	i := int(q * float64(len(sorted)))
	return sorted[min(i, len(sorted)-1)]
}

// order of n contestants in a round: forwards and backwards in turn, so that what
// drifts (a warming disk, a neighbour) falls on all of them alike.
func order(round, n int) []int {
	o := make([]int, n)
	for i := range o {
		o[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(o)
	}
	return o
}

// ratios divides two series round by round.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}
