package aggregate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bitwise is a schema by hand: values 0 to 3 do not pay, 4 to 7 do; odd ones have
// event "odd", those with bit 1 "two", payers "purchase".
func bitwise(version int) Meaning {
	m := Meaning{Version: version, Events: []string{"odd", "two", "purchase"}}
	for value := range 8 {
		v := ValueMeaning{Value: value, Payer: value >= 4, RevenueMax: moneyAt("0")}
		if value&1 != 0 {
			v.Events = append(v.Events, EventMeaning{Name: "odd", CountMin: 1})
		}
		if value&2 != 0 {
			v.Events = append(v.Events, EventMeaning{Name: "two", CountMin: 1})
		}
		if v.Payer {
			v.Events = append(v.Events, EventMeaning{Name: "purchase", CountMin: 1})
			v.RevenueMin, v.RevenueEst, v.RevenueMax = money("1"), money("2"), moneyAt("3")
		}
		m.Values = append(m.Values, v)
	}
	return m
}

// plain is a schema without events: the values of first do not pay, those after do.
func plain(version, first, values int) Meaning {
	m := Meaning{Version: version}
	for value := range values {
		m.Values = append(m.Values, ValueMeaning{Value: value, Payer: value >= first, RevenueMax: moneyAt("0")})
	}
	return m
}

// shape writes a tree as nested values.
func (t *valueTree) shape(n *valueNode) string {
	if len(n.children) == 0 {
		parts := []string{}
		for _, c := range n.cells {
			if t.cells[c].stray {
				parts = append(parts, "?")
				continue
			}
			parts = append(parts, fmt.Sprintf("%d", t.cells[c].meaning.Value))
			if t.cells[c].version != 1 {
				parts[len(parts)-1] = fmt.Sprintf("%d:%s", t.cells[c].version, parts[len(parts)-1])
			}
		}
		return strings.Join(parts, ",")
	}
	parts := []string{}
	for _, c := range n.children {
		parts = append(parts, t.shape(c))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func TestValueTree(t *testing.T) {
	t.Parallel()
	cap4 := bitwise(2)
	cap4.Values = cap4.Values[:6]
	cap4.Values[5].Clamped = true
	for name, c := range map[string]struct {
		versions       []Meaning
		payers, others string
	}{
		"events before values":              {[]Meaning{bitwise(1)}, "(((7 5) (6 4)) ?)", "(((3 1) (2 0)) ?)"},
		"values by halves":                  {[]Meaning{plain(1, 1, 8)}, "(((1 (2 3)) ((4 5) (6 7))) ?)", "(0 ?)"},
		"none pays":                         {[]Meaning{plain(1, 3, 3)}, "?", "((0 (1 2)) ?)"},
		"no values":                         {[]Meaning{{Version: 1}}, "?", "?"},
		"the same under both versions":      {[]Meaning{plain(1, 1, 3), plain(2, 1, 3)}, "((2:1 2:2) ?)", "(2:0 ?)"},
		"what only the older says is apart": {[]Meaning{bitwise(1), cap4}, "(((2:5 2:4) ((7 5) 6)) ?)", "(((2:3 2:1) (2:2 2:0)) ?)"},
	} {
		tree := newValueTree(c.versions)
		require.Equal(t, c.payers, tree.shape(tree.roots[0]), name)
		require.Equal(t, c.others, tree.shape(tree.roots[1]), name)
	}
	require.Equal(t, []string{"odd", "two", "purchase"}, newValueTree([]Meaning{bitwise(1)}).events)
}

// Meanings of one value under two older versions part last.
func TestOlderMeaningsOfOneValue(t *testing.T) {
	t.Parallel()
	a, b := plain(1, 0, 2), plain(2, 0, 2)
	b.Values[0].Clamped = true
	tree := newValueTree([]Meaning{a, b, {Version: 3}})
	require.Equal(t, "(((0 2:0) 2:1) ?)", tree.shape(tree.roots[0]), "the newest says nothing")
}

func TestFindCell(t *testing.T) {
	t.Parallel()
	tree := newValueTree([]Meaning{bitwise(1)})
	for value := range 8 {
		c := tree.cells[tree.find(&Counted{SchemaVersion: 1, Fine: value, Payer: value >= 4})]
		require.Equal(t, value, c.meaning.Value)
		require.False(t, c.stray)
		for _, wrong := range []Counted{
			{SchemaVersion: 1, Fine: value, Payer: value < 4}, {SchemaVersion: 2, Fine: value, Payer: true}, {SchemaVersion: 1, Fine: 9},
		} {
			c := tree.cells[tree.find(&wrong)]
			require.True(t, c.stray)
			require.Equal(t, wrong.Payer, c.meaning.Payer, "the bins add up to the rows' payers")
		}
	}
}

// Random trees: every node is the union of its children, each cell is a leaf of one
// root, and bins are a partition of what was counted, each at least b, cut no
// further than its children allow and no less.
func TestBinsOfRandomTrees(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 0))
	for range 2000 {
		tree, b := newValueTree(randomMeanings(r)), FloorB+r.IntN(5)
		counts := make([]int, len(tree.cells))
		for range r.IntN(2 * len(counts)) {
			counts[r.IntN(len(counts))] += r.IntN(2 * b)
		}
		for _, root := range tree.roots {
			if n := root.count(counts); !holds(n, b) {
				counts[root.cells[0]] += b // rows on which payers do not stand are not in it
			}
			requireBins(t, tree, root, counts, b)
		}
		sum := 0
		for _, x := range tree.bins(counts, b) {
			require.GreaterOrEqual(t, x.n, b)
			sum += x.n
		}
		require.Equal(t, tree.roots[0].count(counts)+tree.roots[1].count(counts), sum)
	}
}

func requireBins(t *testing.T, tree *valueTree, n *valueNode, counts []int, b int) {
	t.Helper()
	bins := n.bins(counts, b)
	if len(n.children) == 0 {
		require.Len(t, bins, min(1, n.count(counts)))
		return
	}
	require.Len(t, n.children, 2)
	require.ElementsMatch(t, n.cells, append(append([]int{}, n.children[0].cells...), n.children[1].cells...))
	below := append(n.children[0].bins(counts, b), n.children[1].bins(counts, b)...)
	if holds(n.children[0].count(counts), b) && holds(n.children[1].count(counts), b) {
		require.Equal(t, below, bins)
	} else {
		require.Len(t, bins, 1)
	}
	for _, child := range n.children {
		if holds(child.count(counts), b) {
			requireBins(t, tree, child, counts, b)
		}
	}
}

// randomMeanings is one to three versions of a small schema.
func randomMeanings(r *rand.Rand) []Meaning {
	names := []string{"a", "b", "c", "d"}
	var out []Meaning
	for version := range 1 + r.IntN(3) {
		m := Meaning{Version: version + 1}
		for value := range 64 {
			if r.IntN(6) > 0 {
				continue
			}
			v := ValueMeaning{Value: value, Payer: r.IntN(2) == 0, Clamped: r.IntN(8) == 0, RevenueMax: moneyAt("0")}
			for _, name := range names {
				if r.IntN(3) == 0 {
					most := 2 + r.IntN(3)
					v.Events = append(v.Events, EventMeaning{Name: name, CountMin: 1 + r.IntN(2), CountMax: &most})
				}
			}
			m.Values = append(m.Values, v)
		}
		for _, name := range names {
			for _, v := range m.Values {
				if v.event(name) != nil {
					m.Events = append(m.Events, name)
					break
				}
			}
		}
		out = append(out, m)
	}
	return out
}
