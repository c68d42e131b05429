package main

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/pgtest"
)

func TestMigrateSQLite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		var out, errs bytes.Buffer
		require.Zero(t, realMain(t.Context(), []string{"migrate", "--db", "sqlite:" + dir}, nil, &out, &errs))
		require.Equal(t, "both databases are at this version\n", out.String())
		require.Empty(t, errs.String())
	}
	info, err := os.Stat(filepath.Join(dir, "skand.db"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestMigrateUsage(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	for want, args := range map[string][]string{
		"--server":                  {"--server", "http://a.example"},
		"it needs a --bi-role":      {"--db", db, "--bi-role", "", "--bi-login", "a"},
		"use lower-case letters":    {"--db", db, "--bi-role", "Analysts"},
		"needs a name of its own":   {"--db", db, "--bi-role", "a", "--bi-login", "a"},
		"migrate takes no argument": {"now"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 2, realMain(t.Context(), append([]string{"migrate"}, args...), nil, &out, &errs), args)
		require.Contains(t, errs.String(), want)
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
	}
}

// TestMigrateMakesReaders: from the command line to the first query of a BI tool.
func TestMigrateMakesReaders(t *testing.T) {
	t.Parallel()
	main := pgtest.NewServer(t).URL() // roles are a server's
	migrate := func(password string, args ...string) (string, string, error) {
		cmd := skandCommand(append([]string{"migrate", "--db", main}, args...)...)
		cmd.Env = append(cmd.Env, envBIPassword+"="+password)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		return out.String(), errs.String(), err
	}
	const password = "a password of a tool"
	_, errs, err := migrate("", "--bi-login", "metabase")
	require.Error(t, err)
	require.Contains(t, errs, "needs a password")
	out, errs, err := migrate(password, "--bi-login", "metabase")
	require.NoError(t, err, errs)
	for _, line := range []string{
		"both databases are at this version", "made role skand_bi", "made login metabase",
		"skand_bi may read schema bi of ", "only its owner may connect to ",
	} {
		require.Contains(t, out, line)
	}
	require.Contains(t, errs, "note: skand_bi may also connect to postgres, template1")
	require.NotContains(t, out+errs, password)
	out, errs, err = migrate("", "--bi-role", "")
	require.NoError(t, err, errs)
	require.Equal(t, "both databases are at this version\n", out)

	if _, err := exec.LookPath("psql"); err != nil {
		t.Skip("psql is not installed")
	}
	u, err := url.Parse(main)
	require.NoError(t, err)
	u.User = url.UserPassword("metabase", password)
	psql := func(question string) (string, error) {
		answer, err := exec.CommandContext(t.Context(), "psql", "-X", "-A", "-t", u.String(), "-c", question).CombinedOutput()
		return strings.TrimSpace(string(answer)), err
	}
	answer, err := psql(`SELECT 1`)
	require.Error(t, err)
	require.Contains(t, answer, "permission denied for database")
	u.Path += "_published"
	answer, err = psql(`SELECT unit FROM data_dictionary WHERE table_name = 'cohort' AND column_name = 'payers'`)
	require.NoError(t, err, answer)
	require.Equal(t, "installs", answer)
}
