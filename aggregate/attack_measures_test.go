package aggregate

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// measuredBatch is randomBatch with values, redownloads and ambiguity, under random
// schema versions.
func measuredBatch(r *rand.Rand) Batch {
	b := randomBatch(r)
	for range r.IntN(4) {
		b.Groups = append(b.Groups, randomBatch(r).Groups...)
	}
	b.Schemas, b.KnowsRedownloads = randomMeanings(r), true
	for i := range b.Groups {
		g := &b.Groups[i]
		g.Redownload, g.Ambiguous = r.IntN(8) == 0, r.IntN(8) == 0
		m := b.Schemas[r.IntN(len(b.Schemas))]
		if g.Kind != ValueFine || len(m.Values) == 0 {
			g.Kind = ValueNull
			continue
		}
		v := m.Values[r.IntN(len(m.Values))]
		g.SchemaVersion, g.Fine, g.Payer, g.RevenueMax = m.Version, v.Value, v.Payer, v.RevenueMax
	}
	return b
}

// board is the places of a release: row by cell of the tree, and one more a row for
// installs without a fine value.
type board struct {
	t    *testing.T
	p    Published
	tree *valueTree
	n    map[int]int // installs by place
	told []told
}

func (b *board) width() int { return len(b.tree.cells) + 1 }

// tell adds a published number and the places it counts, and checks that it is what
// it says.
func (b *board) tell(n *int, in func(row Row, cell int) bool) {
	if n == nil {
		return
	}
	x := told{groups: map[int]bool{}, n: *n}
	sum := 0
	for i, row := range b.p.Rows {
		for c := range b.width() {
			if in(row, c) {
				x.groups[i*b.width()+c] = true
				sum += b.n[i*b.width()+c]
			}
		}
	}
	require.Equal(b.t, sum, *n)
	b.told = append(b.told, x)
}

// lay puts a release on its board, number by number.
func lay(t *testing.T, batch Batch, p Published, rows []int) *board {
	b := &board{t: t, p: p, tree: newValueTree(batch.Schemas), n: map[int]int{}}
	for i, row := range rows {
		g := &batch.Groups[i]
		cell := len(b.tree.cells)
		if g.Kind == ValueFine {
			cell = b.tree.find(g)
			require.False(t, b.tree.cells[cell].stray)
		}
		b.n[row*b.width()+cell] += g.N
	}
	pays := func(c int) bool { return c < len(b.tree.cells) && b.tree.cells[c].meaning.Payer }
	for _, at := range p.Rows {
		b.tell(&at.Installs, func(r Row, _ int) bool { return r.Key() == at.Key() })
		b.tell(at.FineInstalls, func(r Row, c int) bool { return r.Key() == at.Key() && c < len(b.tree.cells) })
		b.tell(at.Payers, func(r Row, c int) bool { return r.Key() == at.Key() && pays(c) })
	}
	for _, v := range p.Values {
		b.tell(v.Installs, func(r Row, c int) bool {
			return r.Payers != nil && campaignOf(r) == (histogramKey{v.NetworkID, v.IDKind, v.Source2}) && b.names(v, c)
		})
	}
	for _, e := range p.Events {
		b.tell(e.Installs, func(r Row, c int) bool {
			return r.Payers != nil && campaignOf(r) == (histogramKey{e.NetworkID, e.IDKind, e.Source2}) &&
				c < len(b.tree.cells) && b.tree.cells[c].meaning.event(e.EventName) != nil
		})
	}
	for _, x := range p.Remainders {
		if x.Measure == MeasurePayers {
			shared := sharing(p.Rows, x.Measure)[x.NetworkID]
			b.tell(&x.Installs, func(r Row, c int) bool {
				return pays(c) && slices.ContainsFunc(shared, func(s Row) bool { return s.Key() == r.Key() })
			})
		}
	}
	return b
}

// names reads the values of a published line, as a reader does.
func (b *board) names(v ValueBin, c int) bool {
	if c >= len(b.tree.cells) || b.tree.cells[c].stray {
		return false
	}
	for part := range strings.SplitSeq(v.Values, ";") {
		version := strconv.Itoa(v.SchemaVersion)
		if before, after, ok := strings.Cut(part, ":"); ok {
			version, part = before, after
		}
		if version != strconv.Itoa(b.tree.cells[c].version) {
			continue
		}
		for run := range strings.SplitSeq(part, ",") {
			from, to, ok := strings.Cut(run, "-")
			if !ok {
				to = from
			}
			least, err := strconv.Atoi(from)
			require.NoError(b.t, err)
			most, err := strconv.Atoi(to)
			require.NoError(b.t, err)
			if value := b.tree.cells[c].meaning.Value; least <= value && value <= most {
				return true
			}
		}
	}
	return false
}

// Every number is what it says; and no sum, difference or complement of numbers
// counts 1 to b-1: rows, fine installs, payers, bins, events and remainders.
func TestCombinationsOfMeasures(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 0))
	broken, events, remainders := 0, 0, 0
	for range 25 {
		batch, s := measuredBatch(r), randomSettings(r)
		p := Cut(installs, s, batch)
		b := lay(t, batch, p, requirePartition(t, s, batch, p))
		require.GreaterOrEqual(t, attack(r, b.told, 200), s.B)
		events, remainders = events+len(p.Events), remainders+len(p.Remainders)
		// Naive: the events of each row, hidden where fewer than b.
		for _, at := range p.Rows {
			for _, name := range b.tree.events {
				x := told{groups: map[int]bool{}}
				for i, row := range p.Rows {
					for c, cell := range b.tree.cells {
						if row.Key() == at.Key() && cell.meaning.event(name) != nil {
							x.groups[i*b.width()+c] = true
							x.n += b.n[i*b.width()+c]
						}
					}
				}
				if holds(x.n, s.B) {
					b.told = append(b.told, x)
				}
			}
		}
		if attack(r, b.told, 200) < s.B {
			broken++
		}
	}
	require.Greater(t, events, 60)
	require.Greater(t, remainders, 5)
	require.Greater(t, broken, 5, "the same attack isolates contributors where each event has its own threshold")
}

func TestTenThousandCombinationsOfMeasures(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(10, 0))
	var batch Batch
	for range 4 {
		b := measuredBatch(r)
		if len(batch.Schemas) == 0 {
			batch = b
			continue
		}
		for i := range b.Groups { // the same schemas for all of them
			g, like := &b.Groups[i], &batch.Groups[r.IntN(len(batch.Groups))]
			g.Kind, g.Fine, g.Payer, g.SchemaVersion, g.RevenueMax = like.Kind, like.Fine, like.Payer, like.SchemaVersion, like.RevenueMax
		}
		batch.Groups = append(batch.Groups, b.Groups...)
	}
	s := DefaultSettings()
	p := Cut(installs, s, batch)
	b := lay(t, batch, p, requirePartition(t, s, batch, p))
	require.Greater(t, len(b.told), 30)
	require.GreaterOrEqual(t, attack(r, b.told, 10_000), s.B)
}

// One contributor, or b-1: not a byte of a release tells how many, and no remainder,
// bin or event does.
func TestFewContributorsAreAllAlike(t *testing.T) {
	t.Parallel()
	clamps := bitwise(1)
	clamps.Values[6].Clamped = true
	unsure := func(n int) Counted { c := had(n, 0); c.Ambiguous = true; return c }
	for name, groups := range map[string]func(n int) []Counted{
		"payers":          func(n int) []Counted { return []Counted{had(30-n, 0), had(n, 4)} },
		"all but payers":  func(n int) []Counted { return []Counted{had(n, 0), had(30-n, 4)} },
		"an event":        func(n int) []Counted { return []Counted{had(30-n, 0), had(n, 1)} },
		"a value":         func(n int) []Counted { return []Counted{had(30-n, 4), had(n, 5)} },
		"clamped":         func(n int) []Counted { return []Counted{had(30-n, 4), had(n, 6)} },
		"ambiguous":       func(n int) []Counted { return []Counted{had(30-n, 0), unsure(n)} },
		"redownloads":     func(n int) []Counted { return []Counted{again(n, "a"), firstTime(30-n, "a")} },
		"first downloads": func(n int) []Counted { return []Counted{again(30-n, "a"), firstTime(n, "a")} },
	} {
		s := DefaultSettings()
		s.Revenue = RevenueBanded // an exact sum of b payers or more is not among the promises
		release := func(n int) string {
			return asJSON(t, Cut(installs, s, Batch{
				KnowsRedownloads: true, Schemas: []Meaning{clamps}, Groups: append(groups(n), paid("b", "10", 8)...),
			}))
		}
		for n := 2; n < s.B; n++ {
			require.Equal(t, release(1), release(n), name)
		}
		require.NotEqual(t, release(1), release(s.B), name)
		require.NotEqual(t, release(1), release(0), name)
	}
}
