package aggregate

// levels counts a row's coarse installs: low, medium, high.
type levels [3]int

// The order of the levels.
const (
	low = iota
	medium
	high
)

var levelIndex = map[string]int{CoarseLow: low, CoarseMedium: medium, CoarseHigh: high}

// merge decides which levels stand, where the coarse kind does: each if all have
// 0 or at least b; else medium merges with high, and only low stands; else none
// does. A merged sum needs no column: it is what all that stands leaves of the
// row's installs.
func (l levels) merge(b int) (stands [3]bool) {
	switch {
	case holds(l[low], b) && holds(l[medium], b) && holds(l[high], b):
		return [3]bool{true, true, true}
	case holds(l[low], b) && holds(l[medium]+l[high], b):
		return [3]bool{low: true}
	}
	return [3]bool{}
}
