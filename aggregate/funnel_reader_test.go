package aggregate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// tellDone is what the deterministic side tells of the rows of one campaign.
func tellDone(funnels ...[]string) valuePublisher {
	return func(t *valueTree, rows []measured, b int) string {
		out, r := tellPayers(rows, b)
		for _, e := range t.done(rows, r) {
			out += e.EventName + number(e.Installs) + " "
		}
		for _, f := range t.funnels(rows, funnels, b) {
			out += fmt.Sprint(f.Funnel, f.Stage, number(f.Installs), " ")
		}
		return out
	}
}

func tellPayers(rows []measured, b int) (string, rules) {
	s := DefaultSettings()
	s.B, s.Revenue = b, RevenueBanded
	r := rules{dataset: DeterministicDataset(1), settings: s}
	out := ""
	for i := range rows {
		m := &rows[i]
		m.tally, m.row.Payers = tally{}, nil
		for _, g := range m.groups {
			m.tally.add(g)
		}
		m.tally.publish(&m.row, r)
		out += fmt.Sprint(m.row.Installs, number(m.row.Payers), " ")
	}
	return out, r
}

// TestFunnelReader: brute force over all small rows, for a reader who knows every rule
// and sees events, both funnels and payers, at b 3 and 5: no set of installs by what
// they did is known to be 1 to b-1.
func TestFunnelReader(t *testing.T) {
	t.Parallel()
	both := DoneMeaning([]string{"a", "b"})
	one := DoneMeaning([]string{"a"})
	// The reader may know that some things never happen: nobody buys without reaching a level.
	nested, paying := both, both
	nested.Values = except(both, 0b10, 0b10|1<<MaxDone)
	paying.Values = except(both, 0b10, 0b11, 1<<MaxDone, 1<<MaxDone|0b01)
	for _, c := range []struct {
		name string
		m    Meaning
		fine []int
		b    int
	}{
		{"b 3, two events", both, []int{9}, 3},
		{"b 5, a purchase follows a level", nested, []int{13}, 5},
		{"b 3, a purchase follows a level", nested, []int{11}, 3},
		{"b 5, who buys pays", paying, []int{24}, 5},
		{"b 3, who buys pays, two rows", paying, []int{8, 7}, 3},
		{"b 3, one event, two rows", one, []int{7, 7}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree := newValueTree([]Meaning{readAs(DoneMeaning(c.m.Events))})
			tell := tellDone([]string{"a", "b"}, []string{"b", "a"})
			require.Empty(t, solvedPossible(tell, tree, c.m, c.fine, c.b))
		})
	}
}

// readAs gives the meaning the version that the reader's installs are decoded by.
func readAs(m Meaning) Meaning {
	m.Version = valued(1, ValueFine).SchemaVersion
	return m
}

func except(m Meaning, values ...int) (out []ValueMeaning) {
	for _, v := range m.Values {
		leave := false
		for _, x := range values {
			leave = leave || v.Value == x
		}
		if !leave {
			out = append(out, v)
		}
	}
	return out
}

// TestFunnelReaderSolvesNaivePublishers: the same reader solves a publisher that looks
// at each event, or at each stage, alone.
func TestFunnelReaderSolvesNaivePublishers(t *testing.T) {
	t.Parallel()
	alone := func(stages [][]string) valuePublisher {
		return func(tree *valueTree, rows []measured, b int) string {
			out, _ := tellPayers(rows, b)
			for _, h := range histograms(rows, tree) {
				for _, events := range stages {
					n := 0
					for i, count := range h.counts {
						has := true
						for _, name := range events {
							has = has && tree.cells[i].meaning.event(name) != nil
						}
						if has {
							n += count
						}
					}
					out += number(standing(n, bothHold(h.installs, n, b))) + " "
				}
			}
			return out
		}
	}
	m := DoneMeaning([]string{"a", "b"})
	m.Values = except(m, 0b10, 0b10|1<<MaxDone)
	tree := newValueTree([]Meaning{readAs(DoneMeaning([]string{"a", "b"}))})
	require.NotEmpty(t, solvedPossible(alone([][]string{{"a"}, {"b"}}), tree, m, []int{9}, 3), "a and b each under the rule, b within a")
	require.NotEmpty(t, solvedPossible(alone([][]string{{"a"}, {"a", "b"}}), tree, m, []int{9}, 3))
}
