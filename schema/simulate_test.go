package schema

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// bandTable writes a document of one event's bands: "0.01,2,4" are the edges of the
// values 1, 2, …; the last one is open.
func bandTable(t *testing.T, event, edges, more string) *Document {
	t.Helper()
	var rows []string
	parts := strings.Split(edges, ",")
	for i, low := range parts {
		high := ""
		if i+1 < len(parts) {
			high = `,"revenue_max":"` + parts[i+1] + `"`
		}
		rows = append(rows, fmt.Sprintf(`,{"value":%d,"events":[{"name":%q,"revenue_min":"%s"%s}]}`, i+1, event, low, high))
	}
	return parsed(t, `{"currency":"USD","open_band_mean":"20"`+more+`,"windows":[{"index":0,"fine":[{"value":0,"events":[]}`+
		strings.Join(rows, "")+`],"coarse":{"low":{"events":[]},"high":{"events":[{"name":"`+event+`","revenue_min":"0.01"}]}}}]}`)
}

func counted(rows ...HistogramRow) Evidence { return Evidence{Histograms: []Histogram{{Rows: rows}}} }

func bin(from, to int, n int64) HistogramRow {
	return HistogramRow{Kind: KindFine, From: from, To: to, Installs: &n}
}

func without(kind string, n int64) HistogramRow { return HistogramRow{Kind: kind, Installs: &n} }

// lines prints value: est (min to max).
func lines(w PublishedWindow) []string {
	var out []string
	for _, v := range w.Values {
		out = append(out, fmt.Sprintf("%s%s: %s", map[string]string{KindUnset: "-"}[v.Kind], v.Value, shown(v.Installs)))
	}
	return out
}

func shown(r Range) string {
	high := "-"
	if r.Max != nil {
		high = r.Max.String()
	}
	return fmt.Sprintf("%s (%s to %s)", r.Est, r.Min, high)
}

func TestSimulatePublishedUnderTheDraft(t *testing.T) {
	t.Parallel()
	d := bandTable(t, "buy", "0.01,2,4", "")
	s, err := Simulate(d, nil, counted(bin(0, 0, 50), bin(1, 1, 20), bin(3, 3, 10), bin(9, 9, 3),
		HistogramRow{Kind: KindFine, From: 2, To: 2}, without(KindNull, 12), without(KindUnset, 4), without(KindUnmapped, 1)))
	require.NoError(t, err)
	require.Len(t, s.Published, 1)
	w := s.Published[0]
	require.Equal(t, []any{int64(100), int64(80), int64(12), int64(4), int64(4), 1},
		[]any{w.Installs, w.Fine, w.Null, w.Unset, w.Unmapped, w.WithheldBins})
	require.Equal(t, []string{"0: 50 (50 to 50)", "1: 20 (20 to 20)", "2: 0 (0 to 0)", "3: 10 (10 to 10)"}, lines(w))
	require.Equal(t, []string{"2"}, w.Unused)
	require.Equal(t, "0.12", w.NullShare.String())
	require.Equal(t, "30 (30 to 30)", shown(w.Payers))
	// 20 at 1.005 and 10 at the mean of the open band.
	require.Equal(t, "220.1 (40.2 to -)", shown(w.Revenue))
	require.Equal(t, "buy worth $2 to $4", w.Values[2].Means)
	require.Nil(t, w.CurrentRevenue)
	require.Nil(t, s.Changes)
	require.Contains(t, strings.Join(s.Notes, "\n"), "give the current version")
	require.Contains(t, strings.Join(s.Notes, "\n"), "1 bins of the histogram are withheld")
}

func TestSimulateMapsBandsToTheDraft(t *testing.T) {
	t.Parallel()
	current := bandTable(t, "buy", "0,2,4,8", "")
	draft := bandTable(t, "buy", "0,1,3,5", "")
	s, err := Simulate(draft, current, counted(bin(1, 1, 100), bin(2, 2, 40), bin(3, 3, 40), bin(4, 4, 7)))
	require.NoError(t, err)
	w := s.Published[0]
	// 0-2 splits at 1; 2-4 at 3; 4-8 at 5; all above 8 is above 5.
	require.Equal(t, []string{"0: 0 (0 to 0)", "1: 50 (0 to 100)", "2: 70 (0 to 140)", "3: 30 (0 to 80)", "4: 37 (7 to 47)"}, lines(w))
	require.Equal(t, "187", w.Disputed.String())
	require.Equal(t, "1", w.DisputedShare.String())
	require.Equal(t, "187 (187 to 187)", shown(w.Payers))
	require.Equal(t, "187 (187 to 187)", shown(*w.CurrentPayers))
	// 100 at 1, 40 at 3, 40 at 6, 7 at 20.
	require.Equal(t, "600 (296 to -)", shown(*w.CurrentRevenue))
	// 50 at 0.5, 70 at 2, 30 at 4, 37 at 20.
	require.Equal(t, "1025 (195 to -)", shown(w.Revenue))
	require.Len(t, s.Changes, 4)
}

func TestSimulateMergedBins(t *testing.T) {
	t.Parallel()
	d := bandTable(t, "buy", "0.01,2,4", "")
	s, err := Simulate(d, d, counted(bin(1, 3, 30), bin(40, 50, 5)))
	require.NoError(t, err)
	w := s.Published[0]
	require.Equal(t, []string{"0: 0 (0 to 0)", "1: 10 (0 to 30)", "2: 10 (0 to 30)", "3: 10 (0 to 30)"}, lines(w))
	require.EqualValues(t, 5, w.Unmapped)
	require.True(t, w.Disputed.IsZero())
	require.Equal(t, "30 (30 to 30)", shown(w.Payers))
	require.Equal(t, "240.05 (0.3 to -)", shown(w.Revenue))
	require.Equal(t, shown(w.Revenue), shown(*w.CurrentRevenue))
	require.Empty(t, s.Changes)
	require.NotNil(t, s.Changes)
}

// What a value says nothing about is possible where no higher value would say it.
func TestSimulateKnowsWhatAValueRulesOut(t *testing.T) {
	t.Parallel()
	text := `{"currency":"USD","windows":[{"index":0,"fine":[{"value":0,"events":[]},
		{"value":1,"events":[{"name":"a"}]},{"value":2,"events":[{"name":"buy","revenue_min":"0.01"}]}]}]}`
	current := parsed(t, text)
	draft := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[
		{"value":5,"events":[{"name":"a"}]},{"value":6,"events":[{"name":"new"}]},
		{"value":7,"events":[{"name":"buy","revenue_min":"0.01"}]},{"value":8,"events":[{"name":"a"},{"name":"buy","revenue_min":"0.01"}]}]}]}`)
	s, err := Simulate(draft, current, counted(bin(0, 0, 10), bin(1, 1, 5), bin(2, 2, 3)))
	require.NoError(t, err)
	require.Equal(t, []string{
		"5: 5 (0 to 5)",  // value 1, unless "new" happened too; value 0 rules "a" out
		"6: 0 (0 to 15)", // nobody knows about "new", except that buyers rank above it
		"7: 3 (0 to 3)",
		"8: 0 (0 to 3)", // buyers may have done "a"
		"-: 10 (0 to 10)",
	}, lines(s.Published[0]))
	require.Equal(t, []string{"6", "8"}, s.Published[0].Unused)
	require.Equal(t, "3 (3 to 3)", shown(s.Published[0].Payers))
}

func TestSimulateCounts(t *testing.T) {
	t.Parallel()
	doc := func(edges string) *Document {
		return parsed(t, `{"windows":[{"index":0,"fine":[{"value":0,"events":[]},`+edges+`]}]}`)
	}
	current := doc(`{"value":1,"events":[{"name":"level","count_min":1,"count_max":9}]},{"value":2,"events":[{"name":"level","count_min":10}]}`)
	draft := doc(`{"value":1,"events":[{"name":"level","count_min":1,"count_max":4}]},{"value":2,"events":[{"name":"level","count_min":4,"count_max":12}]},
		{"value":3,"events":[{"name":"level","count_min":12}]}`)
	s, err := Simulate(draft, current, counted(bin(1, 1, 90), bin(2, 2, 8)))
	require.NoError(t, err)
	require.Equal(t, []string{"0: 0 (0 to 0)", "1: 30 (0 to 90)", "2: 68 (0 to 98)", "3: 0 (0 to 8)"}, lines(s.Published[0]))
}

func TestSimulateCoarseAndOverlap(t *testing.T) {
	t.Parallel()
	d := bandTable(t, "buy", "0.01,2,4", `,"overlap_bit":5`)
	n := int64(8)
	e := counted(bin(34, 34, 6), bin(2, 2, 4), HistogramRow{Kind: KindCoarse, From: 2, To: 2, Installs: &n},
		HistogramRow{Index: 1, Kind: KindCoarse, From: 2, To: 2, Installs: &n})
	share := decimal.RequireFromString("0.05")
	e.Histograms[0].AmbiguousShare = &share
	s, err := Simulate(d, d, e)
	require.NoError(t, err)
	require.Len(t, s.Published, 2)
	require.Equal(t, []string{"0: 0 (0 to 0)", "1: 0 (0 to 0)", "2: 10 (10 to 10)", "3: 0 (0 to 0)", "low: 0 (0 to 0)", "high: 8 (8 to 8)"},
		lines(s.Published[0]))
	require.Equal(t, "8", s.Published[0].WithoutEstimate.String())
	require.EqualValues(t, 8, s.Published[1].Unmapped, "the schema has no window 1")
	require.Equal(t, "0.05", s.AmbiguousShare.String())
}

func TestSimulateRefuses(t *testing.T) {
	t.Parallel()
	d := bandTable(t, "buy", "0.01,2", `,"app_id":1`)
	euro := bandTable(t, "buy", "0.01,2", "")
	euro.Currency = "EUR"
	broken := parsed(t, `{"windows":[]}`)
	for name, c := range map[string]struct {
		draft, current *Document
		e              Evidence
		says           string
	}{
		"broken draft":     {broken, nil, Evidence{}, "the draft has"},
		"broken current":   {d, broken, Evidence{}, "the current version has"},
		"two currencies":   {d, euro, Evidence{}, "currency: the draft counts in USD"},
		"histogram's":      {d, nil, Evidence{Histograms: []Histogram{{Currency: "EUR"}}}, "histogram 1: currency"},
		"histogram's app":  {d, nil, Evidence{Histograms: []Histogram{{AppID: 2}}}, "histogram 1: app_id"},
		"histogram broken": {d, nil, counted(HistogramRow{Kind: "x"}), "histogram 1: rows[0].kind"},
		"too few":          {d, nil, Evidence{K: 3, Installs: make([]Install, 2)}, "are 2, of 3 needed"},
		"no name":          {d, nil, Evidence{Installs: []Install{{Events: []Event{{}}}}}, "installs[0].events[0].name"},
	} {
		_, err := Simulate(c.draft, c.current, c.e)
		require.ErrorContains(t, err, c.says, name)
	}
	_, err := Simulate(d, nil, Evidence{K: 3, Installs: make([]Install, 2)})
	require.ErrorIs(t, err, ErrTooFewInstalls)
}

// Nothing gets lost between current and draft, and an estimate lies in its bounds.
func TestSimulateConserves(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	pick := func() *Document {
		for {
			d, err := Parse([]byte(randomDocument(r)))
			require.NoError(t, err)
			if d.Validate().OK {
				return d
			}
		}
	}
	for range 60 {
		draft, current := pick(), pick()
		var rows []HistogramRow
		total := int64(0)
		for range 6 {
			n, from := r.Int64N(1000), r.IntN(64)
			rows = append(rows, bin(from, min(63, from+r.IntN(4)), n))
			total += n
		}
		s, err := Simulate(draft, current, counted(rows...))
		require.NoError(t, err)
		w := s.Published[0]
		require.Equal(t, total, w.Installs)
		require.Equal(t, total, w.Fine+w.Unmapped)
		sum := decimal.Zero
		for _, v := range w.Values {
			sum = sum.Add(v.Installs.Est)
			require.True(t, v.Installs.Min.LessThanOrEqual(v.Installs.Est.Add(cent)) && v.Installs.Est.LessThanOrEqual(v.Installs.Max.Add(cent)), "%v", v)
		}
		require.True(t, sum.Sub(decimal.NewFromInt(w.Fine)).Abs().LessThan(decimal.New(5, -1)), "%s of %d", sum, w.Fine)
		for _, x := range []Range{w.Payers, w.Revenue, *w.CurrentPayers, *w.CurrentRevenue} {
			require.True(t, x.Min.LessThanOrEqual(x.Est.Add(cent)))
			require.True(t, x.Max == nil || x.Est.LessThanOrEqual(x.Max.Add(cent)), shown(x))
		}
	}
}

var cent = decimal.New(1, -2)

// Run through the phones themselves: what a simulation calls certain or impossible
// must be so for every install, and the estimate must be near for even spending.
func TestSimulateAgainstPhones(t *testing.T) {
	t.Parallel()
	current := bandTable(t, "buy", "0.01,3,10,20", "")
	draft := bandTable(t, "buy", "0.01,2,10,18", "")
	r := rand.New(rand.NewPCG(9, 10))
	seen, want := map[int]int64{}, map[string]int{}
	for range 5000 {
		events := []Event{at(1, "buy", decimal.New(1+r.Int64N(3000), -2).String())}
		a, err := current.Encode(0, events)
		require.NoError(t, err)
		b, err := draft.Encode(0, events)
		require.NoError(t, err)
		seen[*a.Fine]++
		want[fmt.Sprint(*b.Fine)]++
	}
	var rows []HistogramRow
	for v, n := range seen {
		rows = append(rows, bin(v, v, n))
	}
	s, err := Simulate(draft, current, counted(rows...))
	require.NoError(t, err)
	for _, v := range s.Published[0].Values {
		n := decimal.NewFromInt(int64(want[v.Value]))
		require.True(t, v.Installs.Min.LessThanOrEqual(n) && n.LessThanOrEqual(*v.Installs.Max), "%s: %s of %s", v.Value, n, shown(v.Installs))
		require.True(t, v.Installs.Est.Sub(n).Abs().LessThan(decimal.NewFromInt(150)), "%s: %s of %s", v.Value, n, shown(v.Installs))
	}
}
