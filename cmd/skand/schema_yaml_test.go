package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
)

const yamlSchema = `# bands with comments
app_id: 525463029
name: "Puzzle: revenue"
currency: USD
windows:
  - index: 0
    fine:
      - {value: 0, events: []}
      - value: 1
        events:
          - name: purchase
            revenue_min: 0.10
            revenue_max: 3.00
            revenue_est: 1.000000001
    coarse: {low: {events: []}, medium: , high: {events: [{name: purchase, revenue_min: "3.00"}]}}
    lock: {on: time, value: 24}
open_band_mean: 900
`

func TestYAMLKeepsTheDigitsOfMoney(t *testing.T) {
	t.Parallel()
	text, err := exactYAML([]byte(yamlSchema))
	require.NoError(t, err)
	require.Contains(t, string(text), `"revenue_min":0.10,"revenue_max":3.00,"revenue_est":1.000000001`)
	d, err := schema.Parse(text)
	require.NoError(t, err)
	require.Equal(t, "1.000000001", d.Windows[0].Fine[1].Events[0].RevenueEst.String())

	file := schemaFile(t, "s.yml", yamlSchema)
	code, out, _ := runSchema("", "validate", file)
	require.Equal(t, 0, code, out)
	_, out, _ = runSchema(`{"index":0,"fine":1}`, "decode", "--schema", file)
	require.Contains(t, out, `"revenue_min":"0.1","revenue_est":"1.000000001","revenue_max":"3"`)
}

// Seventeen digits are more than a binary float can hold.
func TestYAMLAmountsBeyondFloat64(t *testing.T) {
	t.Parallel()
	text, err := exactYAML([]byte("a: 123456789012.123456789\nb: 9007199254740993"))
	require.NoError(t, err)
	require.Equal(t, `{"a":123456789012.123456789,"b":9007199254740993}`, string(text))
}

func TestYAMLScalars(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a: true":             `{"a":true}`,
		"a: ":                 `{"a":null}`,
		"a: ~":                `{"a":null}`,
		"a: 'it''s \"x\"'":    `{"a":"it's \"x\""}`,
		"a: |\n  one\n  two":  `{"a":"one\ntwo"}`,
		"a: -1":               `{"a":-1}`,
		"\"1\": 2026-11-16":   `{"1":"2026-11-16"}`,
		"- [1, {a: b}]":       `[[1,{"a":"b"}]]`,
		`{"a": [1.50, null]}`: `{"a":[1.50,null]}`,
	} {
		text, err := exactYAML([]byte(in))
		require.NoError(t, err, in)
		require.Equal(t, want, string(text), in)
	}
}

func TestYAMLRefusesWhatCanBeReadTwoWays(t *testing.T) {
	t.Parallel()
	for in, says := range map[string]string{
		"a: 0x10":         "line 1, column 4",
		"a: 010":          "plain decimal digits",
		"a: 1_000":        "plain decimal digits",
		"a: +5":           "plain decimal digits",
		"a: .5":           "plain decimal digits",
		"a: .inf":         "not allowed",
		"a: .nan":         "not allowed",
		"a: &x 1\nb: *x":  "not allowed",
		"a: !!str 1":      "not allowed",
		"<<: {a: 1}":      "not a plain string",
		"1: 2":            "not a plain string",
		"a: 1\na: 2":      "already defined",
		"a: 1\n---\nb: 2": "several documents",
		"":                "empty",
		"# nothing":       "empty",
		"a: [":            "YAML",
	} {
		_, err := exactYAML([]byte(in))
		require.ErrorContains(t, err, says, "%q", in)
		require.NotContains(t, err.Error(), "\n")
	}
	code, out, _ := runSchema("", "validate", "--json", schemaFile(t, "s.yaml", "a: 0x10"))
	require.Equal(t, 1, code)
	require.Contains(t, out, "json_syntax")
}

func FuzzExactYAML(f *testing.F) {
	f.Add([]byte(yamlSchema))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := exactYAML(b)
		if err == nil {
			_ = schema.Lint(text) // whatever it says, it must not panic
		}
	})
}
