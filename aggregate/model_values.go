package aggregate

import (
	"fmt"
	"math"
	"slices"

	"skand/aggregate/model"
)

// valueMix is how often installs of an app have each value, against each other.
type valueMix struct {
	values []model.Value
	weight []float64
}

// counted is installs that have one of some values: a published bin.
type countedBin struct {
	values []int
	n      float64
}

// bins are a window's bins by campaign.
func (a *Alphabet) bins(values []ValueBin) (map[histogramKey][]countedBin, error) {
	out := map[histogramKey][]countedBin{}
	for _, b := range values {
		if b.Kind != BinFine || b.Installs == nil {
			continue
		}
		of, err := a.bin(b)
		if err != nil {
			return nil, err
		}
		if len(of) > 0 && *b.Installs > 0 {
			k := histogramKey{b.NetworkID, b.IDKind, b.Source2}
			out[k] = append(out[k], countedBin{of, float64(*b.Installs)})
		}
	}
	return out, nil
}

// passes of the expectation over bins of several values: they settle well before.
const passes = 50

// mixOf estimates the app's mix. Bins are as fine as a campaign's crowds allow: what
// the wide ones hold is divided as the narrow ones of other campaigns say (the usual
// maximum likelihood of counts that are known in groups only). Then the payers' part is
// tilted so that it gives the revenue that stands on rows.
func mixOf(a *Alphabet, windows []ModelWindow) (valueMix, error) {
	m := valueMix{values: a.Values, weight: make([]float64, len(a.Values))}
	together := map[string]*countedBin{}
	var order []string
	revenue := 0.0
	for _, w := range windows {
		bins, err := a.bins(w.Values)
		if err != nil {
			return m, err
		}
		for _, of := range bins {
			for _, b := range of {
				k := fmt.Sprint(b.values)
				if together[k] == nil {
					together[k] = &countedBin{values: b.values}
					order = append(order, k)
				}
				together[k].n += b.n
			}
		}
		for _, r := range w.Rows {
			if r.Payers != nil && r.RevenueEst != nil {
				revenue += r.RevenueEst.InexactFloat64()
			}
		}
	}
	slices.Sort(order)
	all := remaindersOf(a, windows, &revenue) // of which only the sum is known: any payers' value
	for _, k := range order {
		all = append(all, *together[k])
	}
	for i := range m.weight {
		m.weight[i] = 1
	}
	for range passes {
		next := make([]float64, len(m.weight))
		for _, b := range all {
			for i, share := range m.within(b.values, 0) {
				next[b.values[i]] += b.n * share
			}
		}
		for i := range next {
			m.weight[i] = max(next[i], leastWeight)
		}
	}
	if tilt := m.tilt(all, revenue); tilt != 0 {
		for i, v := range m.values {
			m.weight[i] *= tilted(v, tilt)
		}
	}
	return m, nil
}

// remaindersOf are the payers of remainders, whose revenue is added.
func remaindersOf(a *Alphabet, windows []ModelWindow, revenue *float64) (out []countedBin) {
	payers := a.of(true)
	for _, w := range windows {
		for _, r := range w.Remainders {
			if r.Measure == MeasurePayers && r.RevenueEst != nil && len(payers) > 0 {
				*revenue += r.RevenueEst.InexactFloat64()
				out = append(out, countedBin{payers, float64(r.Installs)})
			}
		}
	}
	return out
}

// leastWeight keeps every value possible.
const leastWeight = 1e-3

// within is the shares of some values among them, tilted towards the cheaper ones.
func (m valueMix) within(values []int, tilt float64) []float64 {
	out := make([]float64, len(values))
	total := 0.0
	for i, v := range values {
		out[i] = m.weight[v] * tilted(m.values[v], tilt)
		total += out[i]
	}
	for i := range out {
		out[i] /= total
	}
	return out
}

// tilted is a power of a value's revenue: where nothing is known but a sum, the mix that
// gives it and is otherwise nearest to what is known is of this form.
func tilted(v model.Value, tilt float64) float64 {
	r := v.Amounts[MetricRevenue]
	if tilt == 0 || r <= 0 {
		return 1
	}
	return math.Pow(r, -tilt)
}

// steepest bounds tilts: beyond it a bin is its cheapest, or its dearest, value.
const steepest = 6.0

// tilt finds the tilt at which the bins are worth so much; 0 where nothing is known.
func (m valueMix) tilt(bins []countedBin, revenue float64) float64 {
	if revenue <= 0 {
		return 0
	}
	worth := func(tilt float64) (sum float64) {
		for _, b := range bins {
			for i, share := range m.within(b.values, tilt) {
				sum += b.n * share * m.values[b.values[i]].Amounts[MetricRevenue]
			}
		}
		return sum
	}
	low, high := -steepest, steepest
	for range 40 {
		middle := (low + high) / 2
		if worth(middle) > revenue {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// histograms counts a window's bins in their cells, each cell's tilted to the revenue
// of the same installs: a histogram is of exactly those rows on which payers stand.
func (r *modelReading) histograms(w ModelWindow) error {
	bins, err := r.a.bins(w.Values)
	if err != nil {
		return err
	}
	revenue := map[histogramKey]float64{}
	for _, row := range w.Rows {
		if row.Payers != nil && row.RevenueEst != nil {
			revenue[campaignOf(row)] += row.RevenueEst.InexactFloat64()
		}
	}
	for _, k := range sortedHistograms(bins) {
		tilt := r.mix.tilt(bins[k], revenue[k])
		at := r.cell(k, w.Window)
		for _, b := range bins[k] {
			for i, share := range r.mix.within(b.values, tilt) {
				r.in.Cells[at].Fine[b.values[i]] += b.n * share
			}
		}
	}
	return nil
}

func sortedHistograms(bins map[histogramKey][]countedBin) []histogramKey {
	out := make([]histogramKey, 0, len(bins))
	for k := range bins {
		out = append(out, k)
	}
	slices.SortFunc(out, histogramKey.compare)
	return out
}
