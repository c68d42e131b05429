package schema

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Fitting counts money in the smallest coin of the currency. The distance that
// decides between two sets of bands is binary floating point: it orders them and
// is shown nowhere.

// maxPlaces bounds the places where an edge may lie: the search takes the square
// of it for each band.
const maxPlaces = 1000

// sample holds what payers spent, ascending, each at most the cap.
type sample struct {
	amounts []int64
	sums    []int64 // sums[i]: of the first i amounts
}

func newSample(amounts []int64) sample {
	slices.Sort(amounts)
	s := sample{amounts, make([]int64, len(amounts)+1)}
	for i, a := range amounts {
		s.sums[i+1] = s.sums[i] + a
	}
	return s
}

// coinBand is a band in coins: [min, max), or open when max is 0.
type coinBand struct {
	min, max, estimate int64
	installs           int
}

// fitting is a set of bands from the first coin on, the last one open.
type fitting struct {
	bands  []coinBand
	method string
}

// mean of the amounts from position lo to hi, rounded to the coin.
func (s sample) mean(lo, hi int) int64 {
	return int64(math.Round(float64(s.sums[hi]-s.sums[lo]) / float64(hi-lo)))
}

// distance of these amounts from their mean, all together.
func (s sample) distance(lo, hi int) float64 {
	mean := float64(s.sums[hi]-s.sums[lo]) / float64(hi-lo)
	above := lo + sort.Search(hi-lo, func(i int) bool { return float64(s.amounts[lo+i]) > mean })
	// What lies above the mean is as far from it as what lies below.
	return 2 * (float64(s.sums[hi]-s.sums[above]) - float64(hi-above)*mean)
}

// places lists the positions where a band may begin: 0, every new amount, and the
// end; joined when there are too many.
func (s sample) places() (out []int, distinct int) {
	n := len(s.amounts)
	for i := range s.amounts {
		if i == 0 || s.amounts[i] != s.amounts[i-1] {
			out = append(out, i)
		}
	}
	distinct = len(out)
	if distinct > maxPlaces {
		// Half of the places follow the installs and half the revenue, so that
		// neither the many small payers nor the few large ones lose all theirs.
		var kept []int
		last := -1.0
		for _, i := range out {
			at := float64(maxPlaces-1) * (float64(i)/float64(n) + float64(s.sums[i])/float64(s.sums[n])) / 2
			if math.Floor(at) > last {
				kept, last = append(kept, i), math.Floor(at)
			}
		}
		out = kept
	}
	return append(out, n), distinct
}

// fit finds the bands of the least distance, of at least `least` installs each: at
// most n of them, fewer when there are not enough amounts.
func (s sample) fit(n, least int) fitting {
	if len(s.amounts) == 0 {
		return fitting{}
	}
	at, distinct := s.places()
	starts := bestStarts(len(at)-1, n, func(i, j int) float64 {
		if at[j]-at[i] < max(least, 1) {
			return math.Inf(1)
		}
		return s.distance(at[i], at[j])
	})
	if starts == nil {
		return fitting{}
	}
	method := fmt.Sprintf("dynamic programming over all %d amounts that occur: least sum of absolute errors, each band estimated at its mean", distinct)
	if len(at)-1 < distinct {
		method = fmt.Sprintf("dynamic programming over %d groups of the %d amounts that occur (about equal in installs and revenue): least sum of absolute errors, each band estimated at its mean", len(at)-1, distinct)
	}
	positions := make([]int, 0, len(starts))
	for _, i := range starts {
		positions = append(positions, at[i])
	}
	return fitting{s.bands(positions), method}
}

// bestStarts cuts the places 0 to m into at most n runs of the least cost, where
// cost(i, j) is that of the run from i up to j. It returns where the runs begin;
// nil when no cut has a finite cost. O(n m^2), exact for any cost.
func bestStarts(m, n int, cost func(i, j int) float64) []int {
	n = min(n, m)
	costs := make([][]float64, m)
	for i := range costs {
		costs[i] = make([]float64, m+1)
		for j := i + 1; j <= m; j++ {
			costs[i][j] = cost(i, j)
		}
	}
	best := make([]float64, m+1) // of the first j places in the runs so far
	for j := range best {
		best[j] = math.Inf(1)
	}
	best[0] = 0
	from := make([][]int32, n+1)
	least, runs := math.Inf(1), 0
	for r := 1; r <= n; r++ {
		next := make([]float64, m+1)
		from[r] = make([]int32, m+1)
		for j := range next {
			next[j] = math.Inf(1)
			for i := r - 1; i < j; i++ {
				if c := best[i] + costs[i][j]; c < next[j] {
					next[j], from[r][j] = c, int32(i)
				}
			}
		}
		best = next
		if best[m] < least {
			least, runs = best[m], r
		}
	}
	if runs == 0 {
		return nil
	}
	starts := make([]int, runs)
	for r, j := runs, m; r > 0; r-- {
		j = int(from[r][j])
		starts[r-1] = j
	}
	return starts
}

// bands turns positions into bands with round edges; the first begins at one coin.
func (s sample) bands(starts []int) []coinBand {
	out := make([]coinBand, 0, len(starts))
	for i, lo := range starts {
		b := coinBand{min: 1}
		if i > 0 {
			b.min = out[i-1].max
		}
		hi := len(s.amounts)
		if i+1 < len(starts) {
			hi = starts[i+1]
			b.max = roundest(s.amounts[hi-1], s.amounts[hi])
		}
		b.estimate, b.installs = s.mean(lo, hi), hi-lo
		out = append(out, b)
	}
	return out
}

// roundest is the roundest number above low and up to high: a multiple of the
// largest of 1, 5, 10, 50, … that has one there, the one nearest to the middle.
func roundest(low, high int64) int64 {
	step := int64(1)
	for _, factor := range alternating {
		next := step * factor
		if high/next <= low/next {
			break // nor has any larger step one, each being a multiple of the last
		}
		step = next
	}
	middle := low + (high-low)/2
	at := (middle + step/2) / step * step
	for at <= low {
		at += step
	}
	for at > high {
		at -= step
	}
	return at
}

// alternating makes 5, 10, 50, 100 and so on, up to 10^18.
var alternating = slices.Repeat([]int64{5, 2}, 18)
