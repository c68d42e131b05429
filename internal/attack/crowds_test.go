package attack

import (
	"fmt"
	"slices"
	"time"
)

// told is a published number: the sum over some atoms. An atom is a crowd or a set of
// contributors that no number divides.
type told struct {
	what        string
	set         []int
	least, most int // the same, where the number itself was published
	floor       int // the least that it may be, if it is not 0
}

// crowds are the published rows over days and places: those are what an install can be
// picked out by.
type crowds struct {
	atoms map[string]int
	told  []told
}

func (c *crowds) atom(dataset, when, leaf string) int {
	key := dataset + "|" + when + "|" + leaf
	i, known := c.atoms[key]
	if !known {
		i = len(c.atoms)
		c.atoms[key] = i
	}
	return i
}

// crowdsOf lays every row of the releases.
func (r *reader) crowdsOf(releases ...*release) *crowds {
	c := &crowds{atoms: map[string]int{}}
	for _, x := range releases {
		covers := x.covers(r.leaves[x.dataset])
		for _, at := range x.rows {
			t := told{what: x.id + " " + at.key, least: at.installs, most: at.installs, floor: x.k}
			for d := x.start; d.Before(x.end); d = d.Add(day) {
				for _, leaf := range covers[at.key] {
					t.set = append(t.set, c.atom(x.dataset, d.Format(time.DateOnly), leaf))
				}
			}
			slices.Sort(t.set)
			c.told = append(c.told, t)
		}
	}
	return c
}

// kept are the releases of a kind.
func (v *view) kept(is func(*release) bool) (out []*release) {
	for _, r := range v.releases {
		if is(r) {
			out = append(out, r)
		}
	}
	return out
}

// partition [no install twice]: within a release, and between releases of a dataset,
// but for a redecode, which reads its base again.
func (r *reader) partition() (found []string) {
	c := r.crowdsOf(r.view.kept(func(x *release) bool { return x.kind == "base" })...)
	in := map[int]string{}
	for _, t := range c.told {
		for _, a := range t.set {
			if other, twice := in[a]; twice {
				found = append(found, fmt.Sprintf("%s counts what %s counts", t.what, other))
				break
			}
			in[a] = t.what
		}
	}
	return found
}

// smallRows [none below k].
func (r *reader) smallRows() (found []string) {
	for _, x := range r.view.releases {
		for _, at := range x.rows {
			if at.installs < x.k {
				found = append(found, fmt.Sprintf("%s %s: %d installs", x.id, at.key, at.installs))
			}
		}
	}
	return found
}

// parentMinusChildren [0 or >= k]: every node of the tree, as the row itself or as the
// sum of the rows below it, less every node below.
func (r *reader) parentMinusChildren() (found []string) {
	for _, x := range r.view.releases {
		sums, own := map[string]int{"": 0}, map[string]int{}
		for _, at := range x.rows {
			own[at.key] = at.installs
			for key := at.key; ; key, _, _ = cutLast(key) {
				if key != at.key || at.level == "other" || at.level == "total" || key == "" {
					sums[key] += at.installs
				}
				if key == "" {
					break
				}
			}
		}
		for key, n := range own {
			if sums[key] < n {
				sums[key] = n
			}
			below := 0
			for other, m := range own {
				if parent, _, _ := cutLast(other); parent == key && other != key {
					below += m
				}
			}
			if left := n - below; below > 0 && left > 0 && left < x.k {
				found = append(found, fmt.Sprintf("%s %s: %d installs beside its children", x.id, key, left))
			}
		}
		for key, n := range sums {
			for other, m := range sums {
				parent, _, below := cutLast(other)
				if left := n - m; (below && parent == key || !below && key == "" && other != "") && left > 0 && left < x.k {
					found = append(found, fmt.Sprintf("%s %s less %s: %d installs", x.id, key, other, left))
				}
			}
		}
	}
	return found
}
