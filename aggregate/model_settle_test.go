package aggregate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"skand/aggregate/model"
)

// drawn is a Dirichlet draw around shares.
func drawn(src rand.Source, shares [5]float64, concentration float64) (out [5]float64) {
	total := 0.0
	for i, s := range shares {
		if s > 0 {
			out[i] = distuv.Gamma{Alpha: s * concentration, Beta: 1, Src: src}.Rand()
			total += out[i]
		}
	}
	for i := range out {
		out[i] /= total
	}
	return out
}

// dealt counts installs by chances.
func dealt(r *rand.Rand, n int, chances [5]float64) (out [5]int) {
	for range n {
		u, i := r.Float64(), 0
		for ; i < 4 && u >= chances[i]; i++ {
			u -= chances[i]
		}
		out[i]++
	}
	return out
}

func TestSettleFindsWhatRowsAndCampaignsVaryBy(t *testing.T) {
	t.Parallel()
	src := rand.NewPCG(5, 6)
	r := rand.New(src)
	for _, c := range []struct{ rows, between float64 }{{20, 40}, {200, 10}, {10, 2000}} {
		shares := [5]float64{0.2, 0, 0, 0.3, 0.5}
		var rows []observedRow
		var want [5]float64
		for campaign := range 40 {
			own := drawn(src, shares, c.between)
			for range 12 {
				k := dealt(r, 20+r.IntN(80), drawn(src, own, c.rows))
				row := observedRow{[][5]int{k}, k[0] + k[3] + k[4], histogramKey{network: fmt.Sprint(campaign)}}
				if k[0] < 5 { // null or coarse: nobody tells
					row.counts = nil
					for n := range k[0] + k[3] + 1 {
						if n < 5 {
							row.counts = append(row.counts, [5]int{n, 0, 0, k[0] + k[3] - n, k[4]})
						}
					}
				}
				rows = append(rows, row)
				for i, n := range k {
					want[i] += float64(n)
				}
			}
		}
		m := &mixture{}
		var sum [5]float64
		for _, e := range m.settle(rows, [5]float64{1e-3, 1e-3, 1e-3, 1e-3, 1e-3}, nil) {
			add(&sum, &e, 1)
		}
		require.InDelta(t, 1, sum[0]/want[0], 0.08, "rows of which little is told are not taken for others")
		require.InDelta(t, 0, math.Log2(m.rows/c.rows), 1.01)
		if c.between < 1000 {
			require.InDelta(t, 0, math.Log2(m.between/c.between), 1.6)
		} else {
			require.Greater(t, m.between, 150.0, "campaigns that are alike are seen to be")
		}
		require.InDelta(t, 1, sumOf(&m.shares), 1e-9)
	}
}

// Two ways of one of three installs: with shares 1/2 and 1/2 and a concentration of 2
// (a uniform share) all numbers are as likely.
func TestWeighByHand(t *testing.T) {
	t.Parallel()
	shares := [5]float64{0.5, 0.5}
	w, log := weigh([][5]int{{0, 3}, {1, 2}, {2, 1}}, &shares, 2)
	require.InDeltaSlice(t, []float64{1. / 3, 1. / 3, 1. / 3}, w.weights, 1e-9)
	_, one := weigh([][5]int{{3, 0}}, &shares, 2)
	require.InDelta(t, math.Log(3), log-one, 1e-9)
	mean, variances := w.pick(nil), w.variances()
	require.InDeltaSlice(t, []float64{1, 2, 0, 0, 0}, mean[:], 1e-9)
	require.InDeltaSlice(t, []float64{2. / 3, 2. / 3, 0, 0, 0}, variances[:], 1e-9)
	_, log = weigh([][5]int{{0, 2, 1}}, &shares, 2)
	require.True(t, math.IsInf(log, -1), "a kind that is not there")
	_, log = weigh(nil, &shares, 2)
	require.True(t, math.IsInf(log, -1))
}

// publishedPayers publishes rows of the app by the rules: payers of 1 to b-1 are NULL,
// remainders where they stand.
func publishedPayers(r *rand.Rand, src rand.Source, campaigns, windows, b int, pay, between float64) (out []ModelWindow, truth map[string]float64) {
	truth = map[string]float64{}
	own := make([][5]float64, campaigns)
	for i := range own {
		own[i] = drawn(src, [5]float64{whoPay: pay, whoDont: 1 - pay}, between)
	}
	for w := range windows {
		window := ModelWindow{Window: w, B: b}
		paid := map[string]int{}
		for c := range campaigns {
			n := 20 + r.IntN(60)
			k := dealt(r, n, own[c])[whoPay]
			zero := 0
			row := Row{Level: LevelSrc2, NetworkID: fmt.Sprint(c % 3), IDKind: IDSource, Source2: fmt.Sprint(10 + c), Installs: n, NullInstalls: &zero, FineInstalls: &n}
			if k == 0 || k >= b && n-k >= b {
				row.Payers = &k
			}
			window.Rows = append(window.Rows, row)
			paid[row.Key()] = k
			truth["all"] += float64(k)
			if row.Payers == nil {
				truth["hidden"] += float64(k)
			}
		}
		for network, rows := range sharing(window.Rows, MeasurePayers) {
			sum, among := 0, 0
			for _, row := range rows {
				sum += paid[row.Key()]
				among += *row.FineInstalls
			}
			if remainderStands(len(rows), sum, among-sum, b) {
				window.Remainders = append(window.Remainders, Remainder{NetworkID: network, Measure: MeasurePayers, Rows: len(rows), Installs: sum})
			} else {
				truth["withheld"] += float64(sum)
			}
		}
		out = append(out, window)
	}
	return out, truth
}

// All that is hidden comes to what it was: also the rows whose sum was not published,
// which are those with the fewest payers.
func TestHiddenPayersAreNeitherTooManyNorTooFew(t *testing.T) {
	t.Parallel()
	src := rand.NewPCG(7, 8)
	r := rand.New(src)
	var found, want, alone, wantAlone, app, wantApp float64
	for range 12 {
		windows, truth := publishedPayers(r, src, 5, 12, 5, 0.07, 25)
		in, err := NewModelInput(&Alphabet{}, windows)
		require.NoError(t, err)
		for i, n := range hiddenOf(in) {
			found += n
			if g := in.Groups[in.Targets[i].Hidden.Group]; math.IsNaN(g.Amounts[MetricPayers]) {
				alone += n
			}
		}
		want += truth["hidden"]
		wantAlone += truth["withheld"]
		p := newPaying(windows)
		installs := 0.0
		for _, w := range windows {
			for _, row := range w.Rows {
				installs += float64(*row.FineInstalls)
			}
		}
		app += p.share * installs
		wantApp += truth["all"]
	}
	require.Greater(t, wantAlone, 200.0)
	require.InDelta(t, 1, found/want, 0.04)
	require.InDelta(t, 1, alone/wantAlone, 0.08)
	require.InDelta(t, 1, app/wantApp, 0.03)
}

// hiddenOf are the means of hidden payers, by target.
func hiddenOf(in *ModelInput) map[int]float64 {
	out := map[int]float64{}
	for i, n := range model.HiddenPayers(in.Targets, in.Groups) {
		if in.Targets[i].Hidden != nil {
			out[i] = n
		}
	}
	return out
}
