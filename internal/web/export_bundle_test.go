package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

// What is exported is what apply takes, and changes nothing.
func TestExportOverTheNetwork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.JSONEq(t, `{}`, b.ask("GET", "/v1/export", "admin", "").body)
	b.publish("<a> & b", nil)
	require.Equal(t, 200, b.ask("POST", "/v1/apply", "admin", appliedBundle).status)
	a := b.ask("GET", "/v1/export", "admin", "")
	require.Equal(t, 200, a.status)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	got, err := apply.Parse([]byte(a.body))
	require.NoError(t, err)
	want, err := b.store.Export(t.Context())
	require.NoError(t, err)
	require.Equal(t, want.Apps, got.Apps)
	require.Equal(t, want.Networks, got.Networks)
	same := b.ask("POST", "/v1/apply?dry_run=true", "admin", a.body)
	require.Equal(t, 200, same.status, same.body)
	require.NotContains(t, same.body, "create")
	require.NotContains(t, same.body, "update")
	require.Contains(t, b.log.String(), "configuration exported")
	require.Equal(t, 400, b.ask("GET", "/v1/export?app=1", "admin", "").status)
}
