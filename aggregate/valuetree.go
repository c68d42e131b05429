package aggregate

import (
	"cmp"
	"slices"
)

// cell is what a histogram could tell apart at best: a fine value in one meaning.
// Versions that read a value alike share its cell.
type cell struct {
	version int // the last version with this meaning
	meaning ValueMeaning
	stray   bool // payers, or others, that no version's meaning fits: a fault elsewhere, kept apart
}

// valueTree is the fixed tree that the bins of a release are cut from. It hangs on
// the schema versions alone, never on what was counted.
type valueTree struct {
	cells  []cell
	roots  [2]*valueNode // payers, non-payers: these never merge
	at     map[cellKey]int
	events []string // those of the newest version in its order, then older ones
	newest int      // how many of events are the newest version's
}

// cellKey is how a counted install finds its cell. Payer is among it, so that the
// bins add up to the rows' payers whatever a version says.
type cellKey struct {
	version, value int
	payer          bool
}

// valueNode is a set of cells and how it splits: not at all, or in two.
type valueNode struct {
	cells    []int
	children []*valueNode
}

func newValueTree(versions []Meaning) *valueTree {
	t := &valueTree{at: map[cellKey]int{}}
	ordered := slices.Clone(versions)
	slices.SortFunc(ordered, func(a, b Meaning) int { return b.Version - a.Version }) // the newest first
	for i, m := range ordered {
		for _, name := range m.Events {
			if !slices.Contains(t.events, name) {
				t.events = append(t.events, name)
			}
		}
		if i == 0 {
			t.newest = len(t.events)
		}
		for _, v := range m.Values {
			t.at[cellKey{m.Version, v.Value, v.Payer}] = t.cellFor(m.Version, v)
		}
	}
	t.cells = append(t.cells, cell{stray: true, meaning: ValueMeaning{Payer: true}}, cell{stray: true})
	payers, others := split(t.all(), func(i int) bool { return t.cells[i].meaning.Payer })
	newest := ordered[0].Version
	t.roots = [2]*valueNode{t.byVersion(payers, newest), t.byVersion(others, newest)}
	return t
}

func (t *valueTree) all() []int {
	all := make([]int, len(t.cells))
	for i := range all {
		all[i] = i
	}
	return all
}

// cellFor finds the cell of a value with the same meaning in a newer version, or
// makes one.
func (t *valueTree) cellFor(version int, v ValueMeaning) int {
	for i, c := range t.cells {
		if c.meaning.equal(v) {
			return i
		}
	}
	t.cells = append(t.cells, cell{version: version, meaning: v})
	return len(t.cells) - 1
}

// find is the cell of a group of fine installs.
func (t *valueTree) find(g *Counted) int {
	i, known := t.at[cellKey{g.SchemaVersion, g.Fine, g.Payer}]
	switch {
	case known:
		return i
	case g.Payer:
		return len(t.cells) - 2
	}
	return len(t.cells) - 1
}

// byVersion splits off what no version explains, then what only older versions say:
// where none of it was counted, which is nearly always, a bin that collapses above
// the events crosses only what the newest version means.
func (t *valueTree) byVersion(cells []int, newest int) *valueNode {
	described, stray := split(cells, func(i int) bool { return !t.cells[i].stray })
	current, older := split(described, func(i int) bool { return t.cells[i].version == newest })
	return join(join(t.byEvents(current, t.events), t.byEvents(older, t.events)), &valueNode{cells: stray})
}

// join is the node above two; an empty one is no child.
func join(a, b *valueNode) *valueNode {
	switch {
	case len(a.cells) == 0:
		return b
	case len(b.cells) == 0:
		return a
	}
	return &valueNode{cells: slices.Concat(a.cells, b.cells), children: []*valueNode{a, b}}
}

// byEvents splits by the first event that some cells vouch for and others do not.
func (t *valueTree) byEvents(cells []int, events []string) *valueNode {
	for i, name := range events {
		with, without := split(cells, func(c int) bool { return t.cells[c].meaning.event(name) != nil })
		if len(with) > 0 && len(without) > 0 {
			rest := events[i+1:]
			return join(t.byEvents(with, rest), t.byEvents(without, rest))
		}
	}
	ordered := slices.SortedFunc(slices.Values(cells), func(a, b int) int {
		return cmp.Or(t.cells[a].meaning.Value-t.cells[b].meaning.Value, t.cells[a].version-t.cells[b].version)
	})
	return t.dyadic(ordered)
}

// dyadic halves cells in the order of their values; the meanings that versions give
// one value part last.
func (t *valueTree) dyadic(ordered []int) *valueNode {
	if len(ordered) < 2 {
		return &valueNode{cells: ordered}
	}
	values := []int{}
	for _, c := range ordered {
		values = append(values, t.cells[c].meaning.Value)
	}
	middle := len(ordered) / 2
	if distinct := slices.Compact(slices.Clone(values)); len(distinct) > 1 {
		middle = slices.Index(values, distinct[len(distinct)/2])
	}
	return join(t.dyadic(ordered[:middle]), t.dyadic(ordered[middle:]))
}

// split parts cells in two, each in the order in which they came.
func split(cells []int, is func(int) bool) (yes, no []int) {
	for _, c := range cells {
		if is(c) {
			yes = append(yes, c)
		} else {
			no = append(no, c)
		}
	}
	return yes, no
}
