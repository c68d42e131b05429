package scoreboard

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
)

func TestBarIsMetInsideItsEdges(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bar    Bar
		met    bool
		off    float64
		chance bool
	}{
		"below the most":         {Bar{Value: 1.1, Most: 1.2}, true, -0.1, false},
		"at the most":            {Bar{Value: 1.2, Most: 1.2}, true, 0, false},
		"above the most":         {Bar{Value: 1.5, Most: 1.2}, false, 0.3, false},
		"covers":                 {Bar{Value: 90, Least: 88, Most: 97, Intervals: 500}, true, -2, false},
		"covers too little":      {Bar{Value: 80, Least: 88, Most: 97, Intervals: 500}, false, 8, false},
		"covers too much":        {Bar{Value: 100, Least: 88, Most: 97, Intervals: 500}, false, 3, false},
		"too much, of few":       {Bar{Value: 100, Least: 88, Most: 97, Intervals: 20}, false, 3, true},
		"too little, of few":     {Bar{Value: 72, Least: 80, Most: 100, Intervals: 20}, false, 8, true},
		"all, where all may":     {Bar{Value: 100, Least: 80, Most: 100, Intervals: 20}, true, -20, false},
		"a ratio has no chances": {Bar{Value: 1.21, Most: 1.2}, false, 0.01, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.met, test.bar.Met())
			require.InDelta(t, test.off, test.bar.Off(), 1e-9)
			require.Equal(t, test.chance, test.bar.Chance())
		})
	}
}

// A line that is right passes every bar; each fault of it fails the bars that are there
// to see it, and no other.
func TestBarsSeeEachFault(t *testing.T) {
	t.Parallel()
	good := func() Line {
		held := func(n int) Covered {
			return Covered{Intervals: n, Payers: n * 92 / 100, Revenue: n * 92 / 100, WidthPay: 130, WidthR: 130}
		}
		width := Amounts{100, 100}
		return Line{
			Scenario: "worse", Seeds: 6,
			Scores: map[string]Score{
				Proportional: {Error: Amounts{8, 12}}, Fallback: {Error: Amounts{9, 11}}, Ours: {Error: Amounts{4, 6.5}}, Floor: {Error: Amounts{3.5, 6}},
			},
			Signed: map[string]Amounts{Ours: {-0.5, 1}},
			Cell:   held(500), Campaign: held(100), Network: held(50), Floor: Widths{width, width, width},
		}
	}
	worse, _ := worlds.Find("worse")
	none, _ := worlds.Find("no-consent")
	random, _ := worlds.Find("random")
	failed := func(bars []Bar) (names []string) {
		for _, b := range bars {
			if !b.Met() {
				names = append(names, b.Name)
			}
		}
		return names
	}
	require.Empty(t, failed(FullBars(good(), worse, 14000)))
	require.Len(t, FullBars(good(), worse, 14000), 18)
	for name, test := range map[string]struct {
		change func(*Line)
		in     worlds.Scenario
		want   []string
	}{
		"far from the floor":            {func(l *Line) { l.Scores[Floor] = Score{Error: Amounts{3.2, 5}} }, worse, []string{"error / floor, payers", "error / floor, revenue"}},
		"the same without consent":      {func(l *Line) { l.Scores[Floor] = Score{Error: Amounts{3.25, 6}} }, none, nil},
		"no better than proportional":   {func(l *Line) { l.Scores[Fallback] = Score{Error: Amounts{5, 7}} }, worse, []string{"error / best proportional, payers", "error / best proportional, revenue"}},
		"which is enough at random":     {func(l *Line) { l.Scores[Fallback] = Score{Error: Amounts{4.1, 6.6}} }, random, nil},
		"biased":                        {func(l *Line) { l.Signed[Ours] = Amounts{-1.5, 3} }, worse, []string{"bias of totals, payers"}},
		"which no consent would excuse": {func(l *Line) { l.Signed[Ours] = Amounts{-1.5, 8} }, none, nil},
		"dishonest":                     {func(l *Line) { l.Campaign.Payers = 60 }, worse, []string{"covers 90 %, campaign, payers"}},
		"shy":                           {func(l *Line) { l.Cell.WidthR = 200 }, worse, []string{"width / floor, cell, revenue"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := good()
			test.change(&l)
			require.Equal(t, test.want, failed(FullBars(l, test.in, 14000)))
		})
	}
	dear := good()
	dear.Scores[Ours] = Score{Error: Amounts{12.5, 17}}
	require.Equal(t, []string{"error, percent, payers", "error / best proportional, payers", "error / best proportional, revenue"},
		failed(PriceBars(dear, 14000, aggregate.Week)))
	require.Empty(t, failed(PriceBars(good(), 14000, aggregate.Week)))
	require.Empty(t, FullBars(Line{}, worse, 500), "nothing was judged")
	require.Empty(t, PriceBars(Line{}, 500, aggregate.Week))
}

func TestSummaryNamesTheWorst(t *testing.T) {
	t.Parallel()
	s := Summarize([]Bar{
		{Name: "a", Scenario: "x", Value: 1.3, Most: 1.2}, {Name: "b", Scenario: "x", Value: 1, Most: 2},
		{Name: "a", Scenario: "y", Value: 1.5, Most: 1.2}, {Name: "a", Scenario: "z", Value: 1.0, Most: 1.2},
	})
	require.Len(t, s, 2)
	require.Equal(t, "y", s[0].Worst.Scenario)
	require.Equal(t, 3, s[0].Of)
	require.Len(t, s[0].Failed, 2)
	var b bytes.Buffer
	require.NoError(t, WriteBars(&b, "bars", []Bar{{Name: "a", Scenario: "x", Value: 1.3, Most: 1.2}, {Name: "a", Scenario: "y", Value: 1.5, Most: 1.2}}))
	require.Regexp(t, `a +at most 1.2 +0 of 2 +y +1.50 +NOT met, by 0.30\n +at most 1.2 +x +1.30 +NOT met, by 0.10`, b.String())
}

// The floor's intervals hold the truth as often as they say: else the widths that others
// are measured by would be no floor.
func TestFloorIntervalsHold(t *testing.T) {
	t.Parallel()
	s, _ := worlds.Find("heavy")
	var cell, campaign Covered
	for seed := range uint64(25) {
		w, err := worlds.New(s, 100+seed, 3000, 4)
		require.NoError(t, err)
		truth, floor := truthOf(w)
		variances := variancesOf(w)
		off := Estimates{}
		for k, f := range floor {
			off[k] = Amounts{truth[k].Payers - f.Payers, truth[k].Revenue - f.Revenue}
		}
		cell.add(within(variances, off))
		campaign.add(within(variances.weekly(4), off.weekly(4))) // all four weeks in one
	}
	for _, c := range []Covered{cell, campaign} {
		require.Greater(t, c.Intervals, 100)
		require.InDelta(t, 90, c.share().Payers, 5)
		require.InDelta(t, 90, c.share().Revenue, 5)
	}
}

func within(variances, off Estimates) (c Covered) {
	for k, v := range variances {
		one := widthsOf(Estimates{k: v}, 0.9).Cell
		c.add(Covered{
			Intervals: 1,
			Payers:    holding(model.Interval{Low: -one.Payers / 2, High: one.Payers / 2}, off[k].Payers),
			Revenue:   holding(model.Interval{Low: -one.Revenue / 2, High: one.Revenue / 2}, off[k].Revenue),
		})
	}
	return c
}
