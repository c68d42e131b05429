package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFineBin(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]HistogramRow{
		"0":         {From: 0, To: 0},
		"3-5":       {From: 3, To: 5},
		"3,4,5":     {From: 3, To: 5},
		"3-5,9":     {From: 3, To: 9, Values: []int{3, 4, 5, 9}},
		"0,2,62-63": {From: 0, To: 63, Values: []int{0, 2, 62, 63}},
	} {
		want.Kind = KindFine
		got, err := FineBin(list)
		require.NoError(t, err, list)
		require.Equal(t, want, got, list)
		require.NoError(t, got.check(), list)
		back, err := FineBin(got.ValueList())
		require.NoError(t, err, list)
		require.Equal(t, got, back, list)
	}
	for _, list := range []string{"", ",", "3,", "-", "3-", "3-5-7", "5-3", "3,3", "64", "2:3"} {
		_, err := FineBin(list)
		require.ErrorContains(t, err, "value_list: ", list)
	}
}

func TestHistogramCheckValues(t *testing.T) {
	t.Parallel()
	for says, r := range map[string]HistogramRow{
		"value_list: has 0 values": {Kind: KindFine, Values: []int{}},
		"value_list: has 2 values": {Kind: KindFine, From: 1, To: 3, Values: []int{1, 2}},
		"value_list: has 1 values": {Kind: KindCoarse, Values: []int{0}},
		"value_list: has 2 after":  {Kind: KindFine, From: 1, To: 3, Values: []int{1, 2, 2, 3}},
		"withheld: is -1":          {Kind: KindNull, Withheld: -1},
		"withheld: is 2":           {Kind: KindNull, Withheld: 2, Installs: new(int64)},
	} {
		h := Histogram{Rows: []HistogramRow{r}}
		require.ErrorContains(t, h.Check(), "rows[0]."+says)
	}
}

// Installs of a bin with gaps have its values and none of the others.
func TestSimulateValuesWithGaps(t *testing.T) {
	t.Parallel()
	d := bandTable(t, "buy", "1,2,3,4", "")
	gaps, err := FineBin("1,3")
	require.NoError(t, err)
	n := int64(30)
	gaps.Installs = &n
	h := Histogram{NullHoldsWithheld: true, Rows: []HistogramRow{
		gaps, without(KindNull, 10), without(KindOtherVersion, 50), without(KindUnpublished, 10), {Kind: KindUnset, Withheld: 3},
	}}
	s, err := Simulate(d, d, Evidence{Histograms: []Histogram{h}})
	require.NoError(t, err)
	w := s.Published[0]
	got := map[string]string{}
	for _, v := range w.Values {
		got[v.Value] = v.Installs.Est.String() + " " + v.Installs.Max.String()
	}
	require.Equal(t, "15 30", got["1"])
	require.Equal(t, "0 0", got["2"])
	require.Equal(t, "15 30", got["3"])
	require.Equal(t, []int64{40, 50, 10}, []int64{w.Installs, w.OtherVersions, w.Unpublished})
	require.Equal(t, "0.1", w.NullShare.String(), "of all installs, also of those without a bin")
	require.Equal(t, 3, w.WithheldBins)
	require.Equal(t, []string{
		"50 installs have values that other schema versions decoded, or several did; they are left out.",
		"10 installs have a fine value without a published one, as payers are withheld on their rows; they are left out.",
		"3 counts of published rows are withheld for privacy; their installs are counted as null.",
	}, s.Notes)
}
