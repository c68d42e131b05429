package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
	"skand/schema/format"
)

const formatExamples = "../../schema/format/testdata/import/"

func TestSchemaImport(t *testing.T) {
	t.Parallel()
	code, out, errs := runSchema("", "import", "--format", "google-ads", "--app", "525463029", formatExamples+"google-ads.json")
	require.Equal(t, 0, code, errs)
	d, err := schema.Parse([]byte(out))
	require.NoError(t, err)
	require.EqualValues(t, 525463029, d.AppID)
	require.Contains(t, out, "\n  \"windows\": [\n", "for people: indented")
	require.Contains(t, errs, "lost: /resourceName: ")
	require.Equal(t, 6, strings.Count(errs, "\n"), "one line for each loss")

	code, out, errs = runSchema("", "import", "--json", "--format", "adjust-v4", formatExamples+"adjust-v4.json")
	require.Equal(t, 0, code, errs)
	require.Empty(t, errs)
	var answer struct {
		Schema *schema.Document
		Lost   []format.Loss
	}
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	require.Len(t, answer.Schema.Windows, 3)
	require.Len(t, answer.Lost, 4)

	code, out, errs = runSchema("window,kind,value,event\n0,fine,0,\n", "import", "--format", "csv", "-")
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, `"value": 0`)
	require.Empty(t, errs)
}

func TestSchemaExport(t *testing.T) {
	t.Parallel()
	for _, name := range format.Names() {
		code, out, errs := runSchema("", "export", "--format", name, puzzleSchema)
		require.Equal(t, 0, code, errs)
		require.Contains(t, errs, "lost: /name: ")
		_, _, err := format.Import(name, []byte(out), 0)
		require.NoError(t, err)
	}
	code, out, errs := runSchema("", "export", "--json", "--format", "csv", puzzleSchema)
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, `{"mapping":"window,kind,`)
	require.Contains(t, out, `"warnings":[]`)

	yaml := filepath.Join(t.TempDir(), "s.yaml")
	text := "windows: [{index: 0, fine: [{value: 1, events: [{name: a}, {name: b}, {name: c}, {name: d}]}]}]\n"
	require.NoError(t, os.WriteFile(yaml, []byte(text), 0o600))
	code, out, errs = runSchema("", "export", "--format", "google-ads", yaml)
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, `"mapped_event_name": "d"`)
	require.Contains(t, errs, "warning: /windows/0/fine/0/events: format_event_limit: ")
	code, out, _ = runSchema("", "export", "--json", "--format", "google-ads", yaml)
	require.Equal(t, 0, code)
	require.Contains(t, out, `{"mapping":{"schema":{`)
}

func TestSchemaFormatRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no format":         {[]string{"import", "-"}, 2, "--format: is missing; use one of adjust-v3, "},
		"unknown format":    {[]string{"import", "--format", "appsflyer", "-"}, 2, `there is no format "appsflyer"; use one of adjust-v3, `},
		"nearly one":        {[]string{"export", "--format", "Goggle-ads", "-"}, 2, "did you mean google-ads? There are adjust-v3, "},
		"part of one":       {[]string{"export", "--format", "google", "-"}, 2, "did you mean google-ads?"},
		"no file":           {[]string{"import", "--format", "csv"}, 2, "give one FILE"},
		"missing file":      {[]string{"export", "--format", "csv", "no-such-file.json"}, 2, "no-such-file.json"},
		"app below zero":    {[]string{"import", "--format", "csv", "--app", "-1", "-"}, 2, "--app"},
		"not the format":    {[]string{"import", "--format", "meta", "-"}, 1, "import meta: schema: /data: is missing"},
		"not a schema":      {[]string{"export", "--format", "meta", "-"}, 1, "see 'skand schema validate'"},
		"not even that far": {[]string{"import", "--format", "csv", "-"}, 1, "import csv: schema: /1: has no header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdin := `{"x":1}`
			code, out, errs := runSchema(stdin, c.args...)
			require.Equal(t, c.code, code, errs)
			require.Empty(t, out)
			require.Contains(t, errs, c.want)
			require.Equal(t, 1, strings.Count(errs, "\n"), "one line: %s", errs)
		})
	}
}
