package attack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// contributors are the measures of one release as statements about sets of installs
// that did something: atoms are rows by what an install can have done.
type contributors struct {
	r      *reader
	x      *release
	values []value
	at     map[string]int
	told   []told
	hidden []told // what a reader would like to know; least and most are what NULL says
}

// The cells of a row before its fine values.
const (
	cellNull = iota
	cellUnset
	cellUnmapped
	cellLow
	cellMedium
	cellHigh
	cellFine // the first fine value
)

func (c *contributors) width() int { return cellFine + max(len(c.values), 1) }

// cells are those of a row that are such.
func (c *contributors) cells(row int, is func(cell int) bool) (set []int) {
	for cell := range c.width() {
		if is(cell) {
			set = append(set, row*c.width()+cell)
		}
	}
	return set
}

func (c *contributors) pays(cell int) bool {
	return cell >= cellFine && cell-cellFine < len(c.values) && c.values[cell-cellFine].Payer
}

func isFine(cell int) bool { return cell >= cellFine }

func (c *contributors) tell(what string, n int, set []int) {
	c.told = append(c.told, told{what: c.x.id + " " + what, set: set, least: n, most: n, floor: c.x.b})
}

func (c *contributors) hide(what string, least, most int, set []int) {
	if len(set) > 0 && most > 0 {
		c.hidden = append(c.hidden, told{what: c.x.id + " " + what, set: set, least: least, most: most, floor: c.x.b})
	}
}

// contributorsOf lays the measures of a release. A redecode's are read on the rows
// and values of its base: meanings are those of the base.
func (r *reader) contributorsOf(x *release) *contributors {
	c := &contributors{r: r, x: x}
	c.values, c.at = valuesOf(r.meanings[x.id])
	if x.conversion == "qualifier" {
		return c
	}
	for i, at := range x.rows {
		c.row(i, at)
	}
	c.bins()
	for _, e := range x.events {
		c.sum("event "+e.name, e.campaign, e.installs, func(v value) bool { return v.vouches(e.name) })
	}
	c.remainders()
	return c
}

func (c *contributors) row(i int, at *row) {
	c.tell(at.key, at.installs, c.cells(i, func(int) bool { return true }))
	one := func(cell int) []int { return c.cells(i, func(x int) bool { return x == cell }) }
	all := [][]int{one(cellNull), one(cellUnset), one(cellUnmapped), c.cells(i, isFine)}
	names := []string{"null", "unset", "unmapped", "fine"}
	left := at.installs
	for _, n := range slices.Concat(at.kinds[:], at.levels[:]) {
		if n != nil {
			left -= *n
		}
	}
	coarse := c.cells(i, func(x int) bool { return x >= cellLow && x <= cellHigh })
	levelsHidden := at.levels == [3]*int{}
	intoNull := slices.Clone(all[0])
	for kind := kindUnset; kind <= kindFine; kind++ {
		switch {
		case at.kinds[kind] != nil:
			c.tell(at.key+" "+names[kind], *at.kinds[kind], all[kind])
		case c.r.merges:
			intoNull = append(intoNull, all[kind]...)
			c.hide(at.key+" "+names[kind], 1, at.installs, all[kind])
		default:
			c.hide(at.key+" "+names[kind], 1, c.x.b-1, all[kind])
		}
	}
	switch {
	case levelsHidden && left == 0 && c.r.merges:
		intoNull = append(intoNull, coarse...)
		c.hide(at.key+" coarse", 1, at.installs, coarse)
	case c.r.merges:
		c.tell(at.key+" coarse", at.installs-c.known(at), coarse)
	}
	for l, n := range at.levels {
		switch {
		case n != nil:
			c.tell(fmt.Sprint(at.key, " level ", l), *n, one(cellLow+l))
		case left > 0:
			c.hide(fmt.Sprint(at.key, " level ", l), 0, left, one(cellLow+l))
		}
	}
	if at.kinds[kindNull] != nil {
		c.tell(at.key+" null", *at.kinds[kindNull], intoNull)
	} else {
		c.hide(at.key+" null", 1, c.x.b-1, all[0])
	}
	fine := at.kinds[kindFine]
	if fine == nil {
		return
	}
	payers, others := c.cells(i, c.pays), c.cells(i, func(x int) bool { return isFine(x) && !c.pays(x) })
	if at.payers != nil {
		c.tell(at.key+" payers", *at.payers, payers)
		return
	}
	c.hide(at.key+" payers", 1, *fine-1, payers)
	c.hide(at.key+" non-payers", 1, *fine-1, others)
}

// known is what a row tells of its installs, levels apart.
func (c *contributors) known(at *row) (n int) {
	for _, kind := range at.kinds {
		if kind != nil {
			n += *kind
		}
	}
	return n
}

// over are the cells of fine values that are such, on the rows of a campaign on which
// payers stand.
func (c *contributors) over(k campaignKey, is func(v value) bool) (set []int) {
	for i, at := range c.x.rows {
		if at.campaign == k && at.payers != nil {
			set = append(set, c.cells(i, func(x int) bool {
				return isFine(x) && x-cellFine < len(c.values) && is(c.values[x-cellFine])
			})...)
		}
	}
	return set
}

func (c *contributors) sum(what string, k campaignKey, n *int, is func(v value) bool) {
	set := c.over(k, is)
	what = fmt.Sprint(k, " ", what)
	if n != nil {
		c.tell(what, *n, set)
		return
	}
	c.hide(what, 0, 1<<20, set)
}

// bins are the histograms: what is in no bin of a campaign that has bins, nobody had.
func (c *contributors) bins() {
	in := map[campaignKey]map[int]bool{}
	for _, b := range c.x.bins {
		if b.kind == "clamped" {
			c.sum("clamped", b.campaign, b.installs, func(v value) bool { return v.Clamped })
			continue
		}
		if in[b.campaign] == nil {
			in[b.campaign] = map[int]bool{}
		}
		named := c.named(b)
		for v := range named {
			in[b.campaign][v] = true
		}
		has := func(v value) bool { return named[c.at[fmt.Sprint(v.version, ":", v.Value)]] }
		c.sum("bin "+b.values, b.campaign, b.installs, has)
		for i, at := range c.x.rows {
			if at.campaign == b.campaign && at.payers != nil {
				c.hide(fmt.Sprint(at.key, " bin ", b.values), 0, *b.installs, c.cells(i, func(x int) bool {
					return isFine(x) && x-cellFine < len(c.values) && has(c.values[x-cellFine])
				}))
			}
		}
		if len(named) > 1 {
			for v := range named {
				c.hide(fmt.Sprint(b.campaign, " value ", c.values[v].Value), 0, *b.installs, c.over(b.campaign, func(x value) bool {
					return x.version == c.values[v].version && x.Value == c.values[v].Value
				}))
			}
		}
	}
	for k, bins := range in {
		c.sum("no bin", k, ptr(0), func(v value) bool { return !bins[c.at[fmt.Sprint(v.version, ":", v.Value)]] })
	}
}

// named reads value_list: "3-5,9", or "2:3-5;1:9".
func (c *contributors) named(b *bin) map[int]bool {
	out := map[int]bool{}
	for part := range strings.SplitSeq(b.values, ";") {
		version := strconv.Itoa(b.version)
		if before, after, ok := strings.Cut(part, ":"); ok {
			version, part = before, after
		}
		for run := range strings.SplitSeq(part, ",") {
			from, to, ok := strings.Cut(run, "-")
			if !ok {
				to = from
			}
			first, err := strconv.Atoi(from)
			last, err2 := strconv.Atoi(to)
			if err != nil || err2 != nil {
				continue // no version explains it; told as nothing
			}
			for v := first; v <= last; v++ {
				if i, known := c.at[fmt.Sprint(version, ":", v)]; known {
					out[i] = true
				}
			}
		}
	}
	return out
}

// sharing lists the rows that share a remainder of a measure, by network; "" is the
// app's.
func (x *release) sharing(lacks func(*row) bool) map[string][]int {
	by, out := map[string][]int{}, map[string][]int{}
	for i, at := range x.rows {
		if lacks(at) {
			by[at.network] = append(by[at.network], i)
		}
	}
	for network, rows := range by {
		if network == "" || len(rows) < 3 {
			out[""] = append(out[""], rows...)
			continue
		}
		out[network] = rows
	}
	return out
}

func lacksPayers(at *row) bool      { return at.payers == nil && at.kinds[kindFine] != nil }
func lacksRedownloads(at *row) bool { return at.redownloads == nil }

// sharers are the rows of a remainder; of a publisher with another rule of who shares,
// those of the network.
func (x *release) sharers(m *remainder) (rows []int) {
	lacks := lacksPayers
	if m.measure == "redownloads" {
		lacks = lacksRedownloads
	}
	rows = x.sharing(lacks)[m.network]
	if len(rows) > 0 {
		return rows
	}
	for i, at := range x.rows {
		if at.network == m.network && lacks(at) {
			rows = append(rows, i)
		}
	}
	return rows
}

func (c *contributors) remainders() {
	for _, m := range c.x.remainders {
		if m.measure != "payers" {
			continue
		}
		var set []int
		for _, i := range c.x.sharers(m) {
			set = append(set, c.cells(i, c.pays)...)
		}
		c.tell("remainder of payers "+m.network, m.installs, set)
	}
}

// redownloadsOf are the redownloads of a release, apart: no other number divides
// installs by them.
func (r *reader) redownloadsOf(x *release) *contributors {
	c := &contributors{r: r, x: x}
	if x.conversion != "install" {
		return c
	}
	for i, at := range x.rows {
		again, first := []int{2 * i}, []int{2*i + 1}
		c.tell(at.key, at.installs, []int{2 * i, 2*i + 1})
		if at.redownloads != nil {
			c.tell(at.key+" redownloads", *at.redownloads, again)
			c.tell(at.key+" first downloads", at.installs-*at.redownloads, first)
			continue
		}
		c.hide(at.key+" redownloads", 1, at.installs-1, again)
		c.hide(at.key+" first downloads", 1, at.installs-1, first)
	}
	for _, m := range x.remainders {
		if m.measure == "redownloads" {
			var set []int
			for _, i := range x.sharers(m) {
				set = append(set, 2*i)
			}
			c.tell("remainder of redownloads "+m.network, m.installs, set)
		}
	}
	return c
}
