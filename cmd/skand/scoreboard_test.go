package main

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The small board of every build: two kinds of worlds, two of each. Bars that the model
// keeps with room to spare on the full board must hold here, with some room for so few
// worlds; and the tables say the same as the JSON.
func TestScoreboardKeepsItsBars(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	code, out, errs := runSkand(t, "scoreboard", "--scenario", "worse,random", "--seeds", "2", "--installs", "14000", "--weeks", "4", "--json")
	require.Zero(t, code, errs)
	require.Empty(t, errs, "no bar where nobody looks")
	var board scoreboardJSON
	require.NoError(t, json.Unmarshal([]byte(out), &board))
	require.Len(t, board.Sizes, 1)
	require.Len(t, board.Sizes[0].Full, 2)
	require.Nil(t, board.Sizes[0].Published)
	for _, l := range board.Sizes[0].Full {
		require.Equal(t, 2, l.Worlds)
		ours, floor := l.Methods["model"].Error, l.Methods["floor"].Error
		require.Less(t, ours.Payers, 1.35*floor.Payers, l.Scenario)
		require.Less(t, ours.Revenue, 1.35*floor.Revenue, l.Scenario)
		require.Less(t, floor.Payers, 1.03*ours.Payers, "nobody is better than the floor by more than chance")
		best := math.Min(l.Methods["proportional"].Error.Payers, l.Methods["proportional, fall-back"].Error.Payers)
		if l.Scenario == "worse" {
			require.Less(t, ours.Payers, 0.78*best)
		}
		require.Less(t, ours.Payers, 1.1*best)
		require.Less(t, math.Abs(l.Methods["model"].Bias.Payers), 3.0)
		require.Greater(t, l.Coverage["cell"].Holds.Payers, 86.0)
		require.Greater(t, l.Coverage["cell"].Holds.Revenue, 82.0)
		require.Less(t, l.Coverage["cell"].WidthFloor.Payers, 1.6)
	}
	require.Len(t, board.Sizes[0].Bars, 2*18)
	for _, b := range board.Sizes[0].Bars {
		require.Equal(t, b.Met, b.Value <= b.Most && b.Value >= b.Least, "%+v", b)
	}
}

func TestScoreboardPrintsTablesAndBars(t *testing.T) {
	t.Parallel()
	args := []string{"scoreboard", "--scenario", "worse", "--seeds", "1", "--installs", "500,900", "--weeks", "3", "--published"}
	code, out, errs := runSkand(t, args...)
	require.Zero(t, code, errs)
	for _, want := range []string{
		`== 500 installs a week, full counts\n`, `== 900 installs a week, published by week\n`,
		`error of campaign-weeks +drop nulls +proportional +fall-back +model +floor +model/floor`,
		`drop nulls +proportional +fall-back +model +on full counts +floor`,
		`\nworse +\d+\.\d/\d+\.\d +`, `model's 90 % intervals hold +cell +campaign +network`, `payers named +seen: exact +in remainders +lost`,
		`== 500 installs a week, bars on what is published by week\n`, `error, percent, payers +at most 18 +\d of 1 +worse`,
		`width / floor, cell, payers +at most 1.5 +\d of 1 +worse +\d+\.\d+ +(met|NOT met), by \d+\.\d+`,
	} {
		require.Regexp(t, want, out)
	}
	_, again, _ := runSkand(t, args...)
	require.Equal(t, out, again, "the same flags give the same tables")
}

func TestScoreboardFlags(t *testing.T) {
	t.Parallel()
	code, out, _ := runSkand(t, "scoreboard", "--scenario", "list")
	require.Zero(t, code)
	require.Regexp(t, `no-consent +nobody consents`, out)
	for want, args := range map[string][]string{
		"--scenario: \"x\" is none of":     {"--scenario", "worse,x"},
		"--seeds: 0 is not 1 to":           {"--seeds", "0"},
		"--weeks: 99 is not 1 to":          {"--weeks", "99"},
		"--installs: 5 is not 100 to":      {"--installs", "5"},
		"add --published":                  {"--window", "day"},
		"\"month\" is neither week nor da": {"--window", "month", "--published"},
	} {
		code, _, errs := runSkand(t, append([]string{"scoreboard"}, args...)...)
		require.Equal(t, 2, code, want)
		require.Contains(t, errs, want)
	}
}
