package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// shop is an app of six values: two low, one medium, three bands of payers.
func shop() Input {
	in := Input{Metrics: 2}
	for i, v := range []struct {
		level int
		worth float64
	}{{Low, 0}, {Low, 0}, {Medium, 0}, {High, 3}, {High, 10}, {High, 40}} {
		payer := 0.0
		if i >= 3 {
			payer = 1
		}
		in.Values = append(in.Values, Value{Level: v.level, Payer: payer > 0, Amounts: []float64{payer, v.worth}})
	}
	return in
}

// stock fills the shop with cells; counts are whole, or not.
func stock(r *rand.Rand, campaigns, windows int, most float64, whole bool) Input {
	in := shop()
	for c := range campaigns {
		for w := range windows {
			cell := Cell{Network: string(rune('a' + c%3)), Campaign: string(rune('A' + c)), Window: w, Fine: make([]float64, len(in.Values))}
			for v := range cell.Fine {
				cell.Fine[v] = most * r.Float64() * r.Float64()
				if whole {
					cell.Fine[v] = math.Floor(cell.Fine[v])
				}
			}
			cell.Coarse[Low], cell.Coarse[High] = math.Floor(most*r.Float64()), math.Floor(most/4*r.Float64())
			cell.Null = math.Floor(most * r.Float64())
			in.Cells = append(in.Cells, cell)
		}
	}
	return in
}

func TestHideIsStratifiedAndConserves(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		whole := seed%2 == 0
		in := stock(r, 1+r.IntN(6), 1+r.IntN(4), []float64{0.5, 4, 60}[seed%3], whole)
		before, err := json.Marshal(in)
		require.NoError(t, err)
		share := 0.05 + 0.9*r.Float64()
		left, targets, truth, known, err := hide(in, BackTestOptions{Share: share, Seed: seed})
		require.NoError(t, err)
		after, err := json.Marshal(in)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "the input is the caller's")
		require.NoError(t, left.check())
		hidden := 0.0
		of := map[int]float64{}
		for i, x := range targets {
			require.Positive(t, x.Random)
			hidden += x.Random
			of[x.Cell] = x.Random
			require.LessOrEqual(t, truth[i][0], x.Random, "payers among the hidden")
		}
		require.InDelta(t, share*float64(known), hidden, 1, "of all")
		for i, c := range in.Cells {
			if whole {
				require.InDelta(t, c.fine(), left.Cells[i].fine()+of[i], 1e-9, "every install is hidden or left")
				require.InDelta(t, share*c.fine(), of[i], 1, "of each stratum")
			} else {
				require.InDelta(t, c.fine(), left.Cells[i].fine()+of[i], float64(len(c.Fine)), "rounding")
			}
		}
	}
}

func TestWholesKeepMeanAndSum(t *testing.T) {
	t.Parallel()
	counts := []float64{0, 0.2, 3.5, 7, 0.3, 12.25}
	r := rand.New(rand.NewPCG(1, 2))
	sums := make([]float64, len(counts))
	const times = 20_000
	for range times {
		total := 0
		for v, n := range wholes(r, counts) {
			require.InDelta(t, counts[v], float64(n), 1)
			sums[v] += float64(n)
			total += n
		}
		require.InDelta(t, 23.25, float64(total), 1)
	}
	for v, s := range sums {
		require.InDelta(t, counts[v], s/times, 0.015)
	}
}

// What is hidden is a sample without regard to the value.
func TestChooseIsFair(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	installs := []int{1, 0, 10, 30, 4}
	sums := make([]float64, len(installs))
	const times = 20_000
	for range times {
		total := 0
		for v, n := range choose(r, installs, 45, 9) {
			require.LessOrEqual(t, n, installs[v])
			sums[v] += float64(n)
			total += n
		}
		require.Equal(t, 9, total)
	}
	for v, n := range installs {
		require.InDelta(t, 0.2*float64(n), sums[v]/times, 0.05)
	}
}

func TestKnownLimitsWhatIsHidden(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(5, 5)), 3, 2, 80, true)
	known := make([][]float64, len(in.Cells))
	for i, c := range in.Cells {
		known[i] = make([]float64, len(c.Fine))
		known[i][4] = c.Fine[4] / 2 // half of one value is known, the rest imputed
	}
	left, targets, truth, _, err := hide(in, BackTestOptions{Share: 0.5, Seed: 1, Known: known})
	require.NoError(t, err)
	require.NotEmpty(t, targets)
	for i, x := range targets {
		require.InDelta(t, x.Random, truth[i][0], 1e-9, "only that value was hidden, and it is a payer's")
		require.InDelta(t, 10*x.Random, truth[i][1], 1e-9)
		require.InDelta(t, in.Cells[x.Cell].Fine[5], left.Cells[x.Cell].Fine[5], 1e-9)
	}
	for name, wrong := range map[string][][]float64{
		"cells": known[1:], "values": {{1}, {1}, {1}, {1}, {1}, {1}},
		"more than counted": {{1e9, 0, 0, 0, 0, 0}, nil, nil, nil, nil, nil}, "NaN": {{math.NaN(), 0, 0, 0, 0, 0}, nil, nil, nil, nil, nil},
	} {
		_, _, _, _, err := hide(in, BackTestOptions{Share: 0.5, Known: wrong})
		require.Error(t, err, name)
	}
}

func TestBackTestOfOneWindow(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(6, 6)), 6, 4, 120, true)
	window := 2
	_, targets, _, _, err := hide(in, BackTestOptions{Share: 0.2, Window: &window})
	require.NoError(t, err)
	require.Len(t, targets, 6)
	for _, x := range targets {
		require.Equal(t, window, in.Cells[x.Cell].Window)
	}
}

func TestBackTestProperties(t *testing.T) {
	t.Parallel()
	s := Defaults()
	s.Draws = 20
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 7))
		in := stock(r, 1+r.IntN(5), 1+r.IntN(3), []float64{1.5, 10, 200}[seed%3], seed%2 == 0)
		o := BackTestOptions{Share: 0.2, Seed: seed}
		b, err := RunBackTest(in, s, o)
		if err != nil {
			require.ErrorIs(t, err, ErrNoSignal)
			continue
		}
		again, err := RunBackTest(in, s, o)
		require.NoError(t, err)
		require.Equal(t, b, again, "the same seed, the same test")
		require.Len(t, b.Levels, 6)
		require.Contains(t, b.Says, "only")
		require.LessOrEqual(t, b.Hidden, b.Known)
		for _, l := range b.Levels {
			require.Equal(t, l.Intervals, l.Held+l.Under+l.Over)
			require.Positive(t, l.Intervals)
			require.InDelta(t, float64(l.Held)/float64(l.Intervals), l.Coverage, 1e-12)
			for _, x := range []float64{l.Truth, l.Estimate, l.Width} {
				require.False(t, math.IsNaN(x) || math.IsInf(x, 0) || x < 0)
			}
			require.Equal(t, l.Truth > 0, l.Error != nil)
			if l.Error != nil {
				require.LessOrEqual(t, math.Abs(*l.Bias), *l.Error+1e-9)
			}
		}
		cell, ok := b.Of(BackTestCell, 0)
		require.True(t, ok)
		network, ok := b.Of(BackTestNetwork, 0)
		require.True(t, ok)
		require.InDelta(t, cell.Truth, network.Truth, 1e-6, "levels are sums of the same")
		require.InDelta(t, cell.Estimate, network.Estimate, 1e-6)
		_, err = json.Marshal(b)
		require.NoError(t, err)
	}
}

func TestBackTestRefuses(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(8, 8)), 2, 2, 50, true)
	for _, share := range []float64{0, 1, -1, math.NaN()} {
		_, err := RunBackTest(in, Defaults(), BackTestOptions{Share: share})
		require.ErrorContains(t, err, "share")
	}
	_, err := RunBackTest(shop(), Defaults(), BackTestOptions{Share: 0.2})
	require.ErrorIs(t, err, ErrNoSignal)
	empty := shop()
	empty.Cells = []Cell{{Network: "a", Fine: make([]float64, 6), Null: 1000}}
	_, err = RunBackTest(empty, Defaults(), BackTestOptions{Share: 0.2})
	require.ErrorIs(t, err, ErrNoSignal)
	bad := stock(rand.New(rand.NewPCG(8, 8)), 2, 2, 50, true)
	bad.Cells[0].Null = -1
	_, err = RunBackTest(bad, Defaults(), BackTestOptions{Share: 0.2})
	require.ErrorContains(t, err, "counts -1")
}
