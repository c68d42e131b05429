package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// randomBatch is a market of a few networks of very unequal size.
func randomBatch(r *rand.Rand) Batch {
	var b Batch
	for n := range 1 + r.IntN(6) {
		network := string(rune('a' + n))
		short := []string{ShortLast, ShortFirst}[r.IntN(2)]
		size := 1 + r.IntN(1<<(2+r.IntN(7)))
		for range 1 + r.IntN(12) {
			c := Counted{
				N: 1 + r.IntN(size), NetworkID: network, IDKind: IDSource, ShortForm: short,
				Source: fmt.Sprintf("%04d", r.IntN(2)*1000+r.IntN(2)*100+r.IntN(3)*10+r.IntN(2)),
				Kind:   []string{ValueNull, ValueUnset, ValueUnmapped, ValueCoarse, ValueFine, ValueFine}[r.IntN(6)],
				Coarse: []string{CoarseLow, CoarseMedium, CoarseHigh}[r.IntN(3)], SchemaVersion: r.IntN(3),
			}
			c.Source = c.Source[len(c.Source)-2-r.IntN(3):]
			if r.IntN(4) == 0 {
				c.IDKind, c.Source = IDCampaign, fmt.Sprint(1+r.IntN(3))
			}
			if c.Kind == ValueFine && r.IntN(2) == 0 {
				most := decimal.New(r.Int64N(1000), -2)
				c.Payer, c.RevenueMax, c.RevenueEst = true, &most, most.Div(decimal.NewFromInt(2))
			}
			b.Groups = append(b.Groups, c)
		}
	}
	return b
}

func randomSettings(r *rand.Rand) Settings {
	s := DefaultSettings()
	s.K = FloorK + r.IntN(25)
	s.B = FloorB + r.IntN(5)
	s.Depth = MinDepth + r.IntN(3)
	return s
}

// path is the chain of nodes that an install lies in, from the top down, written
// again from the spec's words and not from tree.go.
func path(g Counted, depth int) []string {
	p := []string{g.NetworkID}
	if g.IDKind == IDCampaign {
		return append(p, g.NetworkID+"/c"+g.Source)
	}
	at := g.NetworkID
	for d := 2; d <= depth; d++ {
		if len(g.Source) < d {
			return append(p, at+"/withheld")
		}
		short := g.Source[len(g.Source)-d:]
		if g.ShortForm == ShortFirst {
			short = g.Source[:d]
		}
		at += "/" + short
		p = append(p, at)
	}
	return p
}

// rowOf is the row that holds the group: a node of its path, or the deepest
// `other` beside it, or the total. It fails if a path meets two named rows.
func rowOf(t *testing.T, g Counted, depth int, keys map[string]int) int {
	t.Helper()
	found := -1
	nodes := path(g, depth)
	for _, node := range nodes {
		if i, ok := keys[node]; ok {
			require.Equal(t, -1, found, "%v is in two rows", nodes)
			found = i
		}
	}
	for i := len(nodes) - 2; i >= 0 && found < 0; i-- {
		if k, ok := keys[nodes[i]+"/other"]; ok {
			found = k
		}
	}
	for _, top := range []string{LevelOther, LevelTotal} {
		if i, ok := keys[top]; ok && found < 0 {
			found = i
		}
	}
	require.NotEqual(t, -1, found, "%v is in no row", nodes)
	return found
}

// requirePartition checks a release against the counted installs it came from,
// and gives for each group the row that holds it.
func requirePartition(t *testing.T, s Settings, b Batch, p Published) []int {
	t.Helper()
	require.NoError(t, p.check(s.K, s.B, b.Installs()))
	if b.Installs() < s.K {
		require.Empty(t, p.Rows)
		require.Equal(t, b.Installs(), p.Carried)
		return nil
	}
	require.Zero(t, p.Carried)
	keys := map[string]int{}
	for i, r := range p.Rows {
		require.NotContains(t, keys, r.Key())
		keys[r.Key()] = i
		require.LessOrEqual(t, len(r.Source4), 4*(s.Depth/4), "depth")
		require.LessOrEqual(t, len(r.Source3), 3*min(1, s.Depth-2), "depth")
	}
	in := make([]int, len(b.Groups))
	sums := make([]int, len(p.Rows))
	for i, g := range b.Groups {
		in[i] = rowOf(t, g, s.Depth, keys)
		sums[in[i]] += g.N
	}
	for i, r := range p.Rows {
		require.Equal(t, r.Installs, sums[i], "row %s", r.Key())
		requireMeasures(t, r, s.B)
	}
	return in
}

// requireMeasures checks what must hold of any row, whatever it was cut from.
func requireMeasures(t *testing.T, r Row, b int) {
	t.Helper()
	sum, levelsStand := 0, r.CoarseHigh != nil
	for _, n := range []*int{
		r.NullInstalls, r.UnsetInstalls, r.UnmappedInstalls, r.CoarseLow, r.CoarseMedium, r.CoarseHigh, r.FineInstalls,
	} {
		if n != nil {
			require.True(t, holds(*n, b), "row %s: %d", r.Key(), *n)
			sum += *n
		}
	}
	require.True(t, holds(r.Installs-sum, b), "row %s: the kinds leave %d", r.Key(), r.Installs-sum)
	if levelsStand {
		require.Equal(t, r.Installs, sum, "row %s", r.Key())
	}
	require.True(t, r.Redownloads == nil || bothHold(r.Installs, *r.Redownloads, b))
	if r.Payers == nil {
		require.Nil(t, r.RevenueMin)
		require.Nil(t, r.RevenueEst)
		require.Nil(t, r.RevenueMax)
		return
	}
	require.NotNil(t, r.FineInstalls)
	require.True(t, holds(*r.Payers, b) && holds(*r.FineInstalls-*r.Payers, b))
	require.False(t, *r.Payers == 0 && !r.RevenueEst.IsZero())
}

func TestEveryInstallOnce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 0))
	for range 1500 {
		b, s := randomBatch(r), randomSettings(r)
		requirePartition(t, s, b, Cut(installs, s, b))
	}
}

// The same installs give the same bytes, however the store grouped and ordered them.
func TestCutIsDeterministic(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 0))
	for range 500 {
		b, s := randomBatch(r), randomSettings(r)
		var split Batch
		for _, g := range b.Groups {
			one := g
			one.N = r.IntN(g.N + 1)
			g.N -= one.N
			split.Groups = append(split.Groups, g, one)
		}
		r.Shuffle(len(split.Groups), func(i, j int) {
			split.Groups[i], split.Groups[j] = split.Groups[j], split.Groups[i]
		})
		require.Equal(t, asJSON(t, Cut(installs, s, b)), asJSON(t, Cut(installs, s, split)))
	}
}
