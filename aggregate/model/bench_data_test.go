package model

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// bench is an app whose installs are drawn as the model supposes, so that what it finds
// can be held against what was put in.
type bench struct {
	networks, campaigns, windows int
	installs                     int // a cell
	coarse, null                 float64
	pay                          float64
	shift                        float64 // of payers in tier 1; twice in the null tier
	spread                       float64 // of campaigns' log-odds of paying
	consent                      float64
	bias                         float64 // log-odds of payers' consent
}

// benchValues: two values of others on low, one on medium, three bands of payers on high.
func benchValues() []Value {
	out := []Value{{Level: Low}, {Level: Low}, {Level: Medium}}
	for i := range out {
		out[i].Amounts = []float64{0, 0}
	}
	for _, revenue := range []float64{1, 5, 20} {
		out = append(out, Value{Level: High, Payer: true, Amounts: []float64{1, revenue}})
	}
	return out
}

// truths are what the installs of a cell did, by metric, and how many of them there are.
func (b bench) world(seed uint64) (in Input, targets []Target, truths [][2]float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	in = Input{Metrics: 2, Values: benchValues()}
	for n := range b.networks {
		for c := range b.campaigns {
			own := logit(b.pay) + b.spread*r.NormFloat64()
			e := Evidence{Network: "n" + strconv.Itoa(n), Campaign: strconv.Itoa(10 + c)}
			for w := range b.windows {
				cell := Cell{Network: e.Network, Campaign: e.Campaign, Window: w, Fine: make([]float64, len(in.Values))}
				t := Target{Cell: len(in.Cells), Seen: []float64{0, 0}}
				var truth [2]float64
				for range b.installs {
					tier, shift := r.Float64(), 0.0
					switch {
					case tier < b.null:
						shift = 2 * b.shift
					case tier < b.null+b.coarse:
						shift = b.shift
					}
					v := r.IntN(3)
					if r.Float64() < expit(own+shift) {
						v = 3 + min(2, r.IntN(4))
					}
					x := in.Values[v]
					truth[0] += x.Amounts[0]
					truth[1] += x.Amounts[1]
					if r.Float64() < expit(logit(max(b.consent, 1e-9))+b.bias*x.Amounts[0]) {
						e.Installs++
						e.Payers += x.Amounts[0]
					}
					switch {
					case tier < b.null:
						cell.Null++
					case tier < b.null+b.coarse:
						cell.Coarse[x.Level]++
					default:
						cell.Fine[v]++
						t.Seen[0] += x.Amounts[0]
						t.Seen[1] += x.Amounts[1]
					}
				}
				t.Coarse, t.Null = cell.Coarse, cell.Null
				in.Cells = append(in.Cells, cell)
				targets = append(targets, t)
				truths = append(truths, truth)
			}
			if b.consent > 0 {
				in.Consented = append(in.Consented, e)
			}
		}
	}
	return in, targets, truths
}

func (b bench) input(seed uint64) Input {
	in, _, _ := b.world(seed)
	return in
}

// still are settings under which the mean is linear in the draws: nothing shifts.
func still() Settings {
	s := Defaults()
	s.ExtrapolationSD, s.NullSD, s.DeviationFloor, s.ShiftSD, s.Draws = 0, 0, 0, 0.01, 2000
	return s
}

func meanAndSD(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, math.Sqrt(sd)
}
