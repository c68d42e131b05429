package noise

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

var _ aggregate.Noise = Laplace{}

const draws = 5_000

// bound is far beyond chance for a share of so many draws: 8 standard deviations of
// the widest share, which an honest run meets once in 10^15.
var bound = 8 * math.Sqrt(0.25/draws)

// within is the share that the rounded Laplace distribution has at most h from 0.
func within(h int, epsilon float64) float64 { return 1 - math.Exp(-(float64(h)+0.5)*epsilon/2) }

func TestNoiseIsAsWideAsItSays(t *testing.T) {
	t.Parallel()
	for _, epsilon := range []float64{0.025, 0.333333, 4} {
		h, err := Laplace{}.HalfWidth90(epsilon)
		require.NoError(t, err)
		require.InDelta(t, 2/epsilon*math.Log(10), float64(h), 0.51, "scale 2/epsilon, rounded")
		require.GreaterOrEqual(t, within(h, epsilon), 0.9)
		var inside, above, below, half int
		var sum, squares float64
		for range draws {
			n, err := Laplace{}.Count(1000, epsilon)
			require.NoError(t, err)
			d := n - 1000
			sum, squares = sum+float64(d), squares+float64(d*d)
			if d >= -h && d <= h {
				inside++
			}
			if d >= -h/2 && d <= h/2 {
				half++
			}
			if d > 0 {
				above++
			}
			if d < 0 {
				below++
			}
		}
		require.InDelta(t, within(h, epsilon), float64(inside)/draws, bound, "epsilon %v", epsilon)
		require.InDelta(t, within(h/2, epsilon), float64(half)/draws, bound, "the shape, not only the width")
		require.InDelta(t, 0, float64(above-below)/draws, 2*bound, "to both sides alike")
		deviation := math.Sqrt(2) * 2 / epsilon
		require.InDelta(t, 0, sum/draws, 8*(deviation+1)/math.Sqrt(draws))
		require.InEpsilon(t, 8/(epsilon*epsilon)+1.0/12, squares/draws, 0.25, "variance of scale 2/epsilon")
	}
}

// TestNoiseHidesAMove looks at the mechanism as its promise is worded: an install moves
// from one count to the other, and answers that speak for it become at most e^epsilon
// times as likely. With half the scale, enough for one install more or less, it would.
func TestNoiseHidesAMove(t *testing.T) {
	t.Parallel()
	const epsilon, n = 1.5, draws
	at := func(a, b int, e float64) float64 {
		hits := 0
		for range n {
			x, err := Laplace{}.Count(a, e)
			require.NoError(t, err)
			y, err := Laplace{}.Count(b, e)
			require.NoError(t, err)
			if x >= 21 && y <= 19 { // answers that speak for the move
				hits++
			}
		}
		return float64(hits) / n
	}
	ratio := at(21, 19, epsilon) / at(20, 20, epsilon)
	require.Less(t, ratio, math.Exp(epsilon)*1.1)
	require.Greater(t, ratio, 1.5, "the answers do depend on what is counted")
	require.Greater(t, at(21, 19, 2*epsilon)/at(20, 20, 2*epsilon), math.Exp(epsilon)*0.9, "half the scale is too little")
}

func TestNoiseIsNeverTheSame(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 100 {
		n, err := Laplace{}.Count(0, 0.001)
		require.NoError(t, err)
		seen[n] = true
	}
	require.Greater(t, len(seen), 80)
}

func TestNoiseRefuses(t *testing.T) {
	t.Parallel()
	for _, epsilon := range []float64{0, -1, math.NaN(), math.Inf(1), 1e-30} {
		_, err := Laplace{}.Count(20, epsilon)
		require.ErrorContains(t, err, "draw noise: ", epsilon)
		_, err = Laplace{}.HalfWidth90(epsilon)
		require.ErrorContains(t, err, "width of the noise: ", epsilon)
	}
}
