package format_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
	"skand/schema/format"
)

// Every section of the documentation has an example that is read and says what the
// others say.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "schema-formats.md"))
	require.NoError(t, err)
	for _, name := range format.Names() {
		m := regexp.MustCompile("(?s)\n## " + name + "\n.*?\n```(?:json)?\n(.*?)```").FindSubmatch(page)
		require.NotNil(t, m, name)
		d, lost, err := format.Import(name, m[1], 525463029)
		require.NoError(t, err, name)
		for _, l := range lost {
			require.Regexp(t, "currency|updated_at|time of the last change", l.Pointer+l.Message, name)
		}
		got := d.Decode(fine(12))
		require.Equal(t, schema.StateDecoded, got.State, name)
		require.Regexp(t, "(?i)purchase", got.Events[0].Name)
		require.Equal(t, "3 10", got.RevenueMin.String()+" "+got.RevenueMax.String(), name)
	}
}
