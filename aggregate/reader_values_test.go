package aggregate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The reader of values knows the fine installs of two rows of one campaign, which
// of them show payers, the bins, the events and the remainder. It asks of every set
// of (row, value) whether its size is now known to be 1 to b-1.

type valuePublisher func(t *valueTree, rows []measured, b int) string

// tellValues is what this package publishes, whole.
func tellValues(t *valueTree, rows []measured, b int) string {
	s := DefaultSettings()
	s.B = b
	r := rules{dataset: installs, settings: s, openRevenue: true}
	out := ""
	for i := range rows {
		m := &rows[i]
		m.tally, m.row.Payers = tally{}, nil
		for _, g := range m.groups {
			m.tally.add(g)
		}
		m.tally.publish(&m.row, r)
		out += number(m.row.Payers) + " "
	}
	values, events := t.publish(rows, b)
	for _, v := range values {
		out += v.Values + v.Kind + number(v.Installs) + " "
	}
	for _, e := range events {
		out += e.EventName + number(e.Installs) + spelt(e.CountMin) + spelt(e.CountMax) + " "
	}
	for _, x := range remainders(rows, r) {
		out += fmt.Sprint(x.Rows, x.Installs)
	}
	return out
}

// solvedValues lists what is known to be 1 to b-1. Sets are any of (row, value) for
// two rows, and rows by values for more.
func solvedValues(publish valuePublisher, m Meaning, fine []int, b int) []string {
	return solvedPossible(publish, newValueTree([]Meaning{m}), m, fine, b)
}

// solvedPossible is the same for a reader who knows that only the values of m occur.
func solvedPossible(publish valuePublisher, tree *valueTree, m Meaning, fine []int, b int) []string {
	n := len(m.Values)
	sets := []int{}
	for set := 1; set < 1<<(n*len(fine)); set++ {
		if len(fine) <= 2 || rectangle(set, n, len(fine)) {
			sets = append(sets, set)
		}
	}
	type known struct{ least, most []int8 }
	alike := map[string]*known{}
	rows := make([]measured, len(fine))
	counts := make([]int, n*len(fine))
	var each func(cell, left int)
	each = func(cell, left int) {
		if cell == len(counts) {
			for i := range rows {
				rows[i] = measured{row: Row{NetworkID: "a", IDKind: IDSource, Source2: "39", Source3: fmt.Sprint(i)}}
				for v, x := range m.Values {
					g := valued(counts[i*n+v], ValueFine)
					g.Fine, g.Payer, g.RevenueMax = x.Value, x.Payer, x.RevenueMax
					rows[i].groups = append(rows[i].groups, &g)
				}
			}
			key := publish(tree, rows, b)
			k, old := alike[key]
			if !old {
				k = &known{make([]int8, len(sets)), make([]int8, len(sets))}
				alike[key] = k
			}
			for j, set := range sets {
				sum := int8(0)
				for i, c := range counts {
					sum += int8(set >> i & 1 * c)
				}
				if !old {
					k.least[j], k.most[j] = sum, sum
				}
				k.least[j], k.most[j] = min(k.least[j], sum), max(k.most[j], sum)
			}
			return
		}
		if cell%n == n-1 { // the last value of a row holds what is left of it
			counts[cell] = left
			next := 0
			if cell+1 < len(counts) {
				next = fine[(cell+1)/n]
			}
			each(cell+1, next)
			return
		}
		for counts[cell] = 0; counts[cell] <= left; counts[cell]++ {
			each(cell+1, left-counts[cell])
		}
	}
	each(0, fine[0])
	var out []string
	for key, k := range alike {
		for j, set := range sets {
			if k.least[j] == k.most[j] && !holds(int(k.most[j]), b) {
				out = append(out, fmt.Sprintf("fine %v, published %s: set %b is %d", fine, key, set, k.most[j]))
				break
			}
		}
	}
	return out
}

// rectangle reports whether a set is some rows by some values.
func rectangle(set, values, rows int) bool {
	part := 0
	for i := range rows {
		row := set >> (i * values) & (1<<values - 1)
		if row != 0 && part != 0 && row != part {
			return false
		}
		part |= row
	}
	return true
}

// smallSchemas are of four or five values: with and without events, with events in
// both orders, with one value that pays and with none.
func smallSchemas() map[string]Meaning {
	some := func(payer bool, value int, events ...string) ValueMeaning {
		v := ValueMeaning{Value: value, Payer: payer, RevenueMax: moneyAt("0"), Clamped: value == 3}
		for i, name := range events {
			v.Events = append(v.Events, EventMeaning{Name: name, CountMin: 1 + value*i})
		}
		return v
	}
	return map[string]Meaning{
		"halves": plain(1, 2, 4),
		"none":   plain(1, 4, 4),
		"bits": {Version: 1, Events: []string{"x", "y"}, Values: []ValueMeaning{
			some(false, 0), some(false, 1, "x"), some(false, 2, "y"), some(false, 3, "x", "y"),
		}},
		"crossing": {Version: 1, Events: []string{"y", "x"}, Values: []ValueMeaning{
			some(false, 0, "x"), some(false, 1, "y"), some(false, 2, "x", "y"), some(true, 3, "x"),
		}},
	}
}

func TestReaderOfValues(t *testing.T) {
	t.Parallel()
	for name, m := range smallSchemas() {
		for _, fine := range [][]int{{8}, {12}, {5, 5}, {6, 7}, {3, 8}} {
			t.Run(fmt.Sprintf("%s %v", name, fine), func(t *testing.T) {
				t.Parallel()
				require.Empty(t, solvedValues(tellValues, m, fine, 3))
				if len(fine) == 1 {
					require.Empty(t, solvedValues(tellValues, m, fine, 5))
				}
			})
		}
	}
	t.Run("some values can't occur", func(t *testing.T) {
		t.Parallel()
		for name, m := range smallSchemas() {
			tree := newValueTree([]Meaning{m})
			for possible := 1; possible < 1<<len(m.Values)-1; possible++ {
				known := Meaning{Version: 1}
				for i, v := range m.Values {
					if possible>>i&1 == 1 {
						known.Values = append(known.Values, v)
					}
				}
				for _, fine := range [][]int{{8}, {4, 5}} {
					require.Empty(t, solvedPossible(tellValues, tree, known, fine, 3), "%s, possible %b", name, possible)
				}
			}
		}
	})
	t.Run("three rows", func(t *testing.T) {
		t.Parallel()
		m := smallSchemas()["halves"]
		m.Values = m.Values[:3]
		require.Empty(t, solvedValues(tellValues, m, []int{5, 5, 6}, 3))
	})
}

// The same attack solves publishers that are less careful.
func TestReaderSolvesNaiveHistograms(t *testing.T) {
	t.Parallel()
	shownRows := func(rows []measured, b int) {
		for i := range rows {
			n := 0
			for _, g := range rows[i].groups {
				if g.Payer {
					n += g.N
				}
			}
			rows[i].row.Payers = &n
			if b > 0 && !bothHold(rows[i].among(), n, b) {
				rows[i].row.Payers = nil
			}
		}
	}
	for name, publish := range map[string]valuePublisher{
		"a histogram of all rows beside payers of some": func(t *valueTree, rows []measured, b int) string {
			shownRows(rows, b)
			out := ""
			for i := range rows {
				out += number(rows[i].row.Payers) + " "
			}
			shownRows(rows, 0) // as if payers stood everywhere
			return out + binned(published(t, rows, b))
		},
		"each event thresholded on its own": func(t *valueTree, rows []measured, b int) string {
			shownRows(rows, b)
			out := ""
			for _, name := range t.events {
				n := 0
				for c, x := range counted(t, rows) {
					if t.cells[c].meaning.event(name) != nil {
						n += x
					}
				}
				if holds(n, b) {
					out += fmt.Sprint(name, n, " ")
				}
			}
			return out
		},
		"each value thresholded on its own": func(t *valueTree, rows []measured, b int) string {
			out := ""
			for c, n := range counted(t, rows) {
				if holds(n, b) {
					out += fmt.Sprint(c, "=", n, " ")
				}
			}
			return out
		},
		"counts of an event within a bin": func(t *valueTree, rows []measured, b int) string {
			out := tellValues(t, rows, b)
			for _, name := range t.events {
				sum := 0
				for c, n := range counted(t, rows) {
					if e := t.cells[c].meaning.event(name); e != nil {
						sum += n * e.CountMin
					}
				}
				out += fmt.Sprint(name, sum)
			}
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for _, m := range smallSchemas() {
				found += len(solvedValues(publish, m, []int{8}, 3))
				found += len(solvedValues(publish, m, []int{4, 5}, 3))
			}
			require.Positive(t, found)
		})
	}
}

func (m *measured) among() int {
	n := 0
	for _, g := range m.groups {
		n += g.N
	}
	m.row.FineInstalls = &n
	return n
}

func published(t *valueTree, rows []measured, b int) Published {
	var p Published
	p.Values, p.Events = t.publish(rows, b)
	return p
}

func counted(t *valueTree, rows []measured) []int {
	counts := make([]int, len(t.cells))
	for _, m := range rows {
		for _, g := range m.groups {
			counts[t.find(g)] += g.N
		}
	}
	return counts
}
