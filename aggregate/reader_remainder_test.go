package aggregate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The reader of remainders knows the fine installs of each row, which rows read
// NULL, and the remainder, if there is one; it asks of every set of payers and
// non-payers, over all rows, whether its size is now known to be 1 to b-1.

// remainderPublisher gives what is published of rows that could share a remainder: payers or -1, and
// the sum last, or -1.
type remainderPublisher func(fine, payers []int, b int) string

func tellRemainder(stands func(m, contributors, others, b int) bool) remainderPublisher {
	return func(fine, payers []int, b int) string {
		shown := make([]int, len(payers), len(payers)+1)
		m, sum, among := 0, 0, 0
		for i, n := range payers {
			shown[i] = n
			if !bothHold(fine[i], n, b) {
				shown[i] = -1
				m, sum, among = m+1, sum+n, among+fine[i]
			}
		}
		if !stands(m, sum, among-sum, b) {
			sum = -1
		}
		return fmt.Sprint(append(shown, sum))
	}
}

// solvedRemainders lists what is known to be 1 to b-1, for rows with fine installs,
// of which each has at most most payers.
func solvedRemainders(tell remainderPublisher, fine []int, most, b int) []string {
	type known struct{ least, most []int }
	alike := map[string]*known{}
	sets := 1 << (2 * len(fine))
	payers := make([]int, len(fine))
	var each func(i int)
	each = func(i int) {
		if i < len(fine) {
			for payers[i] = 0; payers[i] <= min(fine[i], most); payers[i]++ {
				each(i + 1)
			}
			return
		}
		key := tell(fine, payers, b)
		k := alike[key]
		if k == nil {
			k = &known{make([]int, sets), make([]int, sets)}
			for set := range sets {
				k.least[set] = 1 << 30
			}
			alike[key] = k
		}
		for set := 1; set < sets; set++ {
			n := 0
			for i, p := range payers {
				n += set >> (2 * i) & 1 * p
				n += set >> (2*i + 1) & 1 * (fine[i] - p)
			}
			k.least[set], k.most[set] = min(k.least[set], n), max(k.most[set], n)
		}
	}
	each(0)
	var out []string
	for key, k := range alike {
		for set := 1; set < sets; set++ {
			if k.least[set] == k.most[set] && !holds(k.most[set], b) {
				out = append(out, fmt.Sprintf("fine %v, published %s: set %b is %d", fine, key, set, k.most[set]))
				break
			}
		}
	}
	return out
}

// combinations calls visit with every ascending choice of rows sizes.
func combinations(sizes []int, rows int, visit func([]int)) {
	var chosen []int
	var fill func(from int)
	fill = func(from int) {
		if len(chosen) == rows {
			visit(chosen)
			return
		}
		for i := from; i < len(sizes); i++ {
			chosen = append(chosen, sizes[i])
			fill(i)
			chosen = chosen[:len(chosen)-1]
		}
	}
	fill(0)
}

// remainderCases are rows of every mix of sizes from b on: for b 3 the least that
// can share are four.
var remainderCases = []struct {
	b, rows int
	sizes   []int
}{
	{3, 1, []int{3, 4, 5, 6, 7}}, {3, 2, []int{3, 4, 5, 6, 7}}, {3, 3, []int{3, 4, 5, 7}}, {3, 4, []int{3, 4, 6}},
	{4, 2, []int{4, 5, 6, 8, 9}}, {4, 3, []int{4, 5, 8}},
	{5, 1, []int{5, 6, 7, 12}}, {5, 2, []int{5, 6, 7, 8, 9, 10, 11}}, {5, 3, []int{5, 6, 9}},
}

func TestReaderOfRemainders(t *testing.T) {
	t.Parallel()
	for _, c := range remainderCases {
		t.Run(fmt.Sprintf("b %d, %d rows", c.b, c.rows), func(t *testing.T) {
			t.Parallel()
			combinations(c.sizes, c.rows, func(fine []int) {
				require.Empty(t, solvedRemainders(tellRemainder(remainderStands), fine, 1<<30, c.b))
				// One that knows that few pay, so that NULL is 1 to b-1.
				require.Empty(t, solvedRemainders(tellRemainder(remainderStands), fine, c.b-1, c.b))
			})
		})
	}
}

// The same attack solves publishers that leave one condition out. (That the rule
// keeps one further from both ends is a margin: this reader does not need it.)
func TestReaderSolvesNaiveRemainders(t *testing.T) {
	t.Parallel()
	for name, stands := range map[string]func(m, contributors, others, b int) bool{
		"always": func(int, int, int, int) bool { return true },
		"fewer than b contributors": func(m, p, n, b int) bool {
			return n >= b && m+1 < p && p < m*(b-1)-1
		},
		"fewer than b others": func(m, p, _, b int) bool {
			return p >= b && m+1 < p && p < m*(b-1)-1
		},
		"one each": func(m, p, n, b int) bool {
			return p >= b && n >= b && p < m*(b-1)-1
		},
		"b-1 each": func(m, p, n, b int) bool {
			return p >= b && n >= b && m+1 < p
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for _, c := range remainderCases {
				combinations(c.sizes, c.rows, func(fine []int) {
					if found > 0 {
						return
					}
					found += len(solvedRemainders(tellRemainder(stands), fine, 1<<30, c.b))
					found += len(solvedRemainders(tellRemainder(stands), fine, c.b-1, c.b))
				})
			}
			require.Positive(t, found)
		})
	}
}
