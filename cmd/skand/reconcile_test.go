package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReconcileOnAStore: upload, dry run, refusal and show work beside a server, on
// the database itself.
func TestReconcileOnAStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := "sqlite:" + filepath.Join(dir, "data")
	run := func(stdin string, args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := realMain(t.Context(), args, strings.NewReader(stdin), &out, &errs)
		return code, out.String(), errs.String()
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	code, _, errs := run("", "migrate", "--db", db)
	require.Zero(t, code, errs)
	code, _, errs = run("", "apply", "--db", db, "-f", file("a.json", `{"apps":[{"app_id":7,"currency":"USD"}],"networks":[{"network_id":"example.net"}]}`))
	require.Zero(t, code, errs)

	report := file("november.csv", "Date,Event Name,Conversions,Revenue,Currency,Agency\n2025-11-02,Purchase,3,29.97,USD,x\n2025-11-03,Purchase,1,9.99,USD,x\n")
	upload := []string{"reconcile", "upload", report, "--db", db, "--network", "example.net", "--app", "7", "--zone", "UTC-8"}
	code, _, errs = run("", append(upload, "--dry-run")...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, `nothing is read from: "Agency"`)
	code, out, errs := run("", upload...)
	require.Zero(t, code, errs)
	require.Equal(t, "create  2025-11-02 revision 1: 1 rows, 3 counted\ncreate  2025-11-03 revision 1: 1 rows, 1 counted\n", out)
	_, out, _ = run("", upload...)
	require.Equal(t, 2, strings.Count(out, "same "))

	code, _, errs = run("event,count\ninstall,two\n,1\n", "reconcile", "upload", "-", "--db", db, "--network", "example.net", "--app", "7", "--day", "2025-11-02")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "line 2, count: ")
	require.Contains(t, errs, "line 3, event: ")
	require.Contains(t, errs, "nothing was kept")
	code, _, errs = run("event,count\n", "reconcile", "upload", "-", "--db", db, "--network", "exmple.net", "--app", "7", "--day", "2025-11-02")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "did you mean example.net?")

	show := []string{"reconcile", "show", "--db", db, "--app", "7", "--from", "2025-11-02", "--to", "2025-11-05"}
	code, out, errs = run("", append(show, "--group", "event")...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "Purchase")
	require.Contains(t, out, "example.net: days reported 2, time zone UTC-8, counts by conversion, accuracy -")
	require.Contains(t, out, "not reported: 2025-11-04")
	_, out, _ = run("", append(show, "--csv", "--group", "cause")...)
	require.Contains(t, out, "example.net,unmapped,-4,,USD,-39.96,\n")
	_, out, _ = run("", append(show, "--json")...)
	require.Contains(t, out, `"day":"2025-11-03","event":"Purchase"`)
	for _, wrong := range [][]string{
		{"reconcile", "upload"}, {"reconcile", "upload", report}, {"reconcile", "upload", report, "--app", "7"},
		{"reconcile", "upload", filepath.Join(dir, "none.csv"), "--app", "7", "--network", "n"},
		{"reconcile", "show"}, {"reconcile", "show", "--from", "2025-11-02", "--to", "2025-11-02", "--app", "7"},
		append(show, "--group", "week"), append(show[:4:4], "--from", "2025-11-02", "--to", "2025-11-03"),
	} {
		code, _, _ := run("", wrong...)
		require.Equal(t, 2, code, "%q", wrong)
	}
}
