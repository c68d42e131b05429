package aggregate

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Asked install by install, each is found in a row, and every row in as many as it says.
func TestPlacedIsWhereItWasCut(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	carried, others := 0, 0
	for range 400 {
		s, b := randomSettings(r), randomBatch(r)
		p := Cut(installs, s, b)
		found := map[string]int{}
		for i := range b.Groups {
			g := &b.Groups[i]
			row, ok := Placed(p.Rows, s.Depth, g)
			if g.N <= 0 {
				continue
			}
			require.Equal(t, p.Installs > 0, ok, "all or none: %s in\n%s", g.Source, picture(p.Rows))
			found[row.Key()] += g.N
			if row.Level == LevelOther {
				others++
			}
		}
		if p.Installs == 0 {
			carried++
			continue
		}
		for _, row := range p.Rows {
			require.Equal(t, row.Installs, found[row.Key()], "%s in\n%s", row.Key(), picture(p.Rows))
		}
		require.Len(t, found, len(p.Rows))
	}
	require.NotZero(t, carried)
	require.NotZero(t, others)
}

// Rows that belong to another release place nobody, rather than somewhere.
func TestPlacedNowhere(t *testing.T) {
	t.Parallel()
	g := crowd(1, "b", "5239")
	_, ok := Placed([]Row{{Level: LevelNetwork, NetworkID: "a", Installs: 30}}, MaxDepth, &g)
	require.False(t, ok)
	_, ok = Placed(nil, MaxDepth, &g)
	require.False(t, ok)
	_, ok = Placed([]Row{{Level: LevelSrc4, NetworkID: "b", IDKind: IDSource, Source2: "39", Source3: "239", Source4: "1239", Installs: 30}}, MaxDepth, &g)
	require.False(t, ok)
}
