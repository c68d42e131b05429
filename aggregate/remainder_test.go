package aggregate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The condition, against its sentence in numbers.
func TestRemainderStands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ b, m, least, most int }{
		{5, 1, 0, 0}, {5, 2, 5, 6}, {5, 3, 5, 10}, {5, 4, 6, 14}, {5, 10, 12, 38},
		{3, 2, 0, 0}, {3, 3, 0, 0}, {3, 4, 6, 6}, {3, 5, 7, 8}, {3, 10, 12, 18},
	} {
		for contributors := range 60 {
			for others := range 12 {
				want := c.most > 0 && contributors >= c.least && contributors <= c.most && others >= c.b
				require.Equal(t, want, remainderStands(c.m, contributors, others, c.b),
					"b %d, %d rows, %d and %d", c.b, c.m, contributors, others)
			}
		}
	}
}

// paid is a row of its own: of 20 fine installs of a network and campaign, n paid.
func paid(network, source string, n int) []Counted {
	yes, no := payers(n), valued(20-n, ValueFine)
	yes.NetworkID, no.NetworkID = network, network
	yes.Source, no.Source = source, source
	return []Counted{yes, no}
}

func TestRemaindersOfPayers(t *testing.T) {
	t.Parallel()
	banded := DefaultSettings()
	banded.Revenue = RevenueBanded
	for _, c := range []struct {
		name     string
		settings Settings
		open     bool
		groups   [][]Counted
		want     string
	}{
		{"one NULL row has none", DefaultSettings(), false, [][]Counted{paid("a", "10", 4), paid("b", "10", 8)}, ""},
		{"two rows of a network share the app's", DefaultSettings(), false, [][]Counted{paid("a", "10", 4), paid("a", "11", 2), paid("b", "10", 8)}, ": 2 rows, 6, 6.6 9.3 12"},
		{"two rows of two networks too", DefaultSettings(), false, [][]Counted{paid("a", "10", 4), paid("b", "11", 2), paid("b", "10", 8)}, ": 2 rows, 6, 6.6 9.3 12"},
		{"three rows have their own", DefaultSettings(), false, [][]Counted{paid("a", "10", 1), paid("a", "11", 2), paid("a", "12", 2)}, "a: 3 rows, 5, 5.5 7.75 10"},
		{"and leave the app's to others", DefaultSettings(), false, [][]Counted{
			paid("a", "10", 1), paid("a", "11", 2), paid("a", "12", 2), paid("b", "10", 3), paid("c", "10", 3),
		}, ": 2 rows, 6, 6.6 9.3 12; a: 3 rows, 5, 5.5 7.75 10"},
		{"one that fails waits for nobody", DefaultSettings(), false, [][]Counted{
			paid("a", "10", 1), paid("a", "11", 1), paid("a", "12", 1), paid("b", "10", 3), paid("c", "10", 3),
		}, ": 2 rows, 6, 6.6 9.3 12"},
		{"four of two rows is one each and two more", DefaultSettings(), false, [][]Counted{paid("a", "10", 2), paid("b", "10", 2)}, ""},
		{"seven of two rows is all but one", DefaultSettings(), false, [][]Counted{paid("a", "10", 4), paid("b", "10", 3)}, ""},
		{"nothing is missing", DefaultSettings(), false, [][]Counted{paid("a", "10", 0), paid("b", "10", 20)}, ""},
		{"open bands", DefaultSettings(), true, [][]Counted{paid("a", "10", 4), paid("b", "10", 2)}, ": 2 rows, 6, 6.6 9.3 "},
		{"banded", banded, false, [][]Counted{paid("a", "10", 4), paid("b", "10", 2)}, ": 2 rows, 6,   "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := Batch{OpenRevenue: c.open}
			for _, g := range c.groups {
				b.Groups = append(b.Groups, g...)
			}
			p := Cut(installs, c.settings, b)
			require.NoError(t, p.check(20, 5, b.Installs()))
			require.Equal(t, c.want, written(p.Remainders))
		})
	}
}

func written(remainders []Remainder) string {
	out := ""
	for _, r := range remainders {
		if out != "" {
			out += "; "
		}
		if r.Measure != MeasurePayers {
			out += r.Measure + " "
		}
		out += fmt.Sprintf("%s: %d rows, %d, %s %s %s", r.NetworkID, r.Rows, r.Installs,
			spelt(r.RevenueMin), spelt(r.RevenueEst), spelt(r.RevenueMax))
	}
	return out
}

// Where the kind fine does not stand, payers are missing for another reason: the
// row shares no remainder, or its payers would be told by the others.
func TestRowsWithoutFineShareNoRemainder(t *testing.T) {
	t.Parallel()
	few := valued(4, ValueFine)
	few.Source = "12"
	many := valued(20, ValueUnset)
	many.Source = "12"
	b := Batch{Groups: append(append(paid("a", "10", 4), paid("a", "11", 2)...), few, many)}
	p := Cut(installs, DefaultSettings(), b)
	require.Nil(t, p.Rows[2].FineInstalls)
	require.Equal(t, ": 2 rows, 6, 6.6 9.3 12", written(p.Remainders))
}

// The app's `other` shares the app's remainder with the rows of networks that have
// too few of their own.
func TestRemainderOfOther(t *testing.T) {
	t.Parallel()
	b := Batch{Groups: append(paid("a", "10", 4), paid("b", "10", 0)...)}
	for _, network := range []string{"c", "d", "e"} {
		one, rest := payers(1), valued(9, ValueFine)
		one.NetworkID, rest.NetworkID = network, network
		b.Groups = append(b.Groups, one, rest)
	}
	b.Groups[len(b.Groups)-1].N, b.Groups[len(b.Groups)-2].N = 11, 0
	p := Cut(installs, DefaultSettings(), b)
	require.Equal(t, "other", p.Rows[2].Key())
	require.Equal(t, ": 2 rows, 6, 6.6 9.3 12", written(p.Remainders))
}

// A losing postback has no value: nothing of it is withheld, so nothing is left.
func TestQualifiersHaveNoRemainders(t *testing.T) {
	t.Parallel()
	losing := installs
	losing.Kind = KindQualifier
	b := Batch{KnowsRedownloads: true, Schemas: []Meaning{bitwise(1)}, Groups: append(paid("a", "10", 4), paid("b", "10", 2)...)}
	p := Cut(losing, DefaultSettings(), b)
	require.Len(t, p.Rows, 2)
	require.Empty(t, p.Remainders)
	require.Empty(t, p.Values)
	require.Empty(t, p.Events)
}

func TestRemaindersForNetworkReaders(t *testing.T) {
	t.Parallel()
	require.True(t, Remainder{NetworkID: "a"}.ForNetworkReader("a"))
	require.False(t, Remainder{NetworkID: "a"}.ForNetworkReader("b"))
	require.False(t, Remainder{}.ForNetworkReader(""))
	require.True(t, ValueBin{NetworkID: "a", Source2: "39"}.ForNetworkReader("a"))
	require.False(t, ValueBin{NetworkID: "a"}.ForNetworkReader("a"), "of its `other`")
	require.False(t, EventCount{}.ForNetworkReader(""))
	require.False(t, EventCount{NetworkID: "a", Source2: "39"}.ForNetworkReader("b"))
}
