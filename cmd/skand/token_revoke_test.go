package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Beside the server and through it, a revoked token is refused from the next request.
func TestTokenRevoke(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	p := serveProgram(t, "--lab", "--db", db)
	for _, target := range [][]string{{"--db", db}, {"--server", p.Admin, "--token", testAdminToken}} {
		create := append([]string{"token", "create", "--role", "operator", "--name", "ops"}, target...)
		code, plain, errs := runSkand(t, create...)
		require.Zero(t, code, errs)
		use := []string{"job", "run", "decode", "--server", p.Admin, "--token", plain[:len(plain)-1]}
		code, _, errs = runSkand(t, use...)
		require.Zero(t, code, errs)

		revoke := append([]string{"token", "revoke", "ops"}, target...)
		code, said, errs := runSkand(t, revoke...)
		require.Zero(t, code, errs)
		require.Equal(t, "token \"ops\" revoked\n", said)
		code, _, _ = runSkand(t, use...)
		require.Equal(t, 1, code)
		code, said, _ = runSkand(t, revoke...)
		require.Zero(t, code)
		require.Equal(t, "no token named \"ops\" was left to revoke\n", said)
		code, _, errs = runSkand(t, append([]string{"token", "revoke", "nobody"}, target...)...)
		require.Equal(t, 1, code)
		require.Contains(t, errs, `token "nobody": no token has this name`)
		code, _, _ = runSkand(t, append([]string{"token", "revoke"}, target...)...)
		require.Equal(t, 2, code)
	}
}
