package aggregate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
)

const puzzle = `{"currency": "USD", "revenue_cap": 50, "windows": [
 {"index": 0, "fine": [
  {"value": 0, "events": []},
  {"value": 2, "events": [{"name": "level", "count_min": 5, "count_max": 10}, {"name": "maybe", "count_min": 0}]},
  {"value": 1, "events": [{"name": "tutorial"}]},
  {"value": 4, "events": [{"name": "purchase", "revenue_min": 30, "revenue_max": 100}]},
  {"value": 3, "events": [{"name": "tutorial"},
    {"name": "purchase", "count_min": 2, "count_max": 9}, {"name": "purchase", "count_min": 1, "count_max": 4, "revenue_min": 1, "revenue_max": 3}]}],
  "coarse": {"low": {"events": [{"name": "tutorial"}]}}},
 {"index": 1, "coarse": {"high": {"events": [{"name": "purchase"}]}}}],
 "reengagement_windows": [{"index": 0, "fine": [{"value": 7, "events": [{"name": "back"}]}]}]}`

func TestMeaningOf(t *testing.T) {
	t.Parallel()
	d, err := schema.Parse([]byte(puzzle))
	require.NoError(t, err)
	m := MeaningOf(3, d, installs)
	require.Equal(t, 3, m.Version)
	require.Equal(t, []string{"tutorial", "level", "purchase"}, m.Events, "by value, then as the row has them")
	require.Len(t, m.Values, 5)
	for i, v := range m.Values {
		require.Equal(t, i, v.Value)
		require.Equal(t, i >= 3, v.Payer)
		require.Equal(t, i == 4, v.Clamped, "the cap cut an amount")
	}
	require.Equal(t, "50", m.Values[4].RevenueMax.String())
	require.Nil(t, m.Values[2].event("maybe"), "a count that may be zero vouches for nothing")
	twice := m.Values[3].event("purchase")
	require.Equal(t, 2, twice.CountMin)
	require.Equal(t, 4, *twice.CountMax, "an event named twice holds both ways")

	again := installs
	again.Kind = KindReengagement
	require.Equal(t, []string{"back"}, MeaningOf(3, d, again).Events)
	for _, empty := range []Dataset{{Kind: KindQualifier}, {Kind: KindInstall, SequenceIndex: 1}} {
		require.Equal(t, Meaning{Version: 1}, MeaningOf(1, d, empty), "no fine values there")
	}
}

func TestMeaningsAreEqual(t *testing.T) {
	t.Parallel()
	two := 2
	v := func() ValueMeaning {
		return ValueMeaning{
			Value: 3, Payer: true, RevenueMin: money("1.0"), RevenueEst: money("2"), RevenueMax: moneyAt("3"),
			Events: []EventMeaning{{Name: "a", CountMin: 1}, {Name: "b", CountMin: 1, CountMax: &two}},
		}
	}
	same := v()
	same.RevenueMin = money("1")
	same.Events[0], same.Events[1] = same.Events[1], same.Events[0]
	require.True(t, v().equal(same), "order and spelling")
	for name, change := range map[string]func(*ValueMeaning){
		"value":     func(v *ValueMeaning) { v.Value++ },
		"payer":     func(v *ValueMeaning) { v.Payer = false },
		"clamped":   func(v *ValueMeaning) { v.Clamped = true },
		"min":       func(v *ValueMeaning) { v.RevenueMin = money("0.5") },
		"est":       func(v *ValueMeaning) { v.RevenueEst = money("2.5") },
		"max":       func(v *ValueMeaning) { v.RevenueMax = moneyAt("4") },
		"open":      func(v *ValueMeaning) { v.RevenueMax = nil },
		"fewer":     func(v *ValueMeaning) { v.Events = v.Events[:1] },
		"another":   func(v *ValueMeaning) { v.Events[0].Name = "c" },
		"count":     func(v *ValueMeaning) { v.Events[0].CountMin = 2 },
		"bound":     func(v *ValueMeaning) { three := 3; v.Events[1].CountMax = &three },
		"no bound":  func(v *ValueMeaning) { v.Events[1].CountMax = nil },
		"new bound": func(v *ValueMeaning) { v.Events[0].CountMax = &two },
	} {
		changed := v()
		change(&changed)
		require.False(t, v().equal(changed), name)
		require.False(t, changed.equal(v()), name)
	}
}
