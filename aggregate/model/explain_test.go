package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Targets of a cell as published rows and as full counts give them.
func explained(r *rand.Rand, in Input) (targets []Target, groups []Group, installs []float64) {
	groups = []Group{{Amounts: []float64{6, math.NaN()}}, {Amounts: []float64{9, 70}}}
	for i, c := range in.Cells {
		t := Target{Cell: i, Seen: []float64{3, 31}, Coarse: c.Coarse, Null: c.Null}
		n := c.coarse() + c.Null
		switch i % 4 {
		case 0: // a row whose revenue is not told
			t.Seen[1], t.Fine, t.Payers = math.NaN(), 20, 3
			n += 20 + float64(r.IntN(3))
		case 1: // a row without payers, in a group
			t.Seen = make([]float64, 2)
			t.Hidden = &Hidden{Fine: 15, Least: 1, Most: 4, Share: 0.1, Group: r.IntN(2)}
			n += 15
		case 2: // alone, with a kind that is hidden
			t.Seen = make([]float64, 2)
			t.Hidden = &Hidden{Fine: 12, Least: 1, Most: 4, Either: true, Share: 0.1, Group: -1}
			t.Random = 2.5
			n += 14.5
		default: // full counts
			n += c.fine()
		}
		targets, installs = append(targets, t), append(installs, n)
	}
	return targets, groups, installs
}

func TestExplanationsAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 11))
		in := stock(r, 1+r.IntN(8), 1+r.IntN(3), []float64{3, 30, 500}[seed%3], seed%2 == 0)
		if seed%4 > 0 {
			in.Consented = []Evidence{{in.Cells[0].Network, in.Cells[0].Campaign, 200, 30}, {in.Cells[0].Network, "", 900, 100}, {"other", "", 100, 9}}
		}
		m, err := Fit(in, Defaults())
		if err != nil {
			require.ErrorIs(t, err, ErrNoSignal)
			continue
		}
		targets, groups, installs := explained(r, in)
		all, err := m.Explain(targets, groups, installs)
		require.NoError(t, err)
		whole := m.Expect(targets, groups)
		for i, e := range all {
			counted, amounts := 0.0, make([]float64, in.Metrics)
			for _, p := range e.Parts {
				counted += p.Installs
				for metric, a := range p.Amounts {
					require.GreaterOrEqual(t, a, 0.0)
					amounts[metric] += a
				}
			}
			require.InDelta(t, e.Installs, counted, 1e-6, "every install is in one part")
			for metric, a := range amounts {
				require.InDelta(t, whole[i][metric], a, 1e-6*max(1, a), "the parts come to the estimate")
			}
			require.Len(t, e.Paths, 2, "levels here have one kind each: nothing to say of who pays in them")
			for _, p := range e.Paths {
				sum := 0.0
				for _, w := range []float64{p.Window, p.Campaign, p.Network, p.App, p.Nothing} {
					require.GreaterOrEqual(t, w, 0.0)
					sum += w
				}
				require.InDelta(t, 1, sum, 1e-9)
			}
			c := in.Cells[targets[i].Cell]
			require.Equal(t, c.coarse()+c.Null > 0, e.Shift != nil)
			if e.Shift != nil {
				s := e.Shift
				require.InDelta(t, s.Null, s.Extrapolated+s.App+s.Network+s.Campaign, 1e-9)
				require.Equal(t, len(in.Consented) > 0, s.Consented)
			}
			for _, x := range e.Evidence {
				require.Contains(t, []string{"", c.Campaign}, x.Campaign, "nothing of other campaigns")
			}
			require.NotEmpty(t, e.Sentences)
			for _, s := range e.Sentences {
				require.NotContains(t, s, "NaN")
				require.NotContains(t, s, "%!")
			}
			_, err := json.Marshal(e)
			require.NoError(t, err)
		}
	}
}

// The weights of a path are those by which counts enter the estimate: a cell's mean is
// the mean of its nodes' own shares, so weighted.
func TestPathIsTheMean(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(4, 12)), 5, 3, 60, true)
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	own := func(counts []float64, i int) float64 {
		sum := 0.0
		for _, k := range counts {
			sum += k
		}
		return counts[i] / max(sum, 1e-300)
	}
	for cell, mean := range m.level.expect() {
		p, s, tr := m.level.path(PathLevels, cell), m.layout.sites[cell], m.level
		for level, want := range mean {
			got := p.Window*own(tr.window[cell], level) + p.Campaign*own(tr.campaign[s.campaign], level) +
				p.Network*own(tr.network[s.network], level) + p.App*own(tr.app, level) + p.Nothing*tr.base[level]
			require.InDelta(t, want, got, 1e-9)
		}
	}
}

// A campaign with many installs speaks for itself, one with few is spoken for.
func TestPathFollowsSize(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(5, 13)), 6, 2, 50, true)
	for v := range in.Cells[0].Fine {
		in.Cells[0].Fine[v] = 5_000
		in.Cells[1].Fine[v] = 0
	}
	in.Cells[1].Coarse = [3]float64{}
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	require.Greater(t, m.level.path(PathLevels, 0).Window, m.level.path(PathLevels, 2).Window)
	require.Zero(t, m.level.path(PathLevels, 1).Window)
}

func TestExplainMixedLevels(t *testing.T) {
	t.Parallel()
	in := stock(rand.New(rand.NewPCG(6, 14)), 3, 2, 50, true)
	in.Values[3].Level = Medium // small payers beside those who don't pay
	m, err := Fit(in, Defaults())
	require.NoError(t, err)
	all, err := m.Explain([]Target{{Cell: 0, Seen: []float64{0, 0}, Null: 10}}, nil, []float64{10})
	require.NoError(t, err)
	require.Len(t, all[0].Paths, 3)
	require.Equal(t, PathPayers, all[0].Paths[1].Of)
	_, err = m.Explain([]Target{{Cell: 0}}, nil, nil)
	require.ErrorContains(t, err, "1")
}
