package schema

import (
	"math"
	"sort"
)

// equal has as many bands over the same range, equally wide, each estimated at its
// middle; the open one at the mean of what lies there.
func (s sample) equal(like fitting) fitting {
	n := len(like.bands)
	if n == 0 {
		return fitting{}
	}
	return s.equalBands(n, like.bands[n-1].min, false)
}

// bestEqual is the best set of n bands of one width, estimated at their means.
func (s sample) bestEqual(n int) fitting {
	if len(s.amounts) == 0 {
		return fitting{}
	}
	at, _ := s.places()
	var best fitting
	least := math.Inf(1)
	for _, i := range at[:len(at)-1] {
		top := s.amounts[i]
		if top < int64(n) && n > 1 {
			continue // a band is at least a coin wide
		}
		f := s.equalBands(n, top, true)
		if d := s.distanceFrom(f); d < least {
			best, least = f, d
		}
		if n == 1 {
			break // one band has no edge
		}
	}
	if len(best.bands) == 0 {
		return s.equalBands(1, 0, true)
	}
	return best
}

// equalBands are n-1 bands up to top, and an open one.
func (s sample) equalBands(n int, top int64, means bool) fitting {
	out := fitting{bands: make([]coinBand, 0, n)}
	low := int64(1)
	for i := range n {
		b := coinBand{min: low}
		lo, hi := s.position(low), len(s.amounts)
		if i < n-1 {
			b.max = max(int64(math.Round(float64(top)*float64(i+1)/float64(n-1))), low+1)
			hi = s.position(b.max)
		}
		b.installs = hi - lo
		switch {
		case hi > lo && (means || b.max == 0):
			b.estimate = s.mean(lo, hi)
		case b.max == 0:
			b.estimate = b.min
		default:
			b.estimate = (b.min + b.max) / 2
		}
		out.bands = append(out.bands, b)
		low = b.max
	}
	return out
}

// position is the first amount of at least a.
func (s sample) position(a int64) int {
	return sort.Search(len(s.amounts), func(i int) bool { return s.amounts[i] >= a })
}

// distanceFrom is the sum of the distances from the bands' estimates.
func (s sample) distanceFrom(f fitting) float64 {
	sum := 0.0
	for _, b := range f.bands {
		lo, hi := s.position(b.min), len(s.amounts)
		if b.max > 0 {
			hi = s.position(b.max)
		}
		middle := min(max(s.position(b.estimate), lo), hi)
		e := float64(b.estimate)
		sum += e*float64(middle-lo) - float64(s.sums[middle]-s.sums[lo])
		sum += float64(s.sums[hi]-s.sums[middle]) - e*float64(hi-middle)
	}
	return sum
}
