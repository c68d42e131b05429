package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"skand/schema"
)

// runDrafts runs diff, simulate or suggest and returns the exit code and what it wrote.
func runDrafts(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	cmd := &cobra.Command{Use: "schema", SilenceErrors: true, SilenceUsage: true}
	cmd.PersistentFlags().Bool("json", false, "")
	cmd.AddCommand(newSchemaDiffCmd(), newSchemaSimulateCmd(), newSchemaSuggestCmd())
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err := cmd.Execute()
	var ee *exitError
	switch {
	case errors.As(err, &ee):
		code = ee.code
		errs.WriteString(ee.Error() + "\n")
	case err != nil:
		code = 1
		errs.WriteString(err.Error() + "\n")
	}
	return code, out.String(), errs.String()
}

// changedPuzzle is the sample schema with one band cut in another place.
func changedPuzzle(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(puzzleSchema)
	require.NoError(t, err)
	changed := strings.Replace(string(text), `"revenue_min": "0.01", "revenue_max": "2"`, `"revenue_min": "0.01", "revenue_max": "1"`, 1)
	changed = strings.Replace(changed, `"revenue_min": "2", "revenue_max": "4"`, `"revenue_min": "1", "revenue_max": "4"`, 1)
	require.NotEqual(t, string(text), changed)
	return schemaFile(t, "draft.json", changed)
}

func TestSchemaDiff(t *testing.T) {
	t.Parallel()
	draft := changedPuzzle(t)
	code, out, stderr := runDrafts("diff", puzzleSchema, draft)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, "Value 3 now means purchase worth $0.01 to $1 (was: purchase worth $0.01 to $2)\n"+
		"Value 4 now means purchase worth $1 to $4 (was: purchase worth $2 to $4)\n", out)
	code, out, _ = runDrafts("diff", "--json", puzzleSchema, draft)
	require.Equal(t, 0, code)
	var d schema.Difference
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.Len(t, d.Changes, 2)
	require.Equal(t, "/windows/0/fine/3", d.Changes[0].Pointer)
	code, out, _ = runDrafts("diff", puzzleSchema, puzzleSchema)
	require.Equal(t, 0, code)
	require.Equal(t, "no difference\n", out)
	code, out, _ = runDrafts("diff", "--json", puzzleSchema, puzzleSchema)
	require.Equal(t, 0, code)
	require.Equal(t, `{"changes":[]}`+"\n", out)
}

const weekCSV = "index,kind,value_from,value_to,installs\n0,fine,0,0,800\n0,fine,3,3,100\n0,fine,4,5,50\n0,fine,9,9,\n0,null,,,50\n1,coarse,low,low,90\n"

func TestSchemaSimulateHistogram(t *testing.T) {
	t.Parallel()
	draft, week := changedPuzzle(t), schemaFile(t, "week.csv", weekCSV)
	code, out, stderr := runDrafts("simulate", draft, "--histogram", week, "--current", puzzleSchema)
	require.Equal(t, 0, code, stderr)
	for _, line := range []string{
		"window 0, published: 1000 installs (950 fine, 0 coarse, 50 null: 5 %, 0 unset, 0 unmapped)",
		"window 1, published: 90 installs",
		"changes against the current version: 2",
		"  Value 3 now means purchase worth $0.01 to $1",
		"note: 1 bins of the histogram are withheld",
	} {
		require.Contains(t, out, line)
	}
	require.Regexp(t, `(?m)^3 +purchase worth \$0\.01 to \$1 +49\.75 +0 +100 +4\.97\d* %$`, out)
	require.Regexp(t, `(?m)^4 +purchase worth \$1 to \$4 +75\.25 +0 +150 `, out)
	require.Regexp(t, `(?m)^payers +150 \(150 to 150\)$`, out)
	require.Regexp(t, `(?m)^read differently +125 installs, 13\.16 % of those with a value$`, out)

	code, out, stderr = runDrafts("simulate", draft, "--histogram", week, "--current", puzzleSchema, "--json")
	require.Equal(t, 0, code, stderr)
	var s schema.Simulation
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Len(t, s.Published, 2)
	require.Contains(t, out, `"null_share":"0.05"`)
}

func TestSchemaSimulateInstalls(t *testing.T) {
	t.Parallel()
	installs := schemaFile(t, "installs.ndjson", `{"events":[{"name":"registration","time":"2026-11-16T10:00:00Z"}]}

{"events":[{"name":"first_launch","time":"2026-11-16T10:00:00Z"},{"name":"purchase","time":"2026-11-16T11:00:00Z","revenue":"1.50"}]}
{"revenue":4.99}
`)
	code, out, stderr := runDrafts("simulate", puzzleSchema, "--installs", installs, "--current", puzzleSchema)
	require.Equal(t, 0, code, stderr)
	require.Contains(t, out, "window 0, fine, installs with a known truth: 3 (payers: 2)")
	require.Regexp(t, `(?m)^draft +0\.1683 off per install; total 6\.01 for a true 6\.49 USD \(-7\.47 %\)$`, out)
	require.Regexp(t, `(?m)^now +0\.1683 off per install`, out)
	require.Contains(t, out, "changes against the current version: 0")
}

// The file of the simulator is taken as it is.
func TestSchemaSuggestFromTruth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	truth := dir + "/truth.ndjson"
	var out, errs bytes.Buffer
	code := realMain(t.Context(), []string{"simulate", "--n", "600", "--versions", "4.0", "--seed", "5", "-o", dir + "/archive.ndjson", "--truth", truth}, nil, &out, &errs)
	require.Equal(t, 0, code, errs.String())

	code, doc, report := runDrafts("suggest", "--installs", truth, "--bands", "6", "--from", "3", "--current", puzzleSchema)
	require.Equal(t, 0, code, report)
	d, err := schema.Parse([]byte(doc))
	require.NoError(t, err)
	require.True(t, d.Validate().OK)
	require.Equal(t, "Puzzle, revenue bands", d.Name)
	require.Contains(t, report, "lines left out")
	require.Regexp(t, `(?m)^these bands +[0-9.]+ off per install; total`, report)
	require.Regexp(t, `(?m)^best equal bands `, report)
	require.Regexp(t, `(?m)^current version `, report)

	code, text, report := runDrafts("suggest", "--installs", truth, "--bands", "6", "--currency", "USD", "--cap", "100", "--json")
	require.Equal(t, 0, code, report)
	var s struct {
		Schema json.RawMessage
		Bands  []schema.SuggestedBand
	}
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	require.NotEmpty(t, s.Bands)
	require.Contains(t, string(s.Schema), `"revenue_cap":"100"`)
}

func TestSchemaDraftUsage(t *testing.T) {
	t.Parallel()
	broken := schemaFile(t, "broken.json", `{"windows":[]}`)
	nothing := schemaFile(t, "nothing.ndjson", "\n")
	week := schemaFile(t, "week.csv", weekCSV)
	line := func(s string) string { return schemaFile(t, "installs.ndjson", `{"revenue":"1"}`+"\n"+s+"\n") }
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"diff of one":       {[]string{"diff", puzzleSchema}, "give OLD and NEW"},
		"diff of nothing":   {[]string{"diff", puzzleSchema, "nowhere.json"}, "nowhere.json"},
		"no evidence":       {[]string{"simulate", puzzleSchema}, "--histogram, --installs: give one"},
		"no file":           {[]string{"simulate", "--histogram", week}, "give one FILE"},
		"broken draft":      {[]string{"simulate", broken, "--histogram", week}, "empty_schema"},
		"broken current":    {[]string{"simulate", puzzleSchema, "--histogram", week, "--current", broken}, "the current version has"},
		"missing histogram": {[]string{"simulate", puzzleSchema, "--histogram", "nowhere.csv"}, "--histogram"},
		"bad histogram":     {[]string{"simulate", puzzleSchema, "--histogram", broken}, `unknown field "windows"`},
		"no installs":       {[]string{"suggest", "--installs", nothing, "--currency", "USD"}, "holds no install"},
		"no file of them":   {[]string{"suggest", "--currency", "USD"}, "--installs: is missing"},
		"missing installs":  {[]string{"suggest", "--installs", "nowhere"}, "--installs"},
		"bad cap":           {[]string{"suggest", "--installs", nothing, "--cap", "x"}, "--cap"},
		"no currency":       {[]string{"suggest", "--installs", line("")}, "currency: is missing"},
		"both":              {[]string{"suggest", "--installs", line(`{"events":[],"revenue":"1"}`)}, "line 2: revenue: stands beside events"},
		"neither":           {[]string{"suggest", "--installs", line(`{}`)}, "line 2: events: is missing"},
		"unknown member":    {[]string{"suggest", "--installs", line(`{"spent":1}`)}, "line 2"},
		"nameless":          {[]string{"suggest", "--installs", line(`{"events":[{}]}`)}, "line 2: events[0].name"},
		"bad time":          {[]string{"suggest", "--installs", line(`{"events":[{"name":"a","time":"now"}]}`)}, "line 2: events[0].time"},
		"bad revenue":       {[]string{"suggest", "--installs", line(`{"events":[{"name":"a","revenue":"1,5"}]}`)}, "line 2: events[0].revenue"},
		"negative":          {[]string{"suggest", "--installs", line(`{"revenue":"-1"}`)}, "line 2: revenue"},
	} {
		code, _, stderr := runDrafts(c.args...)
		require.Equal(t, 2, code, "%s: %s", name, stderr)
		require.Contains(t, stderr, c.says, name)
		require.Equal(t, 1, strings.Count(stderr, "\n"), "one line: %s", stderr)
	}
}
