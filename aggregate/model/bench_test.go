package model

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// A quarter of a middling app: 350,000 installs on 1,500 rows, 200 draws.
func BenchmarkFitPredict(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	in := Input{Metrics: 2}
	for v := range 64 {
		x := Value{Level: v / 22, Payer: v >= 22, Amounts: []float64{0, 0}}
		if x.Payer {
			x.Amounts = []float64{1, float64(v * v)}
		}
		in.Values = append(in.Values, x)
	}
	var targets []Target
	for network := range 5 {
		for campaign := range 25 {
			for window := range 12 {
				c := Cell{Network: strconv.Itoa(network), Campaign: strconv.Itoa(campaign), Window: window, Fine: make([]float64, 64)}
				for range 150 {
					c.Fine[min(63, int(r.ExpFloat64()*8))]++
				}
				c.Coarse, c.Null = [3]float64{25, 3, 2}, 53
				in.Cells = append(in.Cells, c)
				targets = append(targets, Target{Cell: len(targets), Seen: []float64{10, 1000}, Coarse: c.Coarse, Null: c.Null})
			}
			in.Consented = append(in.Consented, Evidence{Network: strconv.Itoa(network), Campaign: strconv.Itoa(campaign), Installs: 500, Payers: 40})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := Fit(in, Defaults())
		if err != nil {
			b.Fatal(err)
		}
		m.Predict(targets, nil, 1)
	}
}
