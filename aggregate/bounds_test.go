package aggregate

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bounds that a linear program would give on what was merged, solved exactly
// over whole numbers: what can the parts of a published sum be?

// possibleSums lists the sums that some of the rows of a remainder can have, given
// the sum of all: each row has 1 to b-1 contributors or all but 1 to b-1.
func possibleSums(fine []int, inside []bool, total, b int) map[int]bool {
	type state struct{ in, all int }
	reach := map[state]bool{{}: true}
	for i, f := range fine {
		next := map[state]bool{}
		for s := range reach {
			for n := 1; n < f; n++ {
				if bothHold(f, n, b) || s.all+n > total {
					continue
				}
				x := state{s.in, s.all + n}
				if inside[i] {
					x.in += n
				}
				next[x] = true
			}
		}
		reach = next
	}
	out := map[int]bool{}
	for s := range reach {
		if s.all == total {
			out[s.in] = true
		}
	}
	return out
}

// pins reports whether what is possible is one number of 1 to b-1.
func pins(possible map[int]bool, b int) bool {
	for n := range possible {
		return len(possible) == 1 && !holds(n, b)
	}
	return false
}

func TestBoundsOfRemainders(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(12, 0))
	told, naive := 0, 0
	for range 4000 {
		b, m := FloorB+r.IntN(3), 1+r.IntN(6)
		fine, inside := make([]int, m), make([]bool, m)
		total, among := 0, 0
		for i := range fine {
			fine[i] = b + r.IntN(12)
			n := 1 + r.IntN(b-1)
			if r.IntN(6) == 0 {
				n = fine[i] - n
			}
			inside[i] = r.IntN(2) == 0
			total, among = total+n, among+fine[i]
		}
		found := pins(possibleSums(fine, inside, total, b), b)
		if remainderStands(m, total, among-total, b) {
			require.False(t, found, "%v of %v is known of %d, b %d", inside, fine, total, b)
			told++
		} else if found {
			naive++
		}
	}
	require.Greater(t, told, 300)
	require.Greater(t, naive, 100, "the same bounds solve remainders that are not published")
}

// Rows by bins of a campaign is a table of which both margins are published: of any
// rows and any bins, the least and the most are whole numbers and are reached.
// And of a bin that collapsed, its children can always be more than one number.
func TestBoundsOfBins(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 0))
	tables, collapsed := 0, 0
	for range 150 {
		batch, s := measuredBatch(r), randomSettings(r)
		p := Cut(installs, s, batch)
		if len(p.Rows) == 0 {
			continue
		}
		tree := newValueTree(batch.Schemas)
		bins := map[histogramKey][2][]int{}
		for _, v := range p.Values {
			if v.Kind == BinFine && v.Installs != nil {
				k := histogramKey{v.NetworkID, v.IDKind, v.Source2}
				side := bins[k]
				of := payerSide(t, tree, v)
				side[of] = append(side[of], *v.Installs)
				bins[k] = side
			}
		}
		for k, sides := range bins {
			for side, columns := range sides {
				var margins []int
				total := 0
				for _, row := range p.Rows {
					if row.Payers != nil && campaignOf(row) == k {
						n := *row.Payers
						if side == 1 {
							n = *row.FineInstalls - n
						}
						margins, total = append(margins, n), total+n
					}
				}
				for range 20 {
					x, y := someOf(r, margins), someOf(r, columns)
					least, most := max(0, x+y-total), min(x, y)
					require.False(t, least == most && !holds(least, s.B))
					tables++
				}
			}
		}
		for _, root := range tree.roots {
			counts := make([]int, len(tree.cells))
			for _, c := range root.cells {
				counts[c] = r.IntN(s.B + 2)
			}
			for _, x := range root.bins(counts, s.B) {
				if len(x.cells) < 2 || x.n < s.B {
					continue
				}
				possible := 0
				for n := range x.n + 1 {
					if !holds(n, s.B) || !holds(x.n-n, s.B) {
						possible++
					}
				}
				require.Greater(t, possible, 1)
				collapsed++
			}
		}
	}
	require.Greater(t, tables, 500)
	require.Greater(t, collapsed, 20)
}

// payerSide is 0 for a bin of payers, 1 for the others, by its values.
func payerSide(t *testing.T, tree *valueTree, v ValueBin) int {
	t.Helper()
	b := &board{t: t, tree: tree}
	for c := range tree.cells {
		if b.names(v, c) && tree.cells[c].meaning.Payer {
			return 0
		}
	}
	return 1
}

func someOf(r *rand.Rand, n []int) int {
	sum := 0
	for _, x := range n {
		if r.IntN(2) == 0 {
			sum += x
		}
	}
	return sum
}
