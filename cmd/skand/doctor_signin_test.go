package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDoctorLooksAtSignIn(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	code, _, errs := runSkand(t, "migrate", "--db", db)
	require.Zero(t, code, errs)
	found := diagnose(t, 0, "--db", db)
	require.Equal(t, levelWarn, found["signin accounts"].Level)
	require.Contains(t, found["signin accounts"].Todo, "skand user add EMAIL --role admin")
	require.NotContains(t, found, "signin admin_url")

	code, _, errs = skandWith(t, "plum-anvil-harbour", "user", "add", "anna@example.com", "--role", "admin", "--app", "7", "--password-stdin", "--db", db)
	require.Zero(t, code, errs)
	require.Equal(t, levelWarn, diagnose(t, 0, "--db", db)["signin accounts"].Level, "an admin of some apps manages nobody")
	code, _, errs = skandWith(t, "plum-anvil-harbour", "user", "add", "ben@example.com", "--role", "admin", "--password-stdin", "--db", db)
	require.Zero(t, code, errs)
	require.Equal(t, "2, of them 1 admins of every app", diagnose(t, 0, "--db", db)["signin accounts"].Found)

	found = diagnose(t, 0, "--db", db, "--admin", "0.0.0.0:8081")
	require.Contains(t, found["signin admin_url"].Found, "can sign in on that machine only")
	found = diagnose(t, 0, "--db", db, "--admin", "0.0.0.0:8081", "--admin-url", "http://skand.lan")
	require.Contains(t, found["signin admin_url"].Found, "in the clear")

	file := filepath.Join(t.TempDir(), "skand.yaml")
	require.NoError(t, os.WriteFile(file, []byte("oidc: {issuer: 'https://10.1.2.3', client_id: skand, default_role: viewer, client_secret_env: SKAND_TEST_NOT_SET}\n"), 0o600))
	found = diagnose(t, 1, "--db", db, "--config", file)
	require.Equal(t, levelFail, found["signin oidc.client_secret_env"].Level)
	require.Contains(t, found["signin https://10.1.2.3"].Todo, "oidc.private_cidrs")
	code, _, errs = runSkand(t, "serve", "--db", db, "--config", file, "--public", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "oidc.client_secret_env: SKAND_TEST_NOT_SET is not set")
}
