package schema

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// cheapest tries every way to cut places i to m into at most n runs.
func cheapest(i, m, n int, cost func(i, j int) float64) float64 {
	if i == m {
		return 0
	}
	if n == 0 {
		return math.Inf(1)
	}
	least := math.Inf(1)
	for j := i + 1; j <= m; j++ {
		least = min(least, cost(i, j)+cheapest(j, m, n-1, cost))
	}
	return least
}

func TestBestStartsAreTheBest(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	for range 100 {
		amounts := make([]int64, 1+r.IntN(12))
		for i := range amounts {
			amounts[i] = 1 + r.Int64N(40)*r.Int64N(40)
		}
		s := newSample(amounts)
		x := s.search(0)
		at := x.at
		n, least := 1+r.IntN(5), 1+r.IntN(3)
		cost := func(i, j int) float64 {
			if at[j]-at[i] < least {
				return math.Inf(1)
			}
			return x.costs[j][i]
		}
		starts := x.starts(n, least)
		if len(amounts) < least {
			require.Nil(t, starts)
			continue
		}
		require.LessOrEqual(t, len(starts), n)
		require.Zero(t, starts[0])
		got := 0.0
		for i, from := range starts {
			to := len(at) - 1
			if i+1 < len(starts) {
				to = starts[i+1]
			}
			got += cost(from, to)
		}
		require.InDelta(t, cheapest(0, len(at)-1, n, cost), got, 1e-6)
	}
}

func TestDistanceIsFromTheMean(t *testing.T) {
	t.Parallel()
	s := newSample([]int64{9, 1, 2})
	require.InDelta(t, 10, s.distance(0, 3), 1e-9) // mean 4: 3 + 2 + 5
	require.InDelta(t, 1, s.distance(0, 2), 1e-9)
	require.Zero(t, s.distance(2, 3))
	estimated, distance := s.read(fitting{{min: 1, max: 5, estimate: 2}, {min: 5, estimate: 7}})
	require.Equal(t, []int64{11, 3}, []int64{estimated, distance})
	_, distance = s.read(nil)
	require.Equal(t, int64(12), distance, "no bands say 0")
}

func TestRoundest(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]int64{{1, 2, 2}, {199, 299, 200}, {499, 998, 500}, {498, 500, 500}, {999, 1000, 1000}, {1001, 1004, 1002}, {1, 1_000_000, 1_000_000}, {700, 990, 800}, {99, 199, 100}} {
		require.Equal(t, c[2], roundest(c[0], c[1]), "%v", c)
	}
	r := rand.New(rand.NewPCG(13, 14))
	for range 1000 {
		low := r.Int64N(1 << 50)
		high := low + 1 + r.Int64N(1<<uint(1+r.IntN(50)))
		at := roundest(low, high)
		require.True(t, low < at && at <= high, "%d < %d <= %d", low, at, high)
	}
}

// logNormals are amounts in coins.
func logNormals(r *rand.Rand, n int) sample {
	amounts := make([]int64, n)
	for i := range amounts {
		amounts[i] = int64(math.Exp(2+2.5*r.NormFloat64())*10) + 1
	}
	return newSample(amounts)
}

func TestMoreBandsAreNoWorse(t *testing.T) {
	t.Parallel()
	s := logNormals(rand.New(rand.NewPCG(17, 18)), maxPlaces)
	x, last := s.search(0), int64(math.MaxInt64)
	for _, bands := range []int{1, 2, 4, 8, 16, 32} {
		edges, ok := x.edges(bands, 1)
		require.True(t, ok)
		_, d := s.read(s.bands(edges, 0))
		require.LessOrEqual(t, d, last)
		last = d
		// On what they were fitted to nothing beats them, but for estimates that
		// are rounded to the coin.
		slack := int64(len(s.amounts))
		for _, other := range [][]int64{s.bestEqual(bands), s.graded(bands), s.quantiles(bands, false), s.quantiles(bands, true)} {
			require.LessOrEqual(t, len(other), bands)
			_, theirs := s.read(s.bands(other, 0))
			require.LessOrEqual(t, d, theirs+slack)
		}
	}
}

func TestSearchJoinsManyAmounts(t *testing.T) {
	t.Parallel()
	var amounts []int64
	for i := range int64(3000) {
		amounts = append(amounts, 10+3*i)
	}
	s := newSample(amounts)
	at := s.places()
	require.LessOrEqual(t, len(at), maxPlaces+1)
	require.Greater(t, len(at), maxPlaces/2)
	edges, ok := s.search(0).edges(8, 1)
	require.True(t, ok)
	require.Len(t, edges, 7)
	for _, b := range s.bands(edges, 0) { // even amounts: even bands
		require.InDelta(t, 375, b.installs, 40)
	}
}

func TestImaginedPayersSpreadTheEdges(t *testing.T) {
	t.Parallel()
	s := newSample([]int64{99, 99, 99, 499, 499, 9999})
	alone, _ := s.search(0).edges(20, 1)
	require.Len(t, alone, 2, "one band for each amount, one of them from 5 to 99 dollars")
	edges, ok := s.searches().beside(1).edges(20, 0)
	require.True(t, ok)
	require.Len(t, edges, 19)
	require.IsIncreasing(t, edges)
	require.LessOrEqual(t, edges[18], int64(9999), "none begins where nobody paid as much")
	kept, ok := s.searches().beside(1).edges(20, 2)
	require.True(t, ok)
	for _, b := range s.bands(kept, drawn) {
		require.GreaterOrEqual(t, b.installs, 2, "imagined payers are none")
	}
	require.Equal(t, int64(370), s.logNormal(9)[4], "the median: exp of (3 ln 99 + 2 ln 499 + ln 9999) / 6, to two digits")
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	s := newSample([]int64{1, 1, 1, 1, 2, 3, 4, 100})
	require.Equal(t, []int64{2}, s.quantiles(2, false), "one amount lies in one band")
	require.Equal(t, []int64{100}, s.quantiles(2, true))
	require.Empty(t, s.quantiles(1, false))
}
