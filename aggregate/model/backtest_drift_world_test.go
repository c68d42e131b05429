package model

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// drifting is an app of quiet windows, whose campaigns stay what they are; from a window
// on every campaign pays as it likes, window by window.
func drifting(seed uint64, windows, from int) Input {
	r := rand.New(rand.NewPCG(seed, 0x6472))
	in := shop()
	for c := range 60 {
		pay := -2 + 0.4*r.NormFloat64()
		for w := range windows {
			p := pay + 0.03*r.NormFloat64()
			if w >= from {
				p += 2.5 * r.NormFloat64()
			}
			cell := Cell{Network: string(rune('a' + c%3)), Campaign: string(rune('A' + c)), Window: w, Fine: make([]float64, len(in.Values))}
			for range 60 {
				v := r.IntN(3)
				if r.Float64() < expit(p) {
					v = 3 + r.IntN(3)
				}
				cell.Fine[v]++
			}
			in.Cells = append(in.Cells, cell)
		}
	}
	return in
}

// Campaigns that change in the two last windows raise the alarm; quiet ones don't.
func TestDriftInWorlds(t *testing.T) {
	t.Parallel()
	s, held, of := Defaults(), 0, 0
	s.Draws = 60
	for _, from := range []int{10, 8} {
		alarms := 0
		for seed := range uint64(3) {
			in := drifting(seed, 10, from)
			var tests []DatedBackTest
			for w := 8; w < 10; w++ {
				upTo := in
				upTo.Cells = nil
				for _, c := range in.Cells {
					if c.Window <= w {
						upTo.Cells = append(upTo.Cells, c)
					}
				}
				b, err := RunBackTest(upTo, s, DriftOptions(w, seed))
				require.NoError(t, err)
				l, ok := b.Of(BackTestCell, 0)
				require.True(t, ok)
				if w < from {
					held, of = held+l.Held, of+l.Intervals
				}
				tests = append(tests, DatedBackTest{fmt.Sprint("week ", w), b})
			}
			found, err := FindDrift(tests, DriftDefaults())
			require.NoError(t, err)
			for _, d := range found {
				if d.Level == BackTestCell && d.Metric == 0 {
					alarms++
				}
			}
		}
		t.Logf("changed from window %d on: %d alarms", from, alarms)
		if from == 10 {
			require.Zero(t, alarms, "nothing has changed")
		} else {
			require.GreaterOrEqual(t, alarms, 2, "of three")
		}
	}
	require.InDelta(t, 0.93, float64(held)/float64(of), 0.05, "of quiet windows")
}
