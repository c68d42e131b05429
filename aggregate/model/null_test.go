package model

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConsentTellsTheNullTierApartFromItsOwnBias(t *testing.T) {
	t.Parallel()
	// Small crowds pay half as much a tier; payers consent more. Campaigns differ in how
	// much of them is null: half have a tenth, half have two thirds.
	few := bench{networks: 2, campaigns: 6, windows: 3, installs: 1500, coarse: 0.2, null: 0.1, pay: 0.15, shift: -0.5, spread: 0.2, consent: 0.3, bias: 0.4}
	many := few
	many.null = 0.6
	in, _, _ := few.world(1)
	other, _, _ := many.world(2)
	for i := range other.Cells {
		other.Cells[i].Network += "m"
	}
	for i := range other.Consented {
		other.Consented[i].Network += "m"
	}
	in.Cells, in.Consented = append(in.Cells, other.Cells...), append(in.Consented, other.Consented...)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	require.True(t, m.null.informed)
	whole := m.settings.Extrapolation*m.shifts.payers + m.null.shift
	require.InDelta(t, -1, whole, 3*m.null.shiftSD+0.1, "the null tier's shift is twice that of tier 1")
	require.Less(t, m.null.shiftSD, 0.3)
}

func TestEvidenceThatSaysNothingChangesNothing(t *testing.T) {
	t.Parallel()
	b := bench{networks: 2, campaigns: 2, windows: 2, installs: 300, coarse: 0.2, null: 0.2, pay: 0.1}
	in, targets, _ := b.world(1)
	plain, err := Fit(in, Defaults())
	require.NoError(t, err)
	in.Consented = []Evidence{{Network: "n0", Campaign: "10"}, {Network: "nobody", Installs: 50, Payers: 10}}
	same, err := Fit(in, Defaults())
	require.NoError(t, err)
	require.False(t, same.null.informed)
	require.Equal(t, plain.Expect(targets, nil), same.Expect(targets, nil))
}

func TestEvidenceOfANetworkMovesItsCampaigns(t *testing.T) {
	t.Parallel()
	b := bench{networks: 2, campaigns: 3, windows: 3, installs: 800, coarse: 0.1, null: 0.4, pay: 0.1}
	in, targets, _ := b.world(3)
	in.Consented = []Evidence{{Network: "n0", Installs: 3000, Payers: 500}, {Network: "n1", Installs: 3000, Payers: 200}}
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	require.Greater(t, m.null.network[0].mean, m.null.network[1].mean)
	e := m.Expect(targets, nil)
	var first, second float64
	for i, x := range e {
		if in.Cells[i].Network == "n0" {
			first += x[0] - targets[i].Seen[0]
		} else {
			second += x[0] - targets[i].Seen[0]
		}
	}
	require.Greater(t, first, second)
}

// The binomial log likelihood, up to what does not hang on p, is the limit of no variance.
func TestBetaBinomialHasItsLimit(t *testing.T) {
	t.Parallel()
	binomial := func(p float64) float64 { return 30*math.Log(p) + 70*math.Log1p(-p) }
	got := betaBinomial(30, 100, 0.3, 1e-9) - betaBinomial(30, 100, 0.2, 1e-9)
	require.InDelta(t, binomial(0.3)-binomial(0.2), got, 1e-4)
	wide := betaBinomial(30, 100, 0.3, 0.5) - betaBinomial(30, 100, 0.2, 0.5)
	require.Less(t, wide, got/2, "what varies by itself tells less")
}
