package model

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// hide takes a share of the known installs out of each cell, whatever their values:
// each cell is a stratum, so that no campaign and no window is tested by chance alone.
// Truth is what was hidden, by target and metric.
func hide(in Input, o BackTestOptions) (left Input, targets []Target, truth [][]float64, known int, err error) {
	left = in
	left.Consented = nil
	left.Cells = cloneCells(in.Cells)
	if o.Known != nil && len(o.Known) != len(in.Cells) {
		return left, nil, nil, 0, fmt.Errorf("back-test: known counts of %d cells of %d", len(o.Known), len(in.Cells))
	}
	r := rand.New(rand.NewPCG(o.Seed, 0x6869646465))
	carry := r.Float64() // small cells hide one of their installs in turn, and not never
	for i, c := range in.Cells {
		if o.Window != nil && c.Window != *o.Window {
			continue
		}
		counts := c.Fine
		if o.Known != nil {
			if counts = o.Known[i]; len(counts) != len(c.Fine) {
				return left, nil, nil, 0, fmt.Errorf("back-test: known counts of %d values of %d in cell %d", len(counts), len(c.Fine), i)
			}
		}
		installs, total := wholes(r, counts), 0
		for v, n := range installs {
			if !(counts[v] >= 0 && counts[v] <= c.Fine[v]+sameAmount) { // also NaN
				return left, nil, nil, 0, fmt.Errorf("back-test: cell %d knows %v installs of value %d and counts %v", i, counts[v], v, c.Fine[v])
			}
			total += n
		}
		known += total
		carry += o.Share * float64(total)
		take := min(total, int(carry))
		carry -= float64(take)
		if take == 0 {
			continue
		}
		amounts := make([]float64, in.Metrics)
		for v, n := range choose(r, installs, total, take) {
			// The whole number that was hidden may be above the fraction that was counted.
			left.Cells[i].Fine[v] = max(0, c.Fine[v]-counts[v]+float64(installs[v]-n))
			for metric, a := range in.Values[v].Amounts {
				amounts[metric] += float64(n) * a
			}
		}
		targets = append(targets, Target{Cell: i, Seen: make([]float64, in.Metrics), Random: float64(take)})
		truth = append(truth, amounts)
	}
	return left, targets, truth, known, nil
}

// wholes makes counts whole numbers at random, each with its mean and all with their
// sum: an install is hidden or it is not. Published bins of several values are read as
// fractions of installs.
func wholes(r *rand.Rand, counts []float64) []int {
	out := make([]int, len(counts))
	at := r.Float64()
	for v, k := range counts {
		if !(k > 0) {
			continue
		}
		down, part := math.Modf(k)
		out[v] = int(down)
		if at += part; at >= 1 {
			out[v]++
			at--
		}
	}
	return out
}

// choose takes so many of all installs, each with the same chance, and counts them by
// value.
func choose(r *rand.Rand, installs []int, total, take int) []int {
	out := make([]int, len(installs))
	for v, n := range installs {
		for range n {
			if r.IntN(total) < take {
				out[v]++
				take--
			}
			total--
		}
	}
	return out
}
