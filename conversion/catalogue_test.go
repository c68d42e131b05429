package conversion_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
)

func money(text string) *decimal.Decimal {
	d := decimal.RequireFromString(text)
	return &d
}

func puzzleCatalogue() conversion.Catalogue {
	return conversion.NewCatalogue([]conversion.CatalogueEvent{
		{Name: "purchase", Definition: "a paid order", FiresWhen: "the receipt is verified", Owner: "payments", Window: 7 * day, MinValue: money("5")},
		{Name: "level_10", Window: 72 * time.Hour},
		{Name: "tip", MinValue: money("0")},
		{Name: "login"},
	})
}

func TestCatalogueJudges(t *testing.T) {
	t.Parallel()
	none := (*decimal.Decimal)(nil)
	for name, c := range map[string]struct {
		event         string
		after         time.Duration
		own, inTheApp *decimal.Decimal
		want          []string
	}{
		"any time":                      {"login", 4000 * day, nil, nil, nil},
		"an unknown name":               {"Login", time.Hour, nil, nil, []string{"unknown_event"}},
		"unknown, and nothing beside":   {"buy", 70 * day, money("1"), money("1"), []string{"unknown_event"}},
		"the last moment":               {"level_10", 72 * time.Hour, nil, nil, nil},
		"a moment late":                 {"level_10", 72*time.Hour + time.Millisecond, nil, nil, []string{"outside_window"}},
		"a clock that is a day behind":  {"level_10", -day, nil, nil, nil},
		"long before the install":       {"level_10", -day - time.Millisecond, nil, nil, []string{"outside_window"}},
		"just enough":                   {"purchase", day, money("5.00"), money("5.00"), nil},
		"not enough":                    {"purchase", day, money("4.99"), money("4.99"), []string{"below_minimum"}},
		"enough only in its own yen":    {"purchase", day, money("500"), money("3.31"), []string{"below_minimum"}},
		"no rate: benefit of the doubt": {"purchase", day, money("500"), none, nil},
		"nothing paid":                  {"purchase", day, nil, nil, []string{"below_minimum"}},
		"a refund":                      {"purchase", day, money("-9.99"), money("-9.99"), []string{"below_minimum"}},
		"both":                          {"purchase", 8 * day, money("1"), money("1"), []string{"below_minimum", "outside_window"}},
		"a minimum of nothing":          {"tip", day, nil, nil, nil},
		"below nothing":                 {"tip", day, money("-1"), money("-1"), []string{"below_minimum"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &conversion.Event{Name: c.event, Time: noon.Add(c.after), Revenue: c.own}
			require.Equal(t, c.want, puzzleCatalogue().Judge(e, noon, c.inTheApp))
			require.Nil(t, conversion.Catalogue{}.Judge(e, noon, c.inTheApp), "an app without a catalogue minds nothing")
			require.Nil(t, conversion.NewCatalogue(nil).Judge(e, noon, c.inTheApp))
			require.NotContains(t, puzzleCatalogue().Judge(e, time.Time{}, c.inTheApp), "outside_window", "while the install is unknown")
		})
	}
}

func TestCatalogueTellsWhatItMeans(t *testing.T) {
	t.Parallel()
	c := puzzleCatalogue()
	e, ok := c.Lookup("purchase")
	require.True(t, ok)
	require.Equal(t, "a paid order, payments", e.Definition+", "+e.Owner)
	_, ok = c.Lookup("Purchase")
	require.False(t, ok)
	require.Equal(t, []string{"level_10", "login", "purchase", "tip"}, c.Names())
	c.Names()[0] = "changed"
	require.Equal(t, "level_10", c.Names()[0])
}

// TestCatalogueIsMonotone: a longer window, a lower minimum, a higher amount or an
// earlier time never add a flag.
func TestCatalogueIsMonotone(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 2))
	for range 5000 {
		window, least, paid := 1+rng.IntN(20), rng.IntN(20), rng.IntN(20)
		after := rng.IntN(25)
		flags := func(window, least, paid, after int) int {
			c := conversion.NewCatalogue([]conversion.CatalogueEvent{{
				Name: "e", Window: time.Duration(window) * time.Hour, MinValue: money(fmt.Sprint(least)),
			}})
			e := &conversion.Event{Name: "e", Time: noon.Add(time.Duration(after) * time.Hour), Revenue: money("1")}
			return len(c.Judge(e, noon, money(fmt.Sprint(paid))))
		}
		n := flags(window, least, paid, after)
		require.LessOrEqual(t, flags(window+1, least, paid, after), n)
		require.LessOrEqual(t, flags(window, least-1, paid, after), n)
		require.LessOrEqual(t, flags(window, least, paid+1, after), n)
		require.LessOrEqual(t, flags(window, least, paid, after-1), n)
	}
}
