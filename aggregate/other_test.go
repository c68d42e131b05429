package aggregate

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rule of `other`, from its sentence: every child below k is in it; it took
// the smallest others, all of one size together, and not one size more than it
// needed; where it took them all, nothing less would have been enough.
func TestOtherTakesNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 0))
	others, parents := 0, 0
	for range 1500 {
		b, s := randomBatch(r), randomSettings(r)
		p := Cut(installs, s, b)
		rows := requirePartition(t, s, b, p)
		size, children := map[string]int{}, map[string][]string{}
		inRow := map[string]int{}
		for i, g := range b.Groups {
			parent := LevelTotal
			for _, node := range path(g, s.Depth) {
				if !slices.Contains(children[parent], node) {
					children[parent] = append(children[parent], node)
				}
				size[node] += g.N
				parent = node
				if rows != nil {
					inRow[node] = rows[i]
				}
			}
		}
		enough := func(parent string, hidden []string) bool {
			sum, largest := 0, 0
			for _, h := range hidden {
				sum, largest = sum+size[h], max(largest, size[h])
			}
			alike := !slices.ContainsFunc(hidden, func(h string) bool { return size[h] != largest })
			if parent == LevelTotal {
				sum -= largest
				if alike && sum == s.K {
					return false // of no other sizes
				}
			}
			return sum >= s.K && (!alike || largest != s.K-1)
		}
		for _, row := range p.Rows {
			parent := row.Key()
			isOther := row.Level == LevelOther
			if isOther {
				parent = LevelTotal
				if row.NetworkID != "" {
					parent = row.Key()[:len(row.Key())-len("/other")]
				}
			}
			kids := slices.Clone(children[parent])
			if len(kids) == 0 {
				continue // the bottom of the tree
			}
			slices.SortFunc(kids, func(x, y string) int {
				if size[x] != size[y] {
					return size[x] - size[y]
				}
				return slices.Compare([]byte(x), []byte(y))
			})
			small := slices.IndexFunc(kids, func(x string) bool { return size[x] >= s.K })
			if small < 0 {
				small = len(kids)
			}
			require.Positive(t, small, "%s was not split, though no child is below k", parent)
			need := small
			for need < len(kids) && !enough(parent, kids[:need]) {
				for need++; need < len(kids) && size[kids[need]] == size[kids[need-1]]; need++ {
				}
			}
			if !isOther {
				require.Equal(t, len(kids), need, "%s was not split, though it could be", parent)
				parents++
				continue
			}
			require.Less(t, need, len(kids))
			for i, kid := range kids {
				require.Equal(t, i < need, p.Rows[inRow[kid]].Key() == row.Key(), "%s in %s", kid, row.Key())
			}
			others++
		}
	}
	require.Greater(t, others, 100)
	require.Greater(t, parents, 100)
}
