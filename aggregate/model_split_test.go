package aggregate

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// publishedRow is a row of these kinds and levels as the cut would publish it.
func publishedRow(k kinds, l levels, b int, long bool) Row {
	row := Row{Level: LevelSrc2, NetworkID: "n", IDKind: IDSource, Source2: "39"}
	if long {
		row.Level, row.Source3 = LevelSrc3, "239"
	}
	t := tally{installs: k[null] + k[unset] + k[unmapped] + k[coarse] + k[fine], kinds: k, levels: l}
	t.publish(&row, rules{dataset: Dataset{Kind: KindInstall}, settings: Settings{K: 20, B: b}})
	return row
}

// randomRow has kinds that are often too few to stand.
func randomRow(r *rand.Rand, b int) (Row, kinds, levels) {
	var k kinds
	var l levels
	for i := range l {
		l[i] = few(r, 2*b)
		k[coarse] += l[i]
	}
	long := r.IntN(3) == 0
	for _, i := range []int{unset, unmapped, fine} {
		k[i] = few(r, 3*b)
	}
	if !long {
		k[null] = few(r, 4*b)
	}
	if k[fine] == 0 {
		k[fine] = 20
	}
	return publishedRow(k, l, b, long), k, l
}

func few(r *rand.Rand, most int) int {
	if r.IntN(3) == 0 {
		return 0
	}
	return r.IntN(most)
}

// What a row was is among the ways in which it may have been published so; only where
// two kinds of b or more were taken one after the other, which is rare, it may not be.
func TestTheTruthIsAmongTheWays(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	missed := 0
	const rows, b = 600, 5
	s := &splitter{b: b}
	for range rows {
		row, k, l := randomRow(r, b)
		ways := s.kindWays(row)
		for _, w := range ways {
			shown, stands := kinds(w).merge(b)
			trueShown, trueStands := k.merge(b)
			require.Equal(t, trueStands, stands)
			require.Equal(t, trueShown, shown)
		}
		if !slices.Contains(ways, [5]int(k)) {
			missed++
		}
		if known, _ := standingKinds(row); known[coarse] > 0 {
			require.Contains(t, s.levelWays(row, known[coarse]), [5]int{l[low], l[medium], l[high]})
		}
	}
	require.Less(t, missed, rows/20)
}

func TestASplitLosesNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	const b = 5
	var rows []Row
	var truth [5]float64
	var coarsely [3]float64
	for range 400 {
		row, k, l := randomRow(r, b)
		rows = append(rows, row)
		for i, n := range k {
			truth[i] += float64(n)
		}
		for i, n := range l {
			coarsely[i] += float64(n)
		}
	}
	s := newSplitter(b, rows, [3]float64{0.3, 0.3, 0.3})
	var found [5]float64
	for _, random := range []*rand.Rand{nil, rand.New(rand.NewPCG(3, 3))} {
		for _, row := range rows {
			p := s.split(row, random)
			k := s.kindsOf(row, nil)
			sum := 0.0
			for i, n := range k {
				require.GreaterOrEqual(t, n, 0.0)
				sum += n
				if random == nil {
					found[i] += n
				}
			}
			require.InDelta(t, row.Installs, sum, 1e-6)
			known, _ := standingKinds(row)
			if row.CoarseLow != nil || known[coarse] > 0 {
				require.InDelta(t, known[coarse], p.coarse[0]+p.coarse[1]+p.coarse[2], 1e-6)
			}
			require.LessOrEqual(t, p.null+p.fine+p.hidden+p.coarse[0]+p.coarse[1]+p.coarse[2], float64(row.Installs)+1e-6)
			if row.Source3 != "" {
				require.Zero(t, p.null, "three digits are never without a value for the crowd's size")
			}
		}
	}
	for _, i := range []int{null, coarse, fine} {
		require.InDelta(t, 1, found[i]/truth[i], 0.1, "kind %d", i)
	}
}

func TestOldRowsAreAllHidden(t *testing.T) {
	t.Parallel()
	s := newSplitter(5, nil, [3]float64{})
	require.Equal(t, parts{hidden: 30}, s.split(Row{Installs: 30}, nil))
}

// Three coarse installs of which one or two are low, two or one more; b is 3: with even
// shares that hang together as little as a multinomial, 3/8 of each; none stands where
// any level has 1 or 2, unless medium and high together are 0 or 3.
func TestLevelWaysByHand(t *testing.T) {
	t.Parallel()
	s := &splitter{b: 3}
	none := Row{Installs: 20}
	require.ElementsMatch(t, [][5]int{{1, 0, 2}, {1, 1, 1}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}, s.levelWays(none, 3))
	zero := 0
	merged := Row{Installs: 20, CoarseLow: &zero}
	require.ElementsMatch(t, [][5]int{{0, 1, 2}, {0, 2, 1}}, s.levelWays(merged, 3))
}

// A row of 20 fine installs and a null of 7 that took coarse alone; b is 5: one to four
// coarse installs and the rest null, or five or more where one to four were null.
func TestKindWaysByHand(t *testing.T) {
	t.Parallel()
	seven, zero, twenty := 7, 0, 20
	row := Row{Level: LevelSrc2, Installs: 27, NullInstalls: &seven, UnsetInstalls: &zero, UnmappedInstalls: &zero, FineInstalls: &twenty}
	var got []int
	for _, w := range (&splitter{b: 5}).kindWays(row) {
		require.Equal(t, 27, w[null]+w[coarse]+w[fine])
		got = append(got, w[coarse])
	}
	require.Equal(t, []int{1, 2, 3, 4, 5, 6}, got, "7 would stand")
}
