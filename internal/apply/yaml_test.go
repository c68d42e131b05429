package apply_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

// Seventeen digits are more than a binary float can hold.
func TestYAMLAmountsBeyondFloat64(t *testing.T) {
	t.Parallel()
	text, err := apply.YAMLToJSON([]byte("a: 123456789012.123456789\nb: 9007199254740993"))
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
		text, err := apply.YAMLToJSON([]byte(in))
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
		"":                "nothing in it",
		"# nothing":       "nothing in it",
		"a: [":            "YAML",
	} {
		_, err := apply.YAMLToJSON([]byte(in))
		require.ErrorContains(t, err, says, "%q", in)
		require.NotContains(t, err.Error(), "\n")
	}
}

func FuzzYAMLToJSON(f *testing.F) {
	f.Add([]byte("a: 0.10\nb: [{c: \"3.00\"}]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := apply.YAMLToJSON(b)
		if err == nil {
			require.True(t, json.Valid(text), "%q", text)
		}
	})
}
