package aggregate

import "cmp"

// branch is a child of a node of the tree, with its installs.
type branch struct {
	row    Row // identity only: level, network, digits
	groups []*Counted
	n      int
}

func newBranch(row Row, groups []*Counted) branch {
	n := 0
	for _, g := range groups {
		n += g.N
	}
	return branch{row: row, groups: groups, n: n}
}

// children splits a node: app > network > two digits > three > four, down to the
// depth; a campaign id is a child of its own kind beside the two-digit ones.
// Installs whose further digits Apple withheld are the child `withheld`. A node
// at the bottom has no children. The order is of no meaning.
func (p branch) children(depth int) []branch {
	if p.bottom(depth) {
		return nil
	}
	index := map[string]int{}
	var out []branch
	for _, g := range p.groups {
		row := p.row.child(g)
		key := row.Key()
		i, seen := index[key]
		if !seen {
			i = len(out)
			index[key] = i
			out = append(out, branch{row: row})
		}
		out[i].groups = append(out[i].groups, g)
		out[i].n += g.N
	}
	return out
}

func (p branch) bottom(depth int) bool {
	switch p.row.Level {
	case LevelTotal:
		return false
	case LevelNetwork:
		return p.groups[0].IDKind == IDNone // organic: nothing below it
	case LevelSrc2:
		return p.row.IDKind == IDCampaign || depth <= 2
	case LevelSrc3:
		return depth <= 3
	}
	return true // four digits, withheld, other
}

// child is the identity of the child of r that the group belongs to.
func (r Row) child(g *Counted) Row {
	if r.Level == LevelTotal {
		// An empty id would read as NULL, which is `other`'s; the parser refuses it.
		return Row{Level: LevelNetwork, NetworkID: cmp.Or(g.NetworkID, "-")}
	}
	c := r
	if g.IDKind == IDCampaign {
		if r.Level == LevelNetwork && digits(g.Source, 1, 3) {
			c.Level, c.IDKind, c.Source2 = LevelSrc2, IDCampaign, g.Source
			return c
		}
		c.Level = LevelWithheld
		return c
	}
	want := map[string]int{LevelNetwork: 2, LevelSrc2: 3, LevelSrc3: 4}[r.Level]
	if !digits(g.Source, 2, 4) || len(g.Source) < want {
		c.Level = LevelWithheld
		return c
	}
	short := g.Source[len(g.Source)-want:]
	if g.ShortForm == ShortFirst {
		short = g.Source[:want]
	}
	c.IDKind = IDSource
	switch want {
	case 2:
		c.Level, c.Source2 = LevelSrc2, short
	case 3:
		c.Level, c.Source3 = LevelSrc3, short
	case 4:
		c.Level, c.Source4 = LevelSrc4, short
	}
	return c
}

// digits reports whether s is least to most ASCII digits. Apple's format lets
// nothing else in; what does not fit stays in the tree, as withheld.
func digits(s string, least, most int) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}
