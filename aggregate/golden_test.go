package aggregate

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Rows as they were cut before there were remainders, histograms and redownloads:
// where the store knows nothing of these, not a byte of a row changes.
func TestRowsGolden(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/rows.ndjson")
	require.NoError(t, err)
	for line := range bytes.Lines(text) {
		var c struct {
			Settings Settings
			Groups   []Counted
			Rows     json.RawMessage
		}
		require.NoError(t, json.Unmarshal(line, &c))
		p := Cut(installs, c.Settings, Batch{Groups: c.Groups})
		require.Equal(t, string(c.Rows), asJSON(t, p.Rows))
		require.Empty(t, p.Values)
		require.Empty(t, p.Events)
	}
}
