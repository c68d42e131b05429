package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReconcileOnAServer: a running server takes, refuses and answers what the database
// beside it does, and refusals name every line.
func TestReconcileOnAServer(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	p := serveProgram(t, "--lab", "--db", db)
	file := writeBundle(t, `{"apps":[{"app_id":7,"currency":"USD"}],"networks":[{"network_id":"example.net"}]}`)
	server := []string{"--server", p.Admin, "--token", testAdminToken}
	code, out, errs := runSkand(t, append([]string{"apply", "-f", file}, server...)...)
	require.Zero(t, code, out+errs)
	upload := func(text string, args ...string) (int, string, string) {
		t.Helper()
		all := append(append([]string{"reconcile", "upload", "-"}, server...), args...)
		return runWith(t, text, all...)
	}
	to := []string{"--network", "Example.NET", "--app", "7", "--zone", "UTC-8"}
	const report = "Date,Event Name,Conversions,Revenue,Currency,Agency\n2025-11-02,Purchase,3,29.97,USD,x\n2025-11-03,Purchase,1,9.99,USD,x\n"
	code, out, errs = upload(report, append(to, "--dry-run")...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, `nothing is read from: "Agency"`)
	require.Equal(t, 2, strings.Count(out, "create "))
	code, out, errs = upload(report, to...)
	require.Zero(t, code, errs)
	require.Equal(t, "create  2025-11-02 revision 1: 1 rows, 3 counted\ncreate  2025-11-03 revision 1: 1 rows, 1 counted\n", out)
	code, out, errs = upload("event,count,revenue\nPurchase,2,19.98\n", append(to, "--day", "2025-11-03", "--currency", "USD", "--source", "by mail")...)
	require.Zero(t, code, errs)
	require.Equal(t, "update  2025-11-03 revision 2: 1 rows, 2 counted\n", out)

	for _, c := range []struct {
		code       int
		text, says string
		args       []string
	}{
		{2, "event,count\ninstall,two\n", "skand: line 2, count: ", append(to, "--day", "2025-11-02")},
		{2, "event,count\ninstall,2\n", "skand: network: no network exmple.net is known; did you mean example.net?\nskand: reconcile upload: nothing was kept", []string{"--network", "exmple.net", "--app", "7", "--day", "2025-11-02"}},
		{1, "event,count\ninstall,2\n", "skand: reconcile upload: --app: no such app is described; `skand apply` describes it", []string{"--network", "example.net", "--app", "8", "--day", "2025-11-02"}},
		{1, "event,count\ninstall,2\n", "skand: reconcile upload: the bearer token is unknown", append(to, "--day", "2025-11-02", "--token", "skand_wrong")},
		{1, "event,count\ninstall,2\n", "skand: reconcile upload: reach --server: ", append(to, "--day", "2025-11-02", "--server", "http://127.0.0.1:1")},
	} {
		code, out, errs := upload(c.text, c.args...)
		require.Equal(t, c.code, code, "%v %s", c.args, errs)
		require.Contains(t, errs, c.says)
		require.Empty(t, out)
	}

	for _, how := range [][]string{nil, {"--csv"}, {"--json"}, {"--csv", "--group", "cause"}, {"--network", "example.net", "--group", "event"}} {
		show := append([]string{"reconcile", "show", "--app", "7", "--from", "2025-11-02", "--to", "2025-11-05"}, how...)
		code, out, errs := runSkand(t, append(show, server...)...)
		require.Zero(t, code, errs)
		require.Regexp(t, `29\.97|49\.95`, out)
		code, beside, errs := runSkand(t, append(show, "--db", db)...)
		require.Zero(t, code, errs)
		require.Equal(t, beside, out, "%v", how)
	}
	for want, how := range map[string][]string{
		"skand: nothing to compare: no network has told its figures of these days": {"--app", "8"},
		"skand: nothing to compare: ": {"--app", "7", "--network", "nobody.net"},
	} {
		for _, at := range [][]string{server, {"--db", db}} {
			code, _, errs := runSkand(t, append(append([]string{"reconcile", "show", "--from", "2025-11-02", "--to", "2025-11-05"}, how...), at...)...)
			require.Zero(t, code)
			require.Contains(t, errs, want)
		}
	}
	code, _, errs = runSkand(t, append([]string{"reconcile", "show", "--app", "7", "--from", "2025-11-02", "--to", "2025-11-05", "--token", "x"}, server[:2]...)...)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "skand: reconcile show: the bearer token")
}
