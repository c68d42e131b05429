package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of 3 installs that pay with 1/2, 1 or 2 paid: 3/8 each.
func TestBetweenBoundsByHand(t *testing.T) {
	t.Parallel()
	alone := func(h Hidden) float64 { h.Group = -1; return HiddenPayers([]Target{{Hidden: &h}}, nil)[0] }
	require.InDelta(t, 1.5, alone(Hidden{Fine: 3, Least: 1, Most: 2, Share: 0.5}), 1e-9)
	// of 20, share 0.9: that all but 1 to 4 paid is what the numbers say
	require.InDelta(t, 17.9, alone(Hidden{Fine: 20, Least: 1, Most: 4, Either: true, Share: 0.9}), 0.3)
	require.Less(t, alone(Hidden{Fine: 20, Least: 1, Most: 4, Either: true, Share: 0.05}), 2.0)
	require.InDelta(t, 0, alone(Hidden{Fine: 0, Least: 1, Most: 4, Share: 0.5}), 0)
	require.InDelta(t, 1, alone(Hidden{Fine: 30, Least: 1, Most: 4, Share: 0}), 1e-3)
	require.InDelta(t, 4, alone(Hidden{Fine: 30, Least: 1, Most: 4, Share: 1}), 1e-2)
}

func hiddenGroup(r *rand.Rand, rows int) ([]Target, []Group) {
	targets, total := make([]Target, rows), 0
	for i := range targets {
		n := 5 + r.IntN(60)
		targets[i].Hidden = &Hidden{Fine: float64(n), Least: 1, Most: 4, Either: true, Share: 0.08}
		total += 1 + r.IntN(4)
	}
	return targets, []Group{{Amounts: []float64{float64(total), 100}}}
}

func TestSharedPayersComeToTheirTotal(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		targets, groups := hiddenGroup(r, 2+r.IntN(12))
		means := HiddenPayers(targets, groups)
		sum := 0.0
		for _, m := range means {
			require.GreaterOrEqual(t, m, 1.0)
			sum += m
		}
		require.InDelta(t, groups[0].Amounts[0], sum, 1e-6)
		const draws = 800
		drawn := make([]float64, len(targets))
		for range draws {
			total := 0
			for i, k := range DrawHiddenPayers(targets, groups, r) {
				require.Condition(t, func() bool {
					return k >= 1 && k <= 4 || float64(k) >= targets[i].Hidden.Fine-4 && float64(k) < targets[i].Hidden.Fine
				})
				total += k
				drawn[i] += float64(k) / draws
			}
			require.InDelta(t, groups[0].Amounts[0], total, 0)
		}
		require.InDeltaSlice(t, means, drawn, 5*1.5/28.3) // five times the error of such a mean
	}
}

// Two rows of 1 or 2 payers each, of 2 and of 4 installs, 3 payers together: (1,2) has
// 2*6 = 12 ways, (2,1) has 1*4.
func TestSharedPayersByHand(t *testing.T) {
	t.Parallel()
	h := func(n float64) *Hidden { return &Hidden{Fine: n, Least: 1, Most: 2, Share: 0.3} }
	means := HiddenPayers([]Target{{Hidden: h(2)}, {}, {Hidden: h(4)}}, []Group{{Amounts: []float64{3}}})
	require.InDeltaSlice(t, []float64{1.25, 0, 1.75}, means, 1e-9)
}

func TestATotalThatCannotBeIsScaledTo(t *testing.T) {
	t.Parallel()
	in, _, _ := bench{networks: 1, campaigns: 1, windows: 2, installs: 100, pay: 0.1}.world(1)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	targets := []Target{
		{Cell: 0, Seen: []float64{0, 0}, Hidden: &Hidden{Fine: 10, Least: 1, Most: 4, Share: 0.1}},
		{Cell: 1, Seen: []float64{0, 0}, Hidden: &Hidden{Fine: 20, Least: 1, Most: 4, Share: 0.1}},
	}
	p := m.Predict(targets, []Group{{Amounts: []float64{50, 70}}}, 1)
	require.InDelta(t, 50, p.Sum([]int{0, 1}, 0).Estimate, 1e-9)
	revenue := p.Sum([]int{0, 1}, 1)
	require.InDelta(t, 70, revenue.Estimate, 1e-9)
	require.InDelta(t, 70, revenue.Low, 1e-9)
	require.InDelta(t, 70, revenue.High, 1e-9)
}

// Two rows of 1 to 3 payers whose sum is not told because it is not 4: without that rule
// each sum would be possible, with it those of (1,3), (2,2) and (3,1) are not.
func TestATotalThatIsNotToldTellsToo(t *testing.T) {
	t.Parallel()
	h := func() *Hidden { return &Hidden{Fine: 4, Least: 1, Most: 3, Share: 0.5} } // weights 4, 6, 4
	group := Group{Amounts: []float64{math.NaN()}, Above: 3, Below: 5}
	targets := []Target{{Hidden: h()}, {Hidden: h()}}
	// (1,1): 16, (1,2) and (2,1): 24, (2,3) and (3,2): 24, (3,3): 16
	require.InDeltaSlice(t, []float64{2, 2}, HiddenPayers(targets, []Group{group}), 1e-9)
	group.Above, group.Below = 2, 7 // only (1,1)
	require.InDeltaSlice(t, []float64{1, 1}, HiddenPayers(targets, []Group{group}), 1e-9)
	r := rand.New(rand.NewPCG(1, 2))
	group.Above, group.Below = 3, 5
	var sums [7]float64
	const draws = 4000
	for range draws {
		k := DrawHiddenPayers(targets, []Group{group}, r)
		sums[k[0]+k[1]]++
	}
	require.Zero(t, sums[4])
	for total, weight := range map[int]float64{2: 16, 3: 48, 5: 48, 6: 16} {
		require.InDelta(t, weight/128, sums[total]/draws, 0.03)
	}
}

// Sets whose shares differ have few payers more often than the binomial of the mean says.
func TestSharesThatDifferWeighTheEnds(t *testing.T) {
	t.Parallel()
	h := Hidden{Fine: 60, Least: 1, Most: 4, Share: 0.1, Group: -1}
	even := HiddenPayers([]Target{{Hidden: &h}}, nil)[0]
	spread := h
	spread.Concentration = 10
	require.Less(t, HiddenPayers([]Target{{Hidden: &spread}}, nil)[0], even)
	spread.Concentration = 1e9
	require.InDelta(t, even, HiddenPayers([]Target{{Hidden: &spread}}, nil)[0], 1e-3)
}
