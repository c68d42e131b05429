package format_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/schema"
	"skand/schema/format"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func printed(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(v))
	return b.Bytes()
}

func parsed(t *testing.T, text string) *schema.Document {
	t.Helper()
	d, err := schema.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

func extension(name string) string {
	if strings.HasPrefix(format.ContentType(name), "text/csv") {
		return ".csv"
	}
	return ".json"
}

// The files in testdata/import are the vendors' published examples, with members
// added that nobody knows and meanings that a document cannot have.
func TestImportGolden(t *testing.T) {
	t.Parallel()
	for _, name := range format.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", "import")
			body, err := os.ReadFile(filepath.Join(dir, name+extension(name)))
			require.NoError(t, err)
			d, lost, err := format.Import(name, body, 0)
			require.NoError(t, err)
			golden(t, filepath.Join(dir, name+".golden"), printed(t, map[string]any{"schema": d, "lost": lost}))
		})
	}
}

func TestExportGolden(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "export")
	text, err := os.ReadFile(filepath.Join(dir, "schema.json"))
	require.NoError(t, err)
	d := parsed(t, string(text))
	about := format.About{Version: 3, Updated: time.Date(2026, 11, 1, 12, 30, 0, 0, time.UTC)}
	for _, name := range format.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, lost, err := format.Export(name, d, about)
			require.NoError(t, err)
			golden(t, filepath.Join(dir, name+extension(name)), body)
			golden(t, filepath.Join(dir, name+".lost"), printed(t, lost))
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"adjust-v3", "adjust-v4", "airbridge", "branch", "csv", "google-ads", "meta"}, format.Names())
	for _, name := range format.Names() {
		require.NotEmpty(t, format.ContentType(name))
	}
	require.Empty(t, format.ContentType("native"))
	_, _, err := format.Import("appsflyer", nil, 1)
	require.ErrorIs(t, err, format.ErrUnknown)
	require.ErrorContains(t, err, "google-ads")
	_, _, err = format.Export("appsflyer", &schema.Document{}, format.About{})
	require.ErrorIs(t, err, format.ErrUnknown)
	require.Nil(t, format.Lint("appsflyer", &schema.Document{}))
	require.Nil(t, format.Lint("csv", &schema.Document{}))
}
