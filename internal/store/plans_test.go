package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/skan"
)

// TestReceiverNeverScans: what runs for every batch looks keys up. On SQLite the plan
// is the same with and without rows, so it can be held here; a scan of what was ever
// received would make a receiver slower every day.
func TestReceiverNeverScans(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Main: migratedSQLite(t), Lab: Lab, Clock: clock.NewManual(start)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	keys := []identityKey{{1, skan.Production, "a"}, {1, skan.Production, "b"}}
	meet, meetArgs := countedValuesQuery(sqlite, keys)
	for name, q := range map[string]struct {
		text string
		args []any
	}{
		"meet":      {meet, meetArgs},
		"decode":    {saveOneSQL, make([]any, len(decodedColumns))},
		"undecoded": {undecodedSQL, []any{500}},
	} {
		rows := dump(t, s.main, "EXPLAIN QUERY PLAN "+q.text, q.args...)
		plan := strings.Join(rows, "\n")
		for _, line := range rows {
			if strings.Contains(line, "SCAN counted_postback") || strings.Contains(line, "SCAN c") || strings.Contains(line, "SCAN i") {
				require.Containsf(t, line, "INDEX counted_undecoded", "%s:\n%s", name, plan)
			}
		}
		require.NotContains(t, plan, "TEMP B-TREE", name)
		require.Contains(t, plan, "counted_", name)
		if name != "undecoded" {
			require.Contains(t, plan, "identity=?)", "%s looks a whole key up:\n%s", name, plan)
		}
	}
}
