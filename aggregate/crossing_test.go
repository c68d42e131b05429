package aggregate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func crossed(epsilon string, views ...Crossing) Settings {
	s := DefaultSettings()
	s.CrossingEpsilon, s.Crossings = epsilon, views
	return s
}

var (
	byCountry = Crossing{View: CrossCountry, Values: []string{"US", "DE"}}
	byClick   = Crossing{View: CrossInteraction}
)

func TestCrossingSettingsAreChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, crossed("").Validate(), "off by default")
	require.NoError(t, crossed("0.1", byCountry).Validate(), "the floor")
	require.NoError(t, crossed("4", byCountry, byClick, Crossing{View: CrossDigits},
		Crossing{View: CrossPublisher, Values: []string{"525463029"}}).Validate(), "the ceiling")
	long := make([]string, maxCrossedValues+1)
	for i := range long {
		long[i] = fmt.Sprint(1 + i)
	}
	for want, s := range map[string]Settings{
		`crossing_epsilon: "1" is spent by nothing; declare`: crossed("1"),
		`crossing_epsilon: "" is out of range; set it from`:  crossed("", byCountry),
		`crossing_epsilon: "0" is out of range`:              crossed("0", byCountry),
		`crossing_epsilon: "0.09" is out`:                    crossed("0.09", byCountry),
		`crossing_epsilon: "-1" is out`:                      crossed("-1", byCountry),
		`crossing_epsilon: "4.000001" is out`:                crossed("4.000001", byCountry),
		`crossing_epsilon: "1e0" is out`:                     crossed("1e0", byCountry),
		`crossing_epsilon: "one" is out`:                     crossed("one", byCountry),
		`crossing_epsilon: "0.5000001" is out`:               crossed("0.5000001", byCountry),
		`crossings[0].view: "city" is unknown; set it to`:    crossed("1", Crossing{View: "city", Values: []string{"US"}}),
		`crossings[1].view: country is declared twice`:       crossed("1", byCountry, byCountry),
		`crossings[1].values: those of interaction are fix`:  crossed("1", byCountry, Crossing{View: CrossInteraction, Values: []string{"view"}}),
		`crossings[0].values: 0 are given; name 1 to 100`:    crossed("1", Crossing{View: CrossCountry}),
		`crossings[0].values: 101 are given`:                 crossed("1", Crossing{View: CrossPublisher, Values: long}),
		`crossings[0].values[0]: "us" is no country`:         crossed("1", Crossing{View: CrossCountry, Values: []string{"us"}}),
		`crossings[0].values[1]: "US" is there twice`:        crossed("1", Crossing{View: CrossCountry, Values: []string{"US", "US"}}),
		`crossings[0].values[0]: "0" is no publisher`:        crossed("1", Crossing{View: CrossPublisher, Values: []string{"0"}}),
		`crossings[0].values[0]: "other" is no country`:      crossed("1", Crossing{View: CrossCountry, Values: []string{"other"}}),
	} {
		err := s.Validate()
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
		require.Contains(t, err.Error(), "; ", "it says what to do")
	}
}

func TestCrossingBudgetIsSplit(t *testing.T) {
	t.Parallel()
	all := []Crossing{byCountry, byClick, {View: CrossDigits}, {View: CrossPublisher, Values: []string{"1"}}}
	for _, budget := range []string{"0.1", "0.7", "1", "1.000001", "2.999999", "4"} {
		for n := 1; n <= len(all); n++ {
			s := crossed(budget, all[:n]...)
			share, err := s.epsilonEach()
			require.NoError(t, err)
			r := Release{Settings: s, Crossings: []CrossingCell{{Epsilon: share.String()}}}
			spent := decimal.Zero
			for _, c := range r.Charges() {
				spent = spent.Add(money(c.Epsilon))
			}
			left := money(budget).Sub(spent)
			require.False(t, left.IsNegative(), "%d views never spend more than %s", n, budget)
			require.True(t, left.LessThan(decimal.New(int64(n), -6)), "nor much less: %s", left)
		}
	}
}

func TestCrossingCharges(t *testing.T) {
	t.Parallel()
	r := Release{
		ID: "base", Dataset: installs, View: ViewCohort, Kind: ReleaseBase, State: StatePrepared, Digest: "secret", Installs: 20, Carried: 3,
		Window: WindowAt(Week, at(t, "2026-11-18T00:00:00Z")), Settings: crossed("1", byCountry, byClick), Rows: []Row{{Installs: 20}},
	}
	require.Empty(t, r.Charges(), "nothing was drawn")
	require.Empty(t, r.CrossedViews())
	r.Crossings = []CrossingCell{{View: CrossCountry, Epsilon: "0.5"}, {View: CrossInteraction, Epsilon: "0.5"}}
	require.Equal(t, []string{CrossCountry, CrossInteraction}, r.CrossedViews())
	charges := r.Charges()
	require.Len(t, charges, 2)
	c := charges[0]
	require.Equal(t, installs.String()+".2026-11-16.week.crossing/country.base.0", c.ID)
	require.Equal(t, []string{"crossing/country", ReleaseBase, StateCharged, "0.5", ""}, []string{c.View, c.Kind, c.State, c.Epsilon, c.Digest})
	require.Zero(t, c.Installs+c.Carried, "no install is counted twice")
	require.Empty(t, c.Rows)
	require.Empty(t, c.Crossings)
	require.Empty(t, r.Line().Crossings)
	require.Equal(t, "crossing/interaction", charges[1].View)
}

func TestCrossingSettingsAreCompared(t *testing.T) {
	t.Parallel()
	a := crossed("1", byCountry)
	require.True(t, a.Equal(crossed("1", Crossing{View: CrossCountry, Values: strings.Split("US DE", " ")})))
	require.False(t, a.Equal(crossed("2", byCountry)))
	require.False(t, a.Equal(crossed("1", byCountry, byClick)))
	require.False(t, a.Equal(DefaultSettings()))
	require.True(t, DefaultSettings().Equal(DefaultSettings()))
}
