package schema

import (
	"math"
	"slices"
)

// maxPlaces bounds the places where an edge may lie: the search takes the square
// of it for each band, and is done for every part of the installs.
const maxPlaces = 400

// search finds the best edges for a sample, or for the sample and amounts that were
// imagined beside it.
type search struct {
	sample        // what was paid
	blend  sample // what the distance is counted on

	at     []int // positions in blend where a band may begin, and its end
	before []int // how many really paid less than there
	costs  [][]float64
	found  map[[2]int][]int // starts by bands and least
}

// search prepares a search; with copies, beside imagined amounts and each paid one
// so many times.
func (s sample) search(copies int) *search {
	x := &search{sample: s, blend: s, found: map[[2]int][]int{}}
	if copies > 0 {
		x.blend = newSample(slices.Concat(s.logNormal(imagined), slices.Repeat(s.amounts, copies)))
	}
	x.at = x.blend.places()
	x.before = make([]int, len(x.at))
	x.costs = make([][]float64, len(x.at))
	for j, at := range x.at {
		x.before[j] = len(s.amounts)
		if at < len(x.blend.amounts) {
			x.before[j] = s.position(x.blend.amounts[at])
		}
		x.costs[j] = make([]float64, j)
		for i := range j {
			x.costs[j][i] = x.blend.distance(x.at[i], at)
		}
	}
	return x
}

// places lists the positions where a band may begin: 0, every new amount, and the
// end; joined when there are too many.
func (s sample) places() []int {
	var out []int
	n := len(s.amounts)
	for i := range s.amounts {
		if i == 0 || s.amounts[i] != s.amounts[i-1] {
			out = append(out, i)
		}
	}
	if len(out) > maxPlaces {
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
	return append(out, n)
}

// edges of the at most n bands of the least distance, each of at least `least`
// amounts that were paid; fewer bands when there are not enough amounts. False when
// not even one band holds as many.
func (x *search) edges(n, least int) ([]int64, bool) {
	starts := x.starts(n, least)
	if starts == nil {
		return nil, false
	}
	var edges []int64
	last := int64(1)
	for r, i := range starts[1:] {
		low, high := x.blend.amounts[x.at[i]-1], x.blend.amounts[x.at[i]]
		// Among imagined amounts an edge may move a little to be round, past none
		// that was paid and not past where the next edge can lie.
		at := x.position(high)
		floor, ceiling := last, int64(math.MaxInt64)
		if at > 0 {
			floor = max(floor, x.amounts[at-1])
		}
		if at < len(x.amounts) {
			ceiling = x.amounts[at]
		}
		if r+2 < len(starts) {
			ceiling = min(ceiling, x.blend.amounts[x.at[starts[r+2]]-1])
		}
		last = roundest(min(low, max(floor, low-low/32)), max(high, min(ceiling, high+high/32)))
		edges = append(edges, last)
	}
	return edges, true
}

// starts are the places where the bands begin; nil when there are none.
func (x *search) starts(n, least int) []int {
	key := [2]int{n, least}
	if _, ok := x.found[key]; !ok {
		x.found[key] = bestStarts(x.costs, n, func(i, j int) bool { return x.before[j]-x.before[i] >= least })
	}
	return x.found[key]
}

// bestStarts cuts the places 0 to m into at most n runs of the least cost, where
// costs[j][i] is that of the run from i up to j, if allowed. It returns where the
// runs begin; nil when no cut is allowed. A run that holds another one must be
// allowed if that one is. O(n m^2), exact for any cost.
func bestStarts(costs [][]float64, n int, allowed func(i, j int) bool) []int {
	m := len(costs) - 1
	n = min(n, m)
	until := make([]int, m+1) // where the last allowed run up to j begins, plus 1
	for j := 1; j <= m; j++ {
		until[j] = until[j-1]
		for until[j] < j && allowed(until[j], j) {
			until[j]++
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
			least, at := math.Inf(1), r-1
			row := costs[j][:until[j]]
			before := best[:len(row)]
			for i := at; i < len(row); i++ {
				if c := before[i] + row[i]; c < least {
					least, at = c, i
				}
			}
			next[j], from[r][j] = least, int32(at)
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
