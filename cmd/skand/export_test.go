package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/config"
)

// runSkand is one command line.
func runSkand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = realMain(t.Context(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"*", "*/*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		for _, p := range paths {
			info, err := os.Stat(p)
			require.NoError(t, err)
			if info.IsDir() {
				continue
			}
			text, err := os.ReadFile(p)
			require.NoError(t, err)
			files[p[len(dir)+1:]] = string(text)
		}
	}
	return files
}

const exportedBundle = `
networks: [{network_id: example123.skadnetwork, name: "Example: Ads", aliases: [com.example], short_form: last}]
destinations: [{id: d, app_id: 525463029, network_id: example123.skadnetwork, kinds: [event],
  url: "https://ads.example/?e={event_name}&id={delivery_id}", event_map: {"a b": "c: d"}}]
forward: {allow_private_cidrs: [10.0.0.0/8]}
`

// TestExportCommand: apply, export, apply on another store, export: the same files,
// from the database and from a server.
func TestExportCommand(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		app := startApp(t, cfg)
		db := []string{"--db", cfg.DB}
		if cfg.Published != "" {
			db = append(db, "--published", cfg.Published)
		}
		on := func(args ...string) []string { return append(args, db...) }
		more := filepath.Join(t.TempDir(), "more.yaml")
		require.NoError(t, os.WriteFile(more, []byte(exportedBundle), 0o600))
		for _, path := range []string{filepath.Join("..", "..", "docs", "examples", "first-app"), more} {
			code, out, errs := runSkand(t, on("apply", "-f", path)...)
			require.Zero(t, code, out+errs)
		}

		dir := filepath.Join(t.TempDir(), "config")
		code, out, errs := runSkand(t, on("export", "-o", dir)...)
		require.Zero(t, code, errs)
		require.Contains(t, out, filepath.Join(dir, "schemas", "app-525463029.json"))
		files := readAll(t, dir)
		require.Len(t, files, 5)
		code, out, errs = runSkand(t, on("apply", "-f", dir, "--dry-run")...)
		require.Zero(t, code, out+errs)

		remote := filepath.Join(t.TempDir(), "remote")
		code, _, errs = runSkand(t, "export", "-o", remote, "--server", app.AdminURL(), "--token", testAdminToken)
		require.Zero(t, code, errs)
		require.Equal(t, files, readAll(t, remote), "a server gives the same bytes")

		other, again := "sqlite:"+t.TempDir(), filepath.Join(t.TempDir(), "again")
		code, out, errs = runSkand(t, "apply", "-f", dir, "--db", other)
		require.Zero(t, code, out+errs)
		code, _, errs = runSkand(t, "export", "-o", again, "--db", other)
		require.Zero(t, code, errs)
		require.Equal(t, files, readAll(t, again))
	})
}

func TestExportKeepsOtherFiles(t *testing.T) {
	t.Parallel()
	db, dir := "sqlite:"+t.TempDir(), t.TempDir()
	notes := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(notes, []byte("mine"), 0o600))
	code, _, errs := runSkand(t, "export", "-o", dir, "--db", db)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "is not empty; name another folder, or add --force")
	require.Equal(t, map[string]string{"notes.txt": "mine"}, readAll(t, dir))
	code, _, errs = runSkand(t, "export", "-o", dir, "--force", "--db", db)
	require.Zero(t, code, errs)
	require.Len(t, readAll(t, dir), 2)

	for _, args := range [][]string{{"export"}, {"export", "-o", dir, "more"}, {"export", "-o", dir, "--db", "mysql:x"}} {
		code, _, errs := runSkand(t, args...)
		require.Equal(t, 2, code, errs)
	}
	code, _, errs = runSkand(t, "export", "-o", dir, "--server", "http://127.0.0.1:1")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "reach --server")
}

// What apply would not take back is written all the same, and said.
func TestExportSaysWhatApplyWouldRefuse(t *testing.T) {
	t.Parallel()
	db, dir := "sqlite:"+t.TempDir(), filepath.Join(t.TempDir(), "out")
	code, _, errs := runSkand(t, "apply", "-f", filepath.Join("..", "..", "docs", "examples", "first-app"), "--db", db)
	require.Zero(t, code, errs)
	euros := filepath.Join(t.TempDir(), "a.yaml")
	require.NoError(t, os.WriteFile(euros, []byte("apps: [{app_id: 525463029, currency: EUR}]"), 0o600))
	code, _, errs = runSkand(t, "apply", "-f", euros, "--db", db)
	require.Zero(t, code, errs)
	code, _, errs = runSkand(t, "export", "-o", dir, "--db", db)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "the files are written, but apply would refuse them")
	require.Contains(t, errs, "currency")
	require.Len(t, readAll(t, dir), 2)
}

// The program serves mappings to anybody, on the public listener only.
func TestServeMapping(t *testing.T) {
	t.Parallel()
	cfg := config.Defaults()
	cfg.DB = "sqlite:" + t.TempDir()
	app := startApp(t, cfg)
	code, _, errs := runSkand(t, "apply", "-f", filepath.Join("..", "..", "docs", "examples", "first-app"), "--server", app.AdminURL(), "--token", testAdminToken)
	require.Zero(t, code, errs)
	for url, want := range map[string]int{
		app.PublicURL() + "/v1/apps/525463029/schema":            http.StatusOK,
		app.PublicURL() + "/v1/apps/525463029/schema?format=csv": http.StatusOK,
		app.PublicURL() + "/v1/apps/525463029/schema/history":    http.StatusOK,
		app.PublicURL() + "/v1/apps/525463030/schema":            http.StatusNotFound,
		app.AdminURL() + "/v1/apps/525463029/schema?format=csv":  http.StatusNotFound,
		app.PublicURL() + "/v1/export":                           http.StatusNotFound,
		app.AdminURL() + "/v1/export":                            http.StatusUnauthorized,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode, url)
	}
}
