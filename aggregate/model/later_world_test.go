package model

import (
	"math"
	"math/rand/v2"
)

// laterWorldOf is an app of so many installs a window, with what all its installs did in
// the later window. Nothing in it is a Dirichlet tree: campaigns differ by normal
// log-odds, windows by others, and tier 0 by its size.
type laterTruth struct {
	in     LaterInput
	payers []float64 // by cell
}

// carry is how much of the first window's shift of small crowds is there later.
func laterWorldOf(seed uint64, installs, windows int, carry float64) laterTruth {
	r := rand.New(rand.NewPCG(seed, 0x6c74))
	out := laterTruth{in: LaterInput{Metrics: 2, Levels: [3]LaterLevel{
		{Amounts: []float64{0, 0}}, {Amounts: []float64{0, 0}}, {Payer: true, Amounts: []float64{1, 12}},
	}}}
	shift := LaterShift{app: normal{sd: 0.25}, network: map[string]normal{}, campaign: map[[2]string]normal{}}
	app := -0.9 + 0.5*r.Float64() // of tier 0 against the others, at index 0
	shift.app.mean = app + shift.app.sd*r.NormFloat64()
	networks, each := 3, 4
	if installs < 2_000 {
		networks, each = 2, 3
	}
	for n := range networks {
		network := string(rune('a' + n))
		nPay, nAny, nNull := 0.35*r.NormFloat64(), 0.3*r.NormFloat64(), 0.08*r.NormFloat64()
		shift.network[network] = normal{nNull, 0.02}
		for c := range each {
			campaign := string(rune('A' + c))
			pay, any := -2.4+nPay+0.35*r.NormFloat64(), -0.4+nAny+0.3*r.NormFloat64()
			null := 0.1 + 0.3*r.Float64()
			cNull := 0.08 * r.NormFloat64()
			shift.campaign[[2]string{network, campaign}] = normal{cNull, 0.05}
			weight := math.Exp(0.8 * r.NormFloat64())
			for w := range windows {
				paying, setting := expit(pay+0.1*r.NormFloat64()), expit(any+0.1*r.NormFloat64())
				small := expit(logit(paying) + carry*(app+nNull+cNull))
				cell := LaterCell{Network: network, Campaign: campaign, Window: w}
				truth := 0.0
				for range int(weight * float64(installs) / float64(networks*each)) {
					tier0 := r.Float64() < null
					p := paying
					if tier0 {
						p = small
						cell.Null++
					}
					level := nothing
					switch {
					case r.Float64() < p:
						level = High
						truth++
					case r.Float64() < setting:
						level = r.IntN(2)
					}
					switch {
					case tier0:
					case level == nothing:
						cell.Nothing++
					default:
						cell.Levels[level]++
					}
				}
				out.in.Cells = append(out.in.Cells, cell)
				out.payers = append(out.payers, truth)
			}
		}
	}
	out.in.Shift = shift
	return out
}
