package scoreboard

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
)

func priceOptions(installs int, scenarios ...string) Options {
	o := Options{Installs: installs, Weeks: 4, Settings: model.Defaults(), Seeds: []uint64{1, 2}, Workers: 2}
	o.Settings.Draws = 80
	for _, name := range scenarios {
		s, _ := worlds.Find(name)
		o.Scenarios = append(o.Scenarios, s)
	}
	return o
}

// The published side is judged over what is published: privacy has a price, the model
// still beats what others document, and nobody beats the floor.
func TestPriceOfPrivacy(t *testing.T) {
	t.Parallel()
	steps := 0
	lines, err := Price(t.Context(), priceOptions(3000, "worse"), aggregate.DefaultSettings(), func() { steps++ })
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Equal(t, 2, steps)
	l := lines[0]
	require.Equal(t, 2, l.Seeds)
	ours, full, floor := l.Scores[Ours].Error, l.Scores[OnFull].Error, l.Scores[Floor].Error
	require.Greater(t, ours.Payers, full.Payers, "less is told")
	require.Greater(t, full.Payers, floor.Payers)
	require.Greater(t, full.Revenue, floor.Revenue)
	require.Less(t, ours.Payers, l.bestProportional().Payers)
	require.Greater(t, l.Scores[Naive].Error.Payers, 2*ours.Payers)
	require.Greater(t, l.Told.Named, 90.0)
	require.LessOrEqual(t, l.Told.Exact+l.Told.Shared, 100+1e-9)
	require.Greater(t, l.Cell.share().Payers, 75.0)
	require.Equal(t, Widths{}, l.Floor)

	var b bytes.Buffer
	require.NoError(t, WriteLines(&b, "published", lines, PriceMethods()))
	require.Contains(t, b.String(), "on full counts")
	require.Contains(t, b.String(), "in remainders")
	raw, err := json.Marshal(LinesJSON(lines))
	require.NoError(t, err, "no number that JSON cannot write")
	require.Contains(t, string(raw), `"told":{"named":`)
}

// By day less stands, and the rest is added up to the same campaign-weeks.
func TestPriceByDayIsJudgedByWeek(t *testing.T) {
	t.Parallel()
	o, cut := priceOptions(4000, "random"), aggregate.DefaultSettings()
	o.Seeds, o.Weeks = o.Seeds[:1], 2
	week, err := Price(t.Context(), o, cut, func() {})
	require.NoError(t, err)
	cut.Window = aggregate.Day
	day, err := Price(t.Context(), o, cut, func() {})
	require.NoError(t, err)
	require.Less(t, day[0].Told.Named, week[0].Told.Named)
	require.Less(t, day[0].Told.Exact, week[0].Told.Exact)
	require.LessOrEqual(t, day[0].Cell.Intervals, 2*day[0].Campaign.Intervals, "two weeks, not fourteen days")
	require.Equal(t, Estimates{{Week: 0}: {3, 5}, {Week: 1}: {4, 4}},
		Estimates{{Week: 0}: {1, 2}, {Week: 6}: {2, 3}, {Week: 7}: {4, 4}}.weekly(7))
}

func TestNothingToJudgeIsSaid(t *testing.T) {
	t.Parallel()
	o, cut := priceOptions(100, "random"), aggregate.DefaultSettings()
	cut.Window, cut.K = aggregate.Day, 90
	lines, err := Price(t.Context(), o, cut, func() {})
	require.NoError(t, err)
	require.Equal(t, 2, lines[0].NoSignal)
	require.Zero(t, lines[0].Seeds)
	var b bytes.Buffer
	require.NoError(t, WriteLines(&b, "published", lines, PriceMethods()))
	require.Regexp(t, `random +no signal`, b.String())
	_, err = json.Marshal(LinesJSON(lines))
	require.NoError(t, err)
	o.Installs, o.Weeks = 1, 1
	full, err := Run(t.Context(), o, func() {})
	require.NoError(t, err)
	require.Equal(t, 2, full[0].NoSignal+full[0].Seeds)
	require.Positive(t, full[0].NoSignal, "one install a week has no payers")
	cut.K = 1
	_, err = Price(t.Context(), o, cut, func() {})
	require.ErrorContains(t, err, "k:")
}

// Workers change how long a board takes, and nothing else; who has had enough ends it.
func TestBoardIsTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	o := priceOptions(1500, "worse", "random")
	print := func(workers int) string {
		o.Workers = workers
		lines, err := Run(t.Context(), o, func() {})
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, WriteLines(&b, "full", lines, Methods()))
		return b.String()
	}
	require.Equal(t, print(1), print(4))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := Run(ctx, o, func() {})
	require.ErrorIs(t, err, context.Canceled)
}
