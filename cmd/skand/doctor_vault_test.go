package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/store"
)

// madeWith makes a store, with a master key that is given or with its own.
func madeWith(t *testing.T, cfg config.Config, key string) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Main: cfg.DB, Published: cfg.Published, MasterKey: key, Clock: clock.Real{}})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// TestDoctorOnTheVault: where the key lies, who may read it, and that it fits.
func TestDoctorOnTheVault(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		args := []string{"--db", cfg.DB}
		where, level := "vault store_meta of the main database", levelWarn
		dir, sqlite := strings.CutPrefix(cfg.DB, "sqlite:")
		path := filepath.Join(dir, "master.key")
		if sqlite {
			where, level = "vault "+path, levelOK
		} else {
			args = append(args, "--published", cfg.Published)
		}
		require.NotContains(t, diagnose(t, 0, args...), where)
		madeWith(t, cfg, "")
		require.Equal(t, level, diagnose(t, 0, args...)[where].Level)
		if !sqlite {
			return
		}
		require.NoError(t, os.Chmod(path, 0o644))
		f := diagnose(t, 0, args...)[where]
		require.Equal(t, levelWarn, f.Level)
		require.Equal(t, "chmod 600 "+path, f.Todo)
		require.NoError(t, os.Remove(path))
		f = diagnose(t, 1, args...)[where]
		require.Equal(t, levelFail, f.Level)
		require.Contains(t, f.Found, "set SKAND_MASTER_KEY to the key that sealed it")
		code, _, errs := runSkand(t, append([]string{"job", "run", "decode"}, args...)...)
		require.Equal(t, 1, code)
		require.Contains(t, errs, "the store is sealed with another key")
	})
}

// The program takes the key from its environment alone, and prints it nowhere.
func TestMasterKeyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	run := func(key string, args ...string) (int, string) {
		cmd := skandCommand(append(args, "--db", db)...)
		cmd.Env = append(cmd.Env, "SKAND_MASTER_KEY="+key)
		var both bytes.Buffer
		cmd.Stdout, cmd.Stderr = &both, &both
		_ = cmd.Run() // the code says it
		require.NotContains(t, both.String(), "0123456789")
		if key != "" {
			require.NotContains(t, both.String(), key)
		}
		return cmd.ProcessState.ExitCode(), both.String()
	}
	code, said := run("short", "migrate")
	require.Equal(t, 2, code)
	require.Contains(t, said, "SKAND_MASTER_KEY: key 1 of 1: is no base64; make one with `openssl rand -base64 32`")
	code, said = run(key, "migrate")
	require.Zero(t, code, said)
	_, err := os.Stat(filepath.Join(strings.TrimPrefix(db, "sqlite:"), "master.key"))
	require.ErrorIs(t, err, os.ErrNotExist, "a key that is given is written nowhere")
	code, said = run(key, "doctor")
	require.Zero(t, code, said)
	require.Contains(t, said, "SKAND_MASTER_KEY: the master key that seals is ")
	code, said = run("", "migrate")
	require.Equal(t, 1, code)
	require.Contains(t, said, "set SKAND_MASTER_KEY")
	code, said = run(base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210"))+","+key, "migrate", "--reseal")
	require.Zero(t, code, said)
	require.Contains(t, said, "0 values sealed anew")
}
