package aggregate

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// told is a published count together with the groups (by index) it counts; of
// measures, with the places (row by value) that it counts, empty ones among them.
type told struct {
	groups map[int]bool
	n      int
}

// attack adds published counts of disjoint sets, subtracts counts of subsets of
// what it holds, tries times, and returns the smallest non-empty set it is left
// with: what a reader can pick out by sums, differences and complements.
func attack(r *rand.Rand, published []told, tries int) int {
	smallest := 1 << 30
	for range tries {
		held := map[int]bool{}
		n := 0
		few, many := 1+r.IntN(len(published)+1), 1+r.IntN(2)
		for _, i := range r.Perm(len(published)) {
			if r.IntN(few) == 0 && !meets(held, published[i].groups) {
				for g := range published[i].groups {
					held[g] = true
				}
				n += published[i].n
			}
		}
		for _, i := range r.Perm(len(published)) {
			if r.IntN(many) == 0 && within(published[i].groups, held) {
				for g := range published[i].groups {
					delete(held, g)
				}
				n -= published[i].n
			}
		}
		if n != 0 { // a set may be known to be empty
			smallest = min(smallest, n)
		}
	}
	return smallest
}

func meets(a, b map[int]bool) bool {
	for g := range b {
		if a[g] {
			return true
		}
	}
	return false
}

func within(a, b map[int]bool) bool {
	for g := range a {
		if !b[g] {
			return false
		}
	}
	return true
}

// tell lists the rows of a release as sets of groups.
func tell(p Published, rows []int) []told {
	out := make([]told, len(p.Rows))
	for i, r := range p.Rows {
		out[i] = told{groups: map[int]bool{}, n: r.Installs}
	}
	for g, i := range rows {
		out[i].groups[g] = true
	}
	return out
}

// naive publishes each node of the tree that holds k, level by level, as most
// dashboards do: no `other`, no partition.
func naive(b Batch, s Settings) []told {
	nodes := map[string]*told{}
	for i, g := range b.Groups {
		for _, node := range append(path(g, s.Depth), LevelTotal) {
			if nodes[node] == nil {
				nodes[node] = &told{groups: map[int]bool{}}
			}
			nodes[node].groups[i] = true
			nodes[node].n += g.N
		}
	}
	var out []told
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		if nodes[node].n >= s.K {
			out = append(out, *nodes[node])
		}
	}
	return out
}

func TestSumsAndDifferencesAreEmptyOrK(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 0))
	broken := 0
	for range 60 {
		b, s := randomBatch(r), randomSettings(r)
		p := Cut(installs, s, b)
		rows := requirePartition(t, s, b, p)
		require.GreaterOrEqual(t, attack(r, tell(p, rows), 200), s.K)
		if attack(r, naive(b, s), 200) < s.K {
			broken++
		}
	}
	require.Greater(t, broken, 30, "the same attack isolates crowds below k from tables thresholded level by level")
}

func TestTenThousandCombinationsOfOneRelease(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 0))
	s := DefaultSettings()
	var b Batch
	for range 8 {
		b.Groups = append(b.Groups, randomBatch(r).Groups...)
	}
	p := Cut(installs, s, b)
	require.Greater(t, len(p.Rows), 15)
	require.GreaterOrEqual(t, attack(r, tell(p, requirePartition(t, s, b, p)), 10_000), s.K)
	require.Less(t, attack(r, naive(b, s), 10_000), s.K)
}

// Parent minus children: any node of the tree, as the sum over the rows in it,
// less any of those rows.
func TestParentMinusChildren(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 0))
	for range 500 {
		b, s := randomBatch(r), randomSettings(r)
		p := Cut(installs, s, b)
		for _, parent := range p.Rows {
			key := parent.Key()
			for end := strings.LastIndexByte(key, '/'); end > 0; end = strings.LastIndexByte(key[:end], '/') {
				total := 0
				var children []Row
				for _, row := range p.Rows {
					if strings.HasPrefix(row.Key(), key[:end+1]) {
						total += row.Installs
						children = append(children, row)
					}
				}
				for _, child := range children {
					left := total - child.Installs
					require.True(t, left == 0 || left >= s.K)
				}
			}
		}
	}
}
