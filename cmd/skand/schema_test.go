package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
)

const puzzleSchema = "../../fixtures/schemas/puzzle-revenue.json"

// runSchema runs one `skand schema` command and returns what realMain would exit with.
func runSchema(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	cmd := newSchemaCmd()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err := cmd.Execute()
	var ee *exitError
	switch {
	case errors.As(err, &ee):
		code = ee.code
		if ee.err != nil {
			errs.WriteString(ee.err.Error() + "\n")
		}
	case err != nil:
		code = 1
		errs.WriteString(err.Error() + "\n")
	}
	return code, out.String(), errs.String()
}

func schemaFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSchemaValidate(t *testing.T) {
	t.Parallel()
	code, out, _ := runSchema("", "validate", puzzleSchema)
	require.Equal(t, 0, code)
	require.Contains(t, out, "warning  unused_values  /windows/0/fine")
	require.Contains(t, out, "ok, errors: 0, warnings: 1")

	code, out, _ = runSchema("", "validate", "--json", puzzleSchema)
	require.Equal(t, 0, code)
	var r schema.Report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.True(t, r.OK)
	require.Contains(t, out, `{"ok":true,"errors":[],"warnings":[{"code":"unused_values","pointer":"/windows/0/fine","message":`)

	bad := `{"app_id":1,"windows":[{"index":0,"fine":[{"value":64},{"value":64,"x":1}]}]}`
	code, out, _ = runSchema(bad, "validate", "-", "--json")
	require.Equal(t, 1, code)
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.False(t, r.OK)
	require.Len(t, r.Errors, 3)

	code, out, _ = runSchema("{", "validate", "-")
	require.Equal(t, 1, code)
	require.Contains(t, out, "json_syntax  (whole)")
	require.Contains(t, out, "-: not usable")
}

func TestSchemaUsage(t *testing.T) {
	t.Parallel()
	broken := schemaFile(t, "broken.json", `{"windows":[]}`)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no file":         {[]string{"validate"}, "give one FILE"},
		"missing file":    {[]string{"validate", "nowhere.json"}, "nowhere.json"},
		"no schema":       {[]string{"decode"}, "--schema"},
		"missing schema":  {[]string{"encode", "--schema", "nowhere.json"}, "nowhere.json"},
		"broken schema":   {[]string{"decode", "--schema", broken}, "empty_schema"},
		"two inputs":      {[]string{"decode", "--schema", puzzleSchema, "a", "b"}, "one FILE"},
		"missing input":   {[]string{"decode", "--schema", puzzleSchema, "nowhere.ndjson"}, "nowhere.ndjson"},
		"schema not yaml": {[]string{"decode", "--schema", schemaFile(t, "a.yaml", "a: [")}, "YAML"},
	} {
		code, _, stderr := runSchema("", c.args...)
		require.Equal(t, 2, code, name)
		require.Contains(t, stderr, c.says, name)
		require.Equal(t, 1, strings.Count(stderr, "\n"), "one line: %s", stderr)
	}
}

func TestSchemaDecode(t *testing.T) {
	t.Parallel()
	in := `{"index":0,"fine":14}

{"index":0,"fine":0}
{"index":0,"fine":63,"coarse":null}
{"index":1,"coarse":"medium","digits":2}
{"index":0,"digits":4}
{"index":2,"fine":null}
`
	want := `{"state":"decoded","events":[{"name":"purchase","partner_name":"Purchase","revenue_min":"50","revenue_max":"75"}],"revenue_min":"50","revenue_est":"62.5","revenue_max":"75","version":null}
{"state":"decoded","events":[],"revenue_min":"0","revenue_est":"0","revenue_max":"0","version":null}
{"state":"unmapped","events":[],"revenue_min":null,"revenue_est":null,"revenue_max":null,"version":null}
{"state":"decoded","events":[{"name":"purchase","partner_name":"Purchase","revenue_min":"0.01","revenue_max":"10"}],"revenue_min":"0.01","revenue_est":"4.6","revenue_max":"10","version":null}
{"state":"unset","events":[],"revenue_min":null,"revenue_est":null,"revenue_max":null,"version":null}
{"state":"null","events":[],"revenue_min":null,"revenue_est":null,"revenue_max":null,"version":null}
`
	code, out, stderr := runSchema(in, "decode", "--schema", puzzleSchema, "--json")
	require.Equal(t, 0, code, stderr)
	require.Equal(t, want, out)

	code, out, _ = runSchema("", "decode", "--schema", puzzleSchema, schemaFile(t, "in.ndjson", in))
	require.Equal(t, 0, code)
	require.Equal(t, want, out)
}

func TestSchemaDecodeSaysNothingAboutRevenueItDoesNotMeasure(t *testing.T) {
	t.Parallel()
	file := schemaFile(t, "s.json", `{"windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"a"}]}]}]}`)
	_, out, _ := runSchema(`{"index":0,"fine":1}`, "decode", "--schema", file)
	require.Contains(t, out, `"state":"decoded","events":[{"name":"a"}],"revenue_min":null`)
	file = schemaFile(t, "s.json", `{"currency":"USD","windows":[{"index":0,"coarse":{"high":{"events":[{"name":"a","revenue_min":5}]}}}]}`)
	_, out, _ = runSchema(`{"index":0,"coarse":"high"}`, "decode", "--schema", file)
	require.Contains(t, out, `"revenue_min":"5","revenue_est":null,"revenue_max":null`)
}

func TestSchemaLinesNameTheirErrors(t *testing.T) {
	t.Parallel()
	for command, lines := range map[string]map[string]string{
		"decode": {
			`{"fine":1}`:                          "index: is missing",
			`{"index":3}`:                         "index: is 3",
			`{"index":0,"fine":64}`:               "fine: is 64",
			`{"index":0,"fine":"1"}`:              "fine: is a JSON string; it takes a whole number",
			`{"index":0,"fine":1.5}`:              "fine: is a JSON number",
			`{"index":0,"fine":1,"coarse":"low"}`: "coarse: stands beside fine",
			`{"index":0,"coarse":"lo"}`:           `coarse: is "lo"`,
			`{"index":0,"digits":5}`:              "digits: is 5",
			`{"index":0,"conversion_value":1}`:    "conversion_value",
			`[1]`:                                 "not a JSON object",
			`{"index":0} {"index":0}`:             "more than one",
			`{"index":0`:                          "EOF",
		},
		"encode": {
			`{"events":[]}`:                       "window: is missing",
			`{"window":3}`:                        "window: the schema has no window 3",
			`{"window":0,"events":[{"name":""}]}`: "events[0].name: is empty",
			`{"window":0,"events":[{"name":"a","time":"now"}]}`:      `events[0].time: "now" is not a time`,
			`{"window":0,"events":[{"name":"a","revenue":"x"}]}`:     `events[0].revenue: "x" is not an amount`,
			`{"window":0,"events":[{"name":"a","revenue":-1}]}`:      `events[0].revenue: "-1" is negative`,
			`{"window":0,"events":[{"name":"a","revenue":{"a":1}}]}`: `events[0].revenue`,
			`{"window":0,"events":{}}`:                               "events: is a JSON object; it takes an array",
			`{"window":0,"events":[{"event":"a"}]}`:                  `"event"`,
		},
	} {
		for line, says := range lines {
			good := `{"index":0}`
			if command == "encode" {
				good = `{"window":0}`
			}
			code, out, stderr := runSchema(good+"\n"+line+"\n"+good, command, "--schema", puzzleSchema)
			require.Equal(t, 1, code, line)
			require.Equal(t, 2, strings.Count(out, "\n"), "the other lines are answered: %s", line)
			require.Contains(t, stderr, command+": line 2: ", line)
			require.Contains(t, stderr, says)
			require.Equal(t, 1, strings.Count(stderr, "\n"))
		}
	}
}

func TestSchemaLineTooLong(t *testing.T) {
	t.Parallel()
	code, out, stderr := runSchema("{\"index\":0}\n"+strings.Repeat("a", maxSchemaLine+1), "decode", "--schema", puzzleSchema)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "line 2: is longer")
	require.Equal(t, 1, strings.Count(out, "\n"))
}

func TestSchemaEncode(t *testing.T) {
	t.Parallel()
	in := `{"window":0,"events":[]}
{"window":0,"events":[{"name":"purchase","time":"2026-11-16T10:00:00Z","revenue":"4.99"},{"name":"purchase","time":"2026-11-16T11:00:00+01:00","revenue":5.01}]}
{"window":1,"events":[{"name":"purchase","revenue":"0.5"},{"name":"registration","revenue":null}]}
`
	code, out, stderr := runSchema(in, "encode", "--schema", puzzleSchema, "-")
	require.Equal(t, 0, code, stderr)
	require.Equal(t, `{"fine":0,"coarse":"low","lock":false}
{"fine":8,"coarse":"high","lock":false}
{"fine":null,"coarse":"medium","lock":false}
`, out)
	file := schemaFile(t, "s.json", `{"windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"a"}]}],"lock":{"on":"event","value":"a"}}]}`)
	_, out, _ = runSchema(`{"window":0,"events":[{"name":"a"}]}`+"\n"+`{"window":0,"events":[{"name":"b"}]}`, "encode", "--schema", file)
	require.Equal(t, "{\"fine\":1,\"coarse\":null,\"lock\":true}\n{\"fine\":null,\"coarse\":null,\"lock\":false}\n", out)
}
