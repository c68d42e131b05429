package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLaterExplanationsAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 31))
		in := laterWorldOf(seed, []int{60, 900}[seed%2], 3, r.Float64()).in
		if seed%3 == 0 {
			in.Levels[High].Amounts = []float64{1, math.NaN()} // a level without a price
			in.Metrics = 2
			for level := range in.Levels[:High] {
				in.Levels[level].Amounts = []float64{in.Levels[level].Amounts[0], 0}
			}
		}
		for i := range in.Cells {
			in.Cells[i].AnyLevel, in.Cells[i].Unseen = float64(r.IntN(3)), float64(r.IntN(9))
		}
		m, err := FitLater(in, LaterDefaults())
		if err != nil {
			require.ErrorIs(t, err, ErrNoSignal)
			continue
		}
		whole, w := m.Expect(), m.mean()
		for i, e := range m.Explain() {
			c := in.Cells[i]
			installs, amounts := 0.0, make([]float64, in.Metrics)
			for _, p := range e.Parts {
				installs += p.Installs
				for metric, a := range p.Amounts {
					require.GreaterOrEqual(t, a, 0.0)
					amounts[metric] += a
				}
			}
			require.InDelta(t, c.Levels[0]+c.Levels[1]+c.Levels[2]+c.AnyLevel+c.Nothing+c.Unseen+c.Null, installs, 1e-9)
			require.InDelta(t, installs, e.Installs, 1e-9)
			for metric, a := range amounts {
				require.InDelta(t, whole[i][metric], a, 1e-9*max(1, a), "the parts come to the estimate")
			}
			require.Len(t, e.Paths, 1)
			p := e.Paths[0]
			require.InDelta(t, 1, p.Window+p.Campaign+p.Network+p.App+p.Nothing, 1e-9)
			require.Equal(t, c.Null > 0, e.Shift != nil)
			if e.Shift != nil {
				require.InDelta(t, w.shift[i], e.Shift.Null, 1e-9, "what the estimate was made with")
				require.InDelta(t, e.Shift.Null, e.Shift.Extrapolated+e.Shift.App+e.Shift.Network+e.Shift.Campaign, 1e-9)
			}
			require.Greater(t, len(e.Sentences), 2)
			for _, s := range e.Sentences {
				require.NotContains(t, s, "NaN")
				require.NotContains(t, s, "%!")
				if seed%3 == 0 {
					require.NotContains(t, s, "Revenue", "it has no price, so there is no revenue to explain")
				}
			}
			_, err := json.Marshal(e)
			require.NoError(t, err)
		}
	}
}

func TestLaterExplanationReads(t *testing.T) {
	t.Parallel()
	part := func(name string, installs, payers, revenue float64, seen bool) ExplainedPart {
		return ExplainedPart{name, installs, []float64{payers, revenue}, []bool{seen, false}}
	}
	e := Explanation{
		Installs: 200,
		Parts: []ExplainedPart{part(PartSeen, 40, 12, 60, true), part(PartLevel, 3, 0.9, 4.5, false), part(PartNoPostback, 100, 0, 0, true),
			part(PartUnpublished, 7, 0.5, 2.5, false), part(PartNoLater, 50, 2, 10, false)},
		Paths: []ExplainedPath{{PathOutcomes, 0.6, 0.3, 0.1, 0, 0}},
		Shift: &ExplainedShift{Factor: 0.5, Null: -0.6931, Extrapolated: -0.6931},
	}
	require.Equal(t, []string{
		"The number is of all installs whose postback of this window was due, those of which Apple sends none included.",
		"Of 200 installs 40 were seen with their value, 3 have a level that is not published, 100 sent no such postback, or one without a value: they did nothing that counts in that time, and nothing is added for them, 7 are of a campaign whose later postbacks are not published and 50 are of crowds so small that Apple sends no such postback.",
		"Payers 15.4: 12 observed, 0.9 inferred for installs whose level is not published, 0.5 inferred for installs whose later postbacks are not published and 2 inferred for installs of which Apple sends no such postback.",
		"Revenue 77: 60 inferred from what such payers spend, 4.5 inferred for installs whose level is not published, 2.5 inferred for installs whose later postbacks are not published and 10 inferred for installs of which Apple sends no such postback.",
		"How many installs reach each level in this window is taken 60 % from this campaign and window, 30 % from the campaign's windows together and 10 % from its network.",
		"Where Apple sends none the odds of paying are taken to be 0.50 times: 0.5 of what they differ by at the first postbacks, an assumption that no postback tells of.",
	}, e.laterSentences([]bool{true, true}))
}
