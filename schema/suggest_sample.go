package schema

import (
	"math"
	"slices"
	"sort"
)

// Fitting counts money in the smallest coin of the currency. The distance that
// decides between two sets of bands is binary floating point: it orders them and
// is shown nowhere.

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

// middle of a closed band, inside it.
func (b coinBand) middle() int64 { return b.min + (b.max-b.min)/2 }

// fitting is a set of bands from the first coin on, the last one open.
type fitting []coinBand

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

// position is the first amount of at least a.
func (s sample) position(a int64) int {
	i, _ := slices.BinarySearch(s.amounts, a)
	return i
}

// span is the positions of a band's amounts.
func (s sample) span(b coinBand) (lo, hi int) {
	lo, hi = s.position(b.min), len(s.amounts)
	if b.max > 0 {
		hi = s.position(b.max)
	}
	return lo, hi
}

// read is what bands estimate for all amounts together, and the sum of the
// distances from the single ones. Without bands every estimate is 0.
func (s sample) read(f fitting) (estimated, distance int64) {
	if len(f) == 0 {
		return 0, s.sums[len(s.amounts)]
	}
	for _, b := range f {
		lo, hi := s.span(b)
		middle := min(max(s.position(b.estimate), lo), hi)
		estimated += b.estimate * int64(hi-lo)
		distance += b.estimate*int64(middle-lo) - (s.sums[middle] - s.sums[lo])
		distance += s.sums[hi] - s.sums[middle] - b.estimate*int64(hi-middle)
	}
	return estimated, distance
}

// bands counts the amounts between the edges and estimates each band at their
// mean, as if `prior` more lay at its middle: with few amounts their mean says less
// about the next install than where the band lies. The open band has no middle.
func (s sample) bands(edges []int64, prior int) fitting {
	out := make(fitting, 0, len(edges)+1)
	low := int64(1)
	for i := range len(edges) + 1 {
		b := coinBand{min: low}
		if i < len(edges) {
			b.max = edges[i]
		}
		lo, hi := s.span(b)
		b.installs = hi - lo
		switch n := int64(hi - lo); {
		case b.max == 0 && n == 0:
			b.estimate = b.min
		case b.max == 0:
			b.estimate = s.mean(lo, hi)
		case n+int64(prior) == 0:
			b.estimate = b.middle()
		default:
			sum := s.sums[hi] - s.sums[lo] + int64(prior)*b.middle()
			b.estimate = int64(math.Round(float64(sum) / float64(n+int64(prior))))
		}
		out = append(out, b)
		low = b.max
	}
	return out
}

// joined leaves out edges until every band holds k amounts, and the open one at
// least one. With a k, edges have two digits: more of them tell of single amounts.
func (s sample) joined(edges []int64, k int) []int64 {
	var kept []int64
	from, n := 0, len(s.amounts)
	for _, e := range edges {
		if k > 0 {
			e = twoDigits(e)
		}
		at := s.position(e)
		if at-from >= k && n-at >= max(k, 1) {
			kept, from = append(kept, e), at
		}
	}
	return kept
}

// logNormal is n amounts spread as those of the sample on a logarithmic scale: by
// their mean and deviation there, none beyond the largest. What few payers leave
// out between their amounts is there, where others will pay.
func (s sample) logNormal(n int) []int64 {
	mean, square := 0.0, 0.0
	for _, a := range s.amounts {
		mean += math.Log(float64(a)) / float64(len(s.amounts))
	}
	for _, a := range s.amounts {
		square += math.Pow(math.Log(float64(a))-mean, 2)
	}
	deviation := math.Sqrt(square / float64(max(len(s.amounts)-1, 1)))
	out := make([]int64, n)
	most := s.amounts[len(s.amounts)-1]
	for i := range out {
		q := math.Sqrt2 * math.Erfinv((2*float64(i)+1)/float64(n)-1)
		x := math.Exp(mean + deviation*q)
		out[i] = min(twoDigits(int64(min(max(x, 1), float64(most)))), most)
	}
	return out
}

// twoDigits rounds to two significant digits.
func twoDigits(x int64) int64 {
	unit := int64(1)
	for x/unit >= 100 {
		unit *= 10
	}
	return (x + unit/2) / unit * unit
}

// content is a number that the same amounts always give.
func (s sample) content() uint64 {
	h := uint64(14695981039346656037) // FNV-1a, over whole amounts
	for _, a := range s.amounts {
		h = (h ^ uint64(a)) * 1099511628211
	}
	return h
}
