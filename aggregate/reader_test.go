package aggregate

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// The brute-force reader: it knows every rule, the row as it was published, and
// which categories can't occur in such a row (Apple's tiers, a schema without
// medium). It lists every row that would have been published alike and asks, for
// every set of categories, whether their sum is now known to be 1 to b-1.

// categories of an install; each belongs to one kind.
const (
	cNull = iota
	cUnset
	cUnmapped
	cLow
	cMedium
	cHigh
	cFree  // fine, does not pay
	cPayer // fine, pays
	nCategories
)

type composition [nCategories]int

func (c composition) tally() tally {
	t := tally{
		kinds:  kinds{c[cNull], c[cUnset], c[cUnmapped], c[cLow] + c[cMedium] + c[cHigh], c[cFree] + c[cPayer]},
		levels: levels{c[cLow], c[cMedium], c[cHigh]},
		payers: c[cPayer],
	}
	for _, n := range c {
		t.installs += n
	}
	t.revenue.est = decimal.NewFromInt(int64(c[cPayer]))
	return t
}

// seen is what the reader sees of one row, installs apart; -1 is NULL.
type seen [9]int

type publisher func(c composition, b int) seen

// asPublished is what this package publishes, whole: the Row itself.
func asPublished(c composition, b int) seen {
	t := c.tally()
	s := DefaultSettings()
	s.B = b
	var row Row
	t.publish(&row, rules{dataset: Dataset{Kind: KindInstall}, settings: s, openRevenue: true})
	out := seen{}
	for i, p := range []*int{
		row.NullInstalls, row.UnsetInstalls, row.UnmappedInstalls,
		row.CoarseLow, row.CoarseMedium, row.CoarseHigh, row.FineInstalls, row.Payers,
	} {
		out[i] = -1
		if p != nil {
			out[i] = *p
		}
	}
	out[8] = -1
	if row.RevenueEst != nil {
		out[8] = int(row.RevenueEst.IntPart())
	}
	return out
}

// compositions calls visit with every way to put n installs into the categories
// that possible (a bit set) lets occur.
func compositions(n, possible int, visit func(composition)) {
	var c composition
	last := bits.Len(uint(possible)) - 1
	var fill func(i, left int)
	fill = func(i, left int) {
		switch {
		case possible>>i&1 == 0:
			fill(i+1, left)
		case i == last:
			c[i] = left
			visit(c)
			c[i] = 0
		default:
			for v := 0; v <= left; v++ {
				c[i] = v
				fill(i+1, left-v)
			}
			c[i] = 0
		}
	}
	fill(0, n)
}

// solved lists the published rows from which the reader learns that some set of
// categories has 1 to b-1 installs.
func solved(publish publisher, n, b, possible int) []string {
	type known struct {
		sum    [1 << nCategories]int8
		varies [1 << nCategories]bool
	}
	alike := map[seen]*known{}
	compositions(n, possible, func(c composition) {
		key := publish(c, b)
		k, old := alike[key]
		if !old {
			k = &known{}
			alike[key] = k
		}
		var sum [1 << nCategories]int8
		for set := 1; set < len(sum); set++ {
			sum[set] = sum[set&(set-1)] + int8(c[bits.TrailingZeros(uint(set))])
			if !old {
				k.sum[set] = sum[set]
			} else if k.sum[set] != sum[set] {
				k.varies[set] = true
			}
		}
	})
	var out []string
	for key, k := range alike {
		for set := range k.sum {
			if n := int(k.sum[set]); !k.varies[set] && n > 0 && n < b {
				out = append(out, fmt.Sprintf("published %v: categories %08b are known to be %d", key, set, n))
				break
			}
		}
	}
	return out
}

const everything = 1<<nCategories - 1

func TestReaderPinsNothing(t *testing.T) {
	t.Parallel()
	for _, b := range []int{3, 4, 5} {
		for n := FloorK; n <= FloorK+2; n++ {
			t.Run(fmt.Sprintf("b %d, %d installs", b, n), func(t *testing.T) {
				t.Parallel()
				require.Empty(t, solved(asPublished, n, b, everything))
			})
		}
	}
}

// Every set of categories that can occur, among them Apple's own.
func TestReaderWhoKnowsWhatCannotOccur(t *testing.T) {
	t.Parallel()
	for _, b := range []int{3, 5} {
		for possible := 1; possible < everything; possible++ {
			if testing.Short() && possible%8 != 7 {
				continue
			}
			require.Empty(t, solved(asPublished, FloorK, b, possible), "b %d, possible %08b", b, possible)
		}
	}
}

// Larger rows, kinds alone: what a kind is made of does not change how it merges.
func TestReaderOfKindsInLargerRows(t *testing.T) {
	t.Parallel()
	const onlyKinds = 1<<cNull | 1<<cUnset | 1<<cUnmapped | 1<<cLow | 1<<cFree
	kindsOnly := func(c composition, b int) seen {
		s, stands := c.tally().kinds.merge(b)
		out := seen{s[null], s[unset], s[unmapped], s[coarse], s[fine]}
		for i, ok := range stands {
			if !ok {
				out[i] = -1
			}
		}
		return out
	}
	for _, b := range []int{3, 4, 5, 7, 10} {
		for _, n := range []int{10, 13, 16, 21} {
			for possible := 1; possible <= onlyKinds; possible++ {
				if n < b || possible&^onlyKinds != 0 {
					continue
				}
				require.Empty(t, solved(kindsOnly, n, b, possible), "b %d, n %d, possible %08b", b, n, possible)
			}
		}
	}
}

// Payers among fine, and levels among coarse, where their kind stands at any size.
func TestReaderOfPayersAndLevels(t *testing.T) {
	t.Parallel()
	for _, b := range []int{3, 4, 5, 7} {
		for n := b; n <= 8*b; n++ {
			require.Empty(t, solved(asPublished, n, b, 1<<cFree|1<<cPayer))
			for possible := 1; possible < 8; possible++ {
				require.Empty(t, solved(asPublished, n, b, possible<<cLow))
			}
		}
	}
}
