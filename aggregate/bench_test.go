package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// largeBatch is a week of 350,000 installs: 8 networks, 40 campaigns each, down to
// four digits, under two schema versions of 64 values.
func largeBatch() Batch {
	r := rand.New(rand.NewPCG(1, 0))
	b := Batch{KnowsRedownloads: true, Schemas: []Meaning{plain(1, 20, 64), bands(2)}}
	for i := 0; b.Installs() < 350_000; i++ {
		g := Counted{
			N: 1 + r.IntN(60), NetworkID: fmt.Sprintf("network%d.example", r.IntN(8)), IDKind: IDSource,
			Source: fmt.Sprintf("%02d%02d", r.IntN(20), 10+r.IntN(40)), ShortForm: ShortLast,
			Kind: ValueFine, SchemaVersion: 1 + r.IntN(2), Redownload: r.IntN(10) == 0,
		}
		v := b.Schemas[g.SchemaVersion-1].Values[min(r.IntN(64), r.IntN(64))]
		g.Fine, g.Payer, g.RevenueMin, g.RevenueEst, g.RevenueMax = v.Value, v.Payer, v.RevenueMin, v.RevenueEst, v.RevenueMax
		if r.IntN(4) == 0 {
			g.Kind, g.Source = ValueNull, g.Source[2:]
		}
		b.Groups = append(b.Groups, g)
	}
	return b
}

// bands is 44 revenue bands above 20 values of three events.
func bands(version int) Meaning {
	m := plain(version, 20, 64)
	m.Events = []string{"level", "level2", "level3", "purchase"}
	for i := range m.Values {
		v := &m.Values[i]
		for j, name := range m.Events[:3] {
			if i >= (j+1)*5 {
				v.Events = append(v.Events, EventMeaning{Name: name, CountMin: 1})
			}
		}
		if v.Payer {
			most := money(fmt.Sprint(i))
			v.RevenueMin, v.RevenueEst, v.RevenueMax = money(fmt.Sprint(i-1)), money(fmt.Sprint(i)), &most
			v.Events = append(v.Events, EventMeaning{Name: "purchase", CountMin: 1})
		}
	}
	return m
}

func BenchmarkCut(b *testing.B) {
	batch := largeBatch()
	for b.Loop() {
		p := Cut(installs, DefaultSettings(), batch)
		b.ReportMetric(float64(len(p.Rows)), "rows")
		b.ReportMetric(float64(len(p.Values)), "bins")
		b.ReportMetric(float64(len(batch.Groups)), "groups")
	}
}
