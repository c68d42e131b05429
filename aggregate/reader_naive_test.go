package aggregate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The attack is not toothless: it solves publishers that leave a sentence out.
func TestReaderSolvesNaivePublishers(t *testing.T) {
	t.Parallel()
	hide := func(n, b int) int {
		if n > 0 && n < b {
			return -1
		}
		return n
	}
	naive := map[string]publisher{
		"each count under b is NULL, nothing merges": func(c composition, b int) seen {
			out := seen{}
			for i, n := range c {
				out[i] = hide(n, b)
			}
			return out
		},
		"payers stand though fine does not": func(c composition, b int) seen {
			out := asPublished(c, b)
			out[7] = c[cPayer]
			return out
		},
		"payers without a look at non-payers": func(c composition, b int) seen {
			out := asPublished(c, b)
			if out[6] >= 0 {
				out[7] = hide(c[cPayer], b)
			}
			return out
		},
		"small kinds into null, however small null is then": func(c composition, b int) seen {
			k := c.tally().kinds
			out := seen{k[null]}
			for i := unset; i <= fine; i++ {
				out[i] = hide(k[i], b)
				if out[i] < 0 {
					out[0] += k[i]
				}
			}
			return out
		},
		"the smallest other kind, and no look at b-1 each": smallestFirst,
	}
	for name, publish := range naive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for _, possible := range []int{everything, everything &^ (1 << cNull), 1<<cUnset | 1<<cUnmapped | 1<<cFree} {
				found += len(solved(publish, FloorK, 3, possible))
			}
			require.Positive(t, found)
		})
	}
}

// smallestFirst is the rule that merge had before readers knew that null can't
// occur among installs with three or four digits.
func smallestFirst(c composition, b int) seen {
	k := c.tally().kinds
	out := seen{k[null]}
	took := 0
	take := func(i int) {
		out[0] += k[i]
		k[i] = 0
		out[i] = -1
		took++
	}
	for i := unset; i <= fine; i++ {
		out[i] = k[i]
		if !holds(k[i], b) {
			take(i)
		}
	}
	for !holds(out[0], b) || took > 0 && out[0] <= took {
		smallest := 0
		for i := unset; i <= fine; i++ {
			if k[i] > 0 && (smallest == 0 || k[i] < k[smallest]) {
				smallest = i
			}
		}
		if smallest == 0 {
			break
		}
		take(smallest)
	}
	return out
}
