package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/store"
)

func TestRevokeTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	revoke := func(role, body string) answer { return b.ask(http.MethodDelete, "/v1/tokens", role, body) }
	require.Equal(t, http.StatusOK, b.ask(http.MethodGet, "/v1/apps", "viewer", "").status)
	first := b.tokens["viewer"]
	b.token("viewer", auth.Token{Role: auth.Viewer}) // a second one of the same name
	require.Equal(t, http.StatusForbidden, revoke("operator", `{"name":"viewer"}`).status)
	require.JSONEq(t, `{"revoked":2}`, revoke("admin", `{"name":"viewer"}`).body)
	require.Equal(t, http.StatusUnauthorized, b.ask(http.MethodGet, "/v1/apps", "viewer", "").status)
	require.Equal(t, http.StatusUnauthorized, b.ask(http.MethodGet, "/v1/apps", first, "").status)
	require.JSONEq(t, `{"revoked":0}`, revoke("admin", `{"name":"viewer"}`).body, "again is no fault")
	for _, name := range []string{"nobody", "", "a\\u0000b"} {
		require.Equal(t, http.StatusNotFound, revoke("admin", `{"name":"`+name+`"}`).status)
	}
	require.Equal(t, http.StatusOK, b.ask(http.MethodGet, "/v1/jobs", "operator", "").status, "others stay")
	entries, _, err := b.store.AuditLog(t.Context(), store.AuditFilter{Action: store.ActTokenRevoke}, "", 5)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, "admin", entries[0].Role)
}
