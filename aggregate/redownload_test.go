package aggregate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func again(n int, network string) Counted {
	c := valued(n, ValueNull)
	c.NetworkID, c.Redownload = network, true
	return c
}

func firstTime(n int, network string) Counted {
	c := valued(n, ValueNull)
	c.NetworkID = network
	return c
}

func TestRedownloads(t *testing.T) {
	t.Parallel()
	const withheld = -1
	other, losing := installs, installs
	other.Kind, losing.Kind = KindReengagement, KindQualifier
	for _, c := range []struct {
		name    string
		dataset Dataset
		knows   bool
		again   int
		want    int
	}{
		{"none", installs, true, 0, 0},
		{"b-1", installs, true, 4, withheld},
		{"b", installs, true, 5, 5},
		{"all but b", installs, true, 25, 25},
		{"all but b-1", installs, true, 26, withheld},
		{"all", installs, true, 30, 30},
		{"the store does not know", installs, false, 5, withheld},
		{"a re-engagement is no download", other, true, 5, withheld},
		{"a losing postback has no measures", losing, true, 5, withheld},
	} {
		b := Batch{KnowsRedownloads: c.knows, Groups: []Counted{again(c.again, "a"), firstTime(30-c.again, "a")}}
		row := cutOne(t, c.dataset, DefaultSettings(), b)
		if c.want == withheld {
			require.Nil(t, row.Redownloads, c.name)
			continue
		}
		require.Equal(t, c.want, *row.Redownloads, c.name)
	}
}

// Redownloads are taken from all installs: they stand, and share a remainder, where
// no other kind does.
func TestRemainderOfRedownloads(t *testing.T) {
	t.Parallel()
	b := Batch{KnowsRedownloads: true, Groups: []Counted{
		again(4, "a"), firstTime(30, "a"), again(2, "b"), firstTime(30, "b"), again(9, "c"), firstTime(30, "c"),
	}}
	p := Cut(installs, DefaultSettings(), b)
	require.Equal(t, "redownloads : 2 rows, 6,   ", written(p.Remainders))
	b.KnowsRedownloads = false
	require.Empty(t, Cut(installs, DefaultSettings(), b).Remainders)
	reengaged := installs
	reengaged.Kind = KindReengagement
	b.KnowsRedownloads = true
	require.Empty(t, Cut(reengaged, DefaultSettings(), b).Remainders, "not withheld: there are none")
}
