package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/store"
)

// A command that opens the store itself is told of as one at the server is.
func TestCommandsOnTheStoreAreAudited(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	file := filepath.Join(t.TempDir(), "a.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apps: [{app_id: 525463029}]"), 0o600))
	for _, args := range [][]string{
		{"apply", "-f", file, "--db", db}, {"apply", "-f", file, "--db", db},
		{"token", "create", "--role", "viewer", "--name", "bi", "--db", db},
		{"job", "run", "decode", "--db", db},
		{"replay", "--dry-run", "--db", db}, {"replay", "--db", db},
	} {
		code, _, errs := runSkand(t, args...)
		require.Zero(t, code, "%v: %s", args, errs)
	}
	code, _, _ := runSkand(t, "job", "run", "dust", "--db", db)
	require.NotZero(t, code)
	s, err := store.Open(t.Context(), store.Options{Main: db})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	entries, _, err := s.AuditLog(t.Context(), store.AuditFilter{}, "", 10)
	require.NoError(t, err)
	var lines []string
	for _, e := range entries {
		lines = append([]string{fmt.Sprintf("%s/%s %s", e.Who, e.Role, e.Action)}, lines...)
	}
	require.Equal(t, []string{
		"skand apply/local apply", "skand token/local token.create", "skand job/local job.run", "skand replay/local replay",
	}, lines)
}
