package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"skand/schema"
)

// expandSchema runs the command below a parent with its flags, as a shell would.
func expandSchema(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	parent := &cobra.Command{Use: "schema", SilenceErrors: true, SilenceUsage: true}
	parent.PersistentFlags().Bool("json", false, "")
	parent.AddCommand(newSchemaExpandCmd())
	parent.SetArgs(append([]string{"expand"}, args...))
	parent.SetIn(strings.NewReader(stdin))
	parent.SetOut(&out)
	parent.SetErr(&errs)
	err := parent.Execute()
	ee, coded := err.(*exitError) //nolint:errorlint // as the command returned it
	switch {
	case coded:
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

const twoDays = `{"app_id":1,"layout":{"kind":"retention","days":2},"windows":[{"index":0,"fine":[{"value":40,"events":[]}]}]}`

func TestSchemaExpandPrintsTheWholeDocument(t *testing.T) {
	t.Parallel()
	const full = `{"app_id":1,"windows":[{"index":0,"fine":[{"value":0,"events":[]},` +
		`{"value":1,"events":[{"name":"retained_day_1","count_min":1}]},{"value":2,"events":[{"name":"retained_day_2","count_min":1}]}]}],` +
		`"layout":{"days":2,"kind":"retention"}}` + "\n"
	code, out, stderr := expandSchema(twoDays, "-", "--json")
	require.Equal(t, 0, code, stderr)
	require.Equal(t, full, out)
	require.Equal(t, "schema expand: -: /layout: rows of fine values 40 were replaced by nothing; keep them with first or last of the layout\n", stderr)

	code, pretty, _ := expandSchema(full, "-")
	require.Equal(t, 0, code)
	require.Contains(t, pretty, "\n  \"windows\": [\n    {\n      \"index\": 0,\n")
	code, out, stderr = expandSchema(pretty, "-", "--json")
	require.Equal(t, 0, code)
	require.Empty(t, stderr)
	require.Equal(t, full, out, "expanding again changes nothing")
}

func TestSchemaExpandOfFiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../fixtures/schemas/model-bands.json")
	require.NoError(t, err)
	code, out, _ := expandSchema("", "../../fixtures/schemas/model-bands.json")
	require.Equal(t, 0, code)
	require.Equal(t, string(text), out)

	yaml := schemaFile(t, "s.yaml", "app_id: 1\ncurrency: USD\nrevenue_cap: 3\nlayout:\n  kind: bands\n  event: {name: purchase}\n  edges: [0.10, 1, 3]\n")
	code, out, _ = expandSchema("", yaml)
	require.Equal(t, 0, code)
	d, err := schema.Parse([]byte(out))
	require.NoError(t, err)
	require.Equal(t, "0.1", d.Windows[0].Fine[1].Events[0].RevenueMin.String())

	code, out, _ = expandSchema("", puzzleSchema)
	require.Equal(t, 0, code, "a schema without a layout comes back as it is")
	require.Contains(t, out, `"value": 21`)
}

func TestSchemaExpandSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`{`:                       {"(whole): ", "json_syntax"},
		`{"layuot":{},"name":7}`:  {"/layuot: ", "unknown_member", "/name: "},
		`{"layout":{"kind":"x"}}`: {"/layout/kind: ", "wrong_type"},
		`{"layout":{"kind":"bits","events":[{}],"x":1}}`:                  {"/layout/events/0/name: ", "/layout/x: "},
		`{"layout":{"kind":"bits","events":[{"name":"retained_day_9"}]}}`: {"/layout: ", "layout_invalid"},
	} {
		code, out, stderr := expandSchema(text, "-")
		require.Equal(t, 1, code, text)
		require.Empty(t, out)
		for _, w := range want {
			require.Contains(t, stderr, w)
		}
		for line := range strings.Lines(stderr) {
			require.True(t, strings.HasPrefix(line, "schema expand: -: "), line)
		}
	}
	// The layout is right, the head is not: the table is there to look at.
	code, out, stderr := expandSchema(`{"currency":"usd","layout":{"kind":"retention","days":1}}`, "-")
	require.Equal(t, 1, code)
	require.Contains(t, out, "retained_day_1")
	require.Contains(t, stderr, "/currency: ")
}

func TestSchemaExpandUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"a", "b"}, {"nowhere.json"}} {
		code, _, stderr := expandSchema("", args...)
		require.Equal(t, 2, code)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
	code, _, stderr := expandSchema("", schemaFile(t, "s.yaml", "a: ["))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "YAML")
}
