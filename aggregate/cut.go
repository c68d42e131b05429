package aggregate

import (
	"slices"
	"strings"
)

// Published is what the cut of one window gives. Installs + Carried is what was
// counted: either all of it is in Rows, or all of it is carried.
type Published struct {
	Rows       []Row        // ordered by Key
	Remainders []Remainder  // ordered by Measure, NetworkID
	Values     []ValueBin   // ordered by campaign, then by value
	Events     []EventCount // ordered by campaign, then as the schema has them
	Installs   int
	Carried    int
	Done       []DoneEvent   // of the deterministic side; ordered by campaign, then as declared
	Funnels    []FunnelStage // ordered by campaign, funnel and stage
	// SchemaVersions that at least b of the installs were decoded with, ascending.
	SchemaVersions []int
}

// Cut cuts the counted installs of one dataset and window into rows: one
// partition, every install in exactly one row, every row at least k, so that
// every sum, difference or complement of rows is 0 or at least k. It depends on
// what was counted and on nothing else: not on the order or grouping of the input.
func Cut(d Dataset, s Settings, b Batch) Published {
	groups := make([]*Counted, 0, len(b.Groups))
	open := b.OpenRevenue
	for i := range b.Groups {
		g := &b.Groups[i]
		if g.N <= 0 {
			continue
		}
		groups = append(groups, g)
		open = open || g.Kind == ValueFine && g.Payer && g.RevenueMax == nil
	}
	c := cutter{
		rules: rules{
			dataset: d, settings: s, openRevenue: open,
			redownloads: b.KnowsRedownloads && d.Kind == KindInstall, // a re-engagement is no download
		},
		versions: schemaVersions(groups, s.B),
	}
	top := newBranch(Row{Level: LevelTotal}, groups)
	if top.n < s.K {
		return Published{Carried: top.n}
	}
	rows := c.cut(top)
	slices.SortFunc(rows, func(a, b measured) int { return strings.Compare(a.row.Key(), b.row.Key()) })
	p := Published{Installs: top.n, SchemaVersions: c.versions, Remainders: remainders(rows, c.rules)}
	for _, m := range rows {
		p.Rows = append(p.Rows, m.row)
	}
	if len(b.Schemas) > 0 {
		t := newValueTree(b.Schemas)
		p.Values, p.Events = t.publish(rows, s.B)
		p.Funnels = t.funnels(rows, b.Funnels, s.B)
		if d.Kind == KindDeterministic {
			p.Done = t.done(rows, c.rules)
		}
	}
	return p
}

type cutter struct {
	rules
	versions []int
}

// cut gives the rows of a node of at least k installs.
func (c cutter) cut(node branch) []measured {
	var visible, hidden []branch
	for _, child := range node.children(c.settings.Depth) {
		if child.n >= c.settings.K {
			visible = append(visible, child)
		} else {
			hidden = append(hidden, child)
		}
	}
	slices.SortFunc(visible, bySize)
	for len(visible) > 0 && !c.enough(node, hidden) {
		smallest := visible[0].n // all of its size: which of them were taken would tell
		for len(visible) > 0 && visible[0].n == smallest {
			hidden, visible = append(hidden, visible[0]), visible[1:]
		}
	}
	if len(visible) == 0 {
		return []measured{c.measure(node)}
	}
	var rows []measured
	for _, child := range visible {
		rows = append(rows, c.cut(child)...)
	}
	if len(hidden) > 0 {
		rows = append(rows, c.measure(together(node.row, hidden)))
	}
	return rows
}

// enough reports whether hidden siblings may be published as one `other` row:
// there are none, or they hold k. An `other` of networks must also hold k outside
// its largest network, which knows its own installs and could subtract them.
//
// The cut hangs on sizes and on no name, so a reader who knows every name can't tell
// which sibling in `other` has which size, unless all have one: then their sum must
// not be one that only they have. (Brute force finds both: TestReaderOfTrees.)
func (c cutter) enough(node branch, hidden []branch) bool {
	if len(hidden) == 0 {
		return true
	}
	sum, least, largest := 0, hidden[0].n, 0
	for _, h := range hidden {
		sum += h.n
		least, largest = min(least, h.n), max(largest, h.n)
	}
	k, beside := c.settings.K, sum
	if node.row.Level == LevelTotal {
		beside = sum - largest
	}
	onlyThey := least == largest && (largest == k-1 || beside == k && beside != sum)
	return beside >= k && !onlyThey
}

func together(parent Row, hidden []branch) branch {
	row := parent
	row.Level = LevelOther
	var groups []*Counted
	for _, h := range hidden {
		groups = append(groups, h.groups...)
	}
	return newBranch(row, groups)
}

func (c cutter) measure(leaf branch) measured {
	m := measured{row: leaf.row, groups: leaf.groups}
	m.row.SchemaVersions = c.versions
	for _, g := range leaf.groups {
		m.tally.add(g)
	}
	m.tally.publish(&m.row, c.rules)
	return m
}

func bySize(a, b branch) int {
	if a.n != b.n {
		return a.n - b.n
	}
	return strings.Compare(a.row.Key(), b.row.Key())
}

func schemaVersions(groups []*Counted, b int) []int {
	installs := map[int]int{}
	for _, g := range groups {
		installs[g.SchemaVersion] += g.N
	}
	versions := []int{}
	for v, n := range installs {
		if v != 0 && n >= b {
			versions = append(versions, v)
		}
	}
	slices.Sort(versions)
	return versions
}
