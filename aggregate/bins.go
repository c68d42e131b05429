package aggregate

// bin is a node of the tree with what was counted in it: at least b.
type bin struct {
	cells []int
	n     int
}

// bins cuts counted cells: a node collapses as soon as a child holds 1 to b-1, and
// nothing below it is told. What holds nothing is left out; no bin says zero.
func (t *valueTree) bins(counts []int, b int) []bin {
	var out []bin
	for _, root := range t.roots {
		out = append(out, root.bins(counts, b)...)
	}
	return out
}

func (v *valueNode) bins(counts []int, b int) []bin {
	n := v.count(counts)
	if n == 0 {
		return nil
	}
	for _, child := range v.children {
		if !holds(child.count(counts), b) {
			return []bin{{v.cells, n}}
		}
	}
	if len(v.children) == 0 {
		return []bin{{v.cells, n}}
	}
	var out []bin
	for _, child := range v.children {
		out = append(out, child.bins(counts, b)...)
	}
	return out
}

func (v *valueNode) count(counts []int) int {
	n := 0
	for _, c := range v.cells {
		n += counts[c]
	}
	return n
}

// contains tells how many of the bin's cells are such.
type contains int

const (
	none contains = iota
	some          // the bin crosses
	every
)

func (t *valueTree) contains(cells []int, is func(cell) bool) contains {
	n := 0
	for _, i := range cells {
		if is(t.cells[i]) {
			n++
		}
	}
	switch n {
	case 0:
		return none
	case len(cells):
		return every
	}
	return some
}

// total sums the bins of such cells. It does not stand where a bin crosses: what of
// the bin is in it is not told.
func (t *valueTree) total(bins []bin, is func(cell) bool) (n int, stands bool) {
	for _, b := range bins {
		switch t.contains(b.cells, is) {
		case some:
			return 0, false
		case every:
			n += b.n
		}
	}
	return n, true
}
