package aggregate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// shifted is noise that can be foreseen: it adds by, then one more with every draw.
type shifted struct {
	by, draws int
	spent     []float64
	err       error
}

func (s *shifted) Count(n int, epsilon float64) (int, error) {
	s.draws++
	s.spent = append(s.spent, epsilon)
	return n + s.by + s.draws, s.err
}

func (s *shifted) HalfWidth90(float64) (int, error) { return 5, s.err }

// spread gives every group of a batch values of a view at random.
func spread(r *rand.Rand, b Batch, view string, values ...string) []Crossed {
	var out []Crossed
	for _, g := range b.Groups {
		for n := g.N; n > 0; {
			part := 1 + r.IntN(n)
			out = append(out, Crossed{View: view, NetworkID: g.NetworkID, Value: values[r.IntN(len(values))], N: part})
			n -= part
		}
	}
	return out
}

func places(cells []CrossingCell) (out []string) {
	for _, c := range cells {
		out = append(out, fmt.Sprint(c.View, " ", c.NetworkID, " ", c.Value))
	}
	return out
}

func TestCrossingCells(t *testing.T) {
	t.Parallel()
	b := Batch{Groups: []Counted{crowd(50, "a", "5239"), crowd(30, "b", "5239"), crowd(12, "c", "5239"), crowd(12, "d", "5239"), crowd(11, "e", "5239")}}
	p := Cut(installs, DefaultSettings(), b) // c, d and e go to other
	groups := []Crossed{
		{CrossCountry, "a", "US", 30}, {CrossCountry, "a", "FR", 15}, {CrossCountry, "a", "", 5},
		{CrossCountry, "b", "DE", 30}, {CrossCountry, "c", "US", 12}, {CrossCountry, "d", "DE", 12}, {CrossCountry, "e", "DE", 11},
		{CrossInteraction, "a", "view", 50}, {CrossInteraction, "b", "", 30}, {CrossInteraction, "c", "click", 12}, {CrossInteraction, "d", "click", 12}, {CrossInteraction, "e", "view", 11},
	}
	n := &shifted{by: -1}
	cells, err := crossings(crossed("1", byClick, byCountry), p.Rows, groups, n)
	require.NoError(t, err)
	got := map[string]string{}
	for i, c := range cells {
		require.Equal(t, "0.5", c.Epsilon)
		require.Equal(t, 5, c.HalfWidth90)
		if c.Installs == nil {
			got[places(cells)[i]] = "NULL"
			continue
		}
		got[places(cells)[i]] = fmt.Sprint(*c.Installs - i) // without the noise, which can lift a cell to k
	}
	require.Equal(t, []string{
		"country  DE", "country  US", "country  other", "country a DE", "country a US", "country a other",
		"country b DE", "country b US", "country b other", "interaction  click", "interaction  view", "interaction  other",
		"interaction a click", "interaction a view", "interaction a other", "interaction b click", "interaction b view", "interaction b other",
	}, places(cells))
	require.Equal(t, map[string]string{
		"country  DE": "23", "country  US": "NULL", "country  other": "NULL",
		"country a DE": "NULL", "country a US": "30", "country a other": "20",
		"country b DE": "30", "country b US": "NULL", "country b other": "NULL",
		"interaction  click": "24", "interaction  view": "11", "interaction  other": "NULL",
		"interaction a click": "NULL", "interaction a view": "50", "interaction a other": "NULL",
		"interaction b click": "NULL", "interaction b view": "NULL", "interaction b other": "30",
	}, got)
	require.Equal(t, slices.Repeat([]float64{0.5}, len(cells)), n.spent, "one draw a cell, each with the view's share")

	lowest := &shifted{by: -1000}
	cells, err = crossings(crossed("1", byCountry), p.Rows, groups, lowest)
	require.NoError(t, err)
	require.Equal(t, 9, lowest.draws, "empty cells are drawn like others")
	for _, c := range cells {
		require.Nil(t, c.Installs, "neither below k nor below 0")
	}
}

// TestCrossingCellsTellNothing: over random markets, which cells there are depends on
// the published rows and on what is declared; every install is in one cell of its view.
func TestCrossingCellsTellNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 1))
	cut := 0
	for range 500 {
		b, s := randomBatch(r), randomSettings(r)
		p := Cut(installs, s, b)
		if len(p.Rows) == 0 {
			continue
		}
		cut++
		s.Crossings, s.CrossingEpsilon = []Crossing{byCountry}, "1"
		groups := spread(r, b, CrossCountry, "US", "DE", "FR", "")
		cells, err := byCountry.cells(p.Rows, groups)
		require.NoError(t, err)
		in := map[string]int{}
		for _, row := range p.Rows {
			in[row.NetworkID] += row.Installs
		}
		for _, c := range cells {
			in[c.network] -= c.n
		}
		for network, left := range in {
			require.Zero(t, left, "network %q: every install in one cell", network)
		}
		one, err := crossings(s, p.Rows, groups, &shifted{})
		require.NoError(t, err)
		other, err := crossings(s, p.Rows, spread(r, b, CrossCountry, "FR"), &shifted{})
		require.NoError(t, err)
		require.Equal(t, places(one), places(other))
		require.Len(t, one, 3*len(in))
		// An install that was counted since, or is gone: cut again.
		groups[0].N++
		_, err = byCountry.cells(p.Rows, groups)
		require.ErrorIs(t, err, ErrRowsChanged)
		_, err = byCountry.cells(p.Rows, groups[1:])
		require.ErrorIs(t, err, ErrRowsChanged)
	}
	require.Greater(t, cut, 200)
}

func TestDigestCrossed(t *testing.T) {
	t.Parallel()
	groups := []Crossed{{CrossCountry, "a", "US", 3}, {CrossCountry, "a", "DE", 4}}
	require.Equal(t, "d", DigestCrossed("d", nil), "releases without crossings keep theirs")
	first := DigestCrossed("d", groups)
	require.Len(t, first, 64)
	slices.Reverse(groups)
	require.Equal(t, first, DigestCrossed("d", groups), "in any order")
	require.NotEqual(t, first, DigestCrossed("e", groups))
	for _, change := range []func(*Crossed){
		func(c *Crossed) { c.View = CrossDigits }, func(c *Crossed) { c.NetworkID = "b" },
		func(c *Crossed) { c.Value = "FR" }, func(c *Crossed) { c.N++ },
	} {
		changed := slices.Clone(groups)
		change(&changed[0])
		require.NotEqual(t, first, DigestCrossed("d", changed))
	}
}

// crossedStore answers Crossed and nothing else.
type crossedStore struct {
	SealStore
	groups []Crossed
	err    error
}

func (s crossedStore) Crossed(context.Context, Dataset, Window, []string) ([]Crossed, error) {
	return s.groups, s.err
}

func TestCrossOnlyWhereDeclared(t *testing.T) {
	t.Parallel()
	prepared := Release{
		Kind: ReleaseBase, State: StatePrepared, Digest: "d", Settings: crossed("1", byClick), Rows: []Row{{Level: LevelTotal, Installs: 20}},
	}
	groups := []Crossed{{CrossInteraction, "a", "view", 20}}
	n := &shifted{}
	with := &Sealer{Store: crossedStore{groups: groups}, Noise: n}
	for name, change := range map[string]func(*Release){
		"not declared": func(r *Release) { r.Settings = DefaultSettings() },
		"carried":      func(r *Release) { r.State = StateCarried },
		"redecode":     func(r *Release) { r.Kind = ReleaseRedecode },
	} {
		r := prepared
		change(&r)
		want := r
		require.NoError(t, with.cross(t.Context(), &r), name)
		require.Equal(t, want, r, name)
		require.Zero(t, n.draws, "nothing is spent: %s", name)
	}
	r := prepared
	require.NoError(t, with.cross(t.Context(), &r))
	require.Len(t, r.Crossings, 3)
	require.Equal(t, 3, n.draws)
	require.Equal(t, DigestCrossed("d", groups), r.Digest)

	r = prepared
	require.ErrorContains(t, (&Sealer{Store: with.Store}).cross(t.Context(), &r), "no source of noise")
	require.Empty(t, r.Crossings, "never without noise")
	down := errors.New("down")
	require.ErrorIs(t, (&Sealer{Store: crossedStore{err: down}, Noise: n}).cross(t.Context(), &r), down)
	require.ErrorIs(t, (&Sealer{Store: with.Store, Noise: &shifted{err: down}}).cross(t.Context(), &r), down)
	r.Settings.CrossingEpsilon = "" // no settings that were ever valid
	require.ErrorContains(t, with.cross(t.Context(), &r), "crossing_epsilon: ")
}
