package web_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSimulateOnSealedWindow: of the sealed week campaign 77 has a histogram; the 42
// installs of campaign 39 count as nulls, as its fine values are withheld.
func TestSimulateOnSealedWindow(t *testing.T) {
	t.Parallel()
	b := published(t)
	b.adminParts.Histograms = b.store
	draft := b.drafts(priced("4"))
	require.Equal(t, "403 forbidden", coded(t, b.ask("POST", draft+":simulate", "viewer", `{"evidence":"published"}`)))
	a := b.ask("POST", draft+":simulate", "editor", `{"evidence":"published"}`)
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "published 1", fmt.Sprint(a.at(t, "evidence"), " ", a.at(t, "version")))
	windows := a.at(t, "simulation", "published").([]any)
	require.Len(t, windows, 1)
	w := windows[0].(map[string]any)
	require.Equal(t, "installs 66 fine 24 null 42 unpublished 0 other 0", fmt.Sprint("installs ", w["installs"], " fine ", w["fine"],
		" null ", w["null"], " unpublished ", w["unpublished"], " other ", w["other_versions"]))
	require.Equal(t, "12", fmt.Sprint(w["current_payers"].(map[string]any)["est"]))
	require.Equal(t, "36", fmt.Sprint(w["current_revenue"].(map[string]any)["est"]))
	require.Contains(t, a.body, "1 counts of published rows are withheld for privacy; their installs are counted as null.")

	a = b.ask("POST", draft+":simulate", "editor", `{"evidence":"published","from":"2026-11-03T00:00:00Z"}`)
	require.Equal(t, 200, a.status, a.body)
	require.Empty(t, a.at(t, "simulation", "published"), "the week began before")
	require.Len(t, b.trail("?action=schema.simulate"), 2)
}
