package apply

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

func TestCrossingsAreReadAndSpeltAlike(t *testing.T) {
	t.Parallel()
	b, err := Parse([]byte(`
apps:
  - app_id: 525463029
    crossing_epsilon: "0.50"
    crossings:
      - {view: country, values: [US, DE]}
      - {view: interaction, values: []}
  - app_id: 2
    crossings: [{view: publisher, values: ["525463029"]}]
  - app_id: 3
`))
	require.NoError(t, err)
	require.NoError(t, b.Check(nil))
	s := b.Apps[0].Settings()
	require.Equal(t, "0.5", s.CrossingEpsilon)
	require.Equal(t, []aggregate.Crossing{{View: "country", Values: []string{"US", "DE"}}, {View: "interaction"}}, s.Crossings)
	require.Equal(t, "1", b.Apps[1].Settings().CrossingEpsilon, "the default, where something is declared")
	require.True(t, b.Apps[2].Settings().Equal(aggregate.DefaultSettings()), "off by default")

	files, err := b.Files()
	require.NoError(t, err)
	again, err := Parse(files[0].Text)
	require.NoError(t, err)
	for i := range b.Apps {
		require.True(t, b.Apps[i].Settings().Equal(again.Apps[i].Settings()), "%s", files[0].Text)
	}
}

func TestCrossingsAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`crossing_epsilon: "1"`:                                      `apps[0].crossing_epsilon: "1" is spent by nothing; declare crossings or leave it out`,
		`{crossing_epsilon: "0", crossings: [{view: digits}]}`:       `apps[0].crossing_epsilon: "0" is out of range; set it from "0.1" to "4", such as "1"`,
		`{crossing_epsilon: "11", crossings: [{view: digits}]}`:      `apps[0].crossing_epsilon: "11" is out of range`,
		`{crossing_epsilon: "-0.5", crossings: [{view: digits}]}`:    `apps[0].crossing_epsilon: "-0.5" is out of range`,
		`{crossing_epsilon: "a lot", crossings: [{view: digits}]}`:   `apps[0].crossing_epsilon: "a lot" is out of range`,
		`{crossings: [{view: digits}, {view: tier}]}`:                `apps[0].crossings[1].view: "tier" is unknown; set it to country, digits, interaction or publisher`,
		`{crossings: [{view: digits}, {view: digits}]}`:              `apps[0].crossings[1].view: digits is declared twice; keep one`,
		`{crossings: [{view: country}]}`:                             `apps[0].crossings[0].values: 0 are given; name 1 to 100, the rest goes to "other"`,
		`{crossings: [{view: country, values: [US, usa]}]}`:          `apps[0].crossings[0].values[1]: "usa" is no country; write two capital letters, such as US`,
		`{crossings: [{view: digits, values: ["2"]}]}`:               `apps[0].crossings[0].values: those of digits are fixed`,
		`{crossings: [{view: publisher, values: [other, "12"]}]}`:    `apps[0].crossings[0].values[0]: "other" is no publisher; write the number of an app`,
		`{crossings: [{view: publisher, values: ["12", "12"]}]}`:     `apps[0].crossings[0].values[1]: "12" is there twice; keep one`,
		`{crossing_epsilon: 1, crossings: [{view: digits}]}`:         `crossing_epsilon: want string, got number`,
		`{crossings: [{view: country, values: [US], epsilon: "1"}]}`: `"epsilon" is not a setting that this version knows`,
	} {
		if text[0] != '{' {
			text = "{" + text + "}"
		}
		b, err := Parse([]byte(`apps: [{app_id: 1, ` + text[1:] + `]`))
		if err == nil {
			err = b.Check(nil)
			var refused *Refused
			require.ErrorAs(t, err, &refused, text)
		}
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "\n", text)
	}
}
