package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/internal/store"
)

const listedYAML = `
apps: [{app_id: 1}]
networks: [{network_id: n}]
forward: {allow_private_cidrs: [127.0.0.0/8]}
destinations:
- {id: d, app_id: 1, network_id: n, kinds: [install, event], url: "URL/?c={click_id}"}
- {id: refuses, app_id: 1, scope: all, kinds: [install], url: "URL/refuses"}
- {id: signed, app_id: 1, scope: all, kinds: [install], method: POST, body: json, url: "URL/signed", signing: standard-webhooks, secret_env: T_UNSET}
- {id: off, app_id: 1, scope: all, kinds: [install], url: "URL/off", enabled: false}
`

// listedServer is a running server with destinations at a receiver on this machine, and
// how both are named on a command line.
func listedServer(t *testing.T) (server, db []string, file string) {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuses" {
			w.WriteHeader(http.StatusForbidden)
		}
		writeTo(w, "heard "+r.URL.Query().Get("c"))
	}))
	t.Cleanup(receiver.Close)
	location := "sqlite:" + t.TempDir()
	p := serveProgram(t, "--lab", "--db", location)
	file = filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(listedYAML, "URL", receiver.URL)), 0o600))
	code, out, errs := runSkand(t, "apply", "-f", file, "--db", location)
	require.Zero(t, code, out+errs)
	return []string{"--server", p.Admin, "--token", testAdminToken}, []string{"--db", location}, file
}

func destinationAt(t *testing.T, at []string, args ...string) (code int, out, errs string) {
	t.Helper()
	return runSkand(t, append(append([]string{"destination"}, args...), at...)...)
}

// TestDestinationCommands: what stands can be looked at, stopped and restarted, in the
// same words by a running server and on the store beside it.
func TestDestinationCommands(t *testing.T) {
	t.Parallel()
	server, db, file := listedServer(t)
	for by, at := range map[string][]string{"bootstrap admin": server, "skand destination": db} {
		do := func(args ...string) string {
			t.Helper()
			code, out, errs := destinationAt(t, at, args...)
			require.Zero(t, code, "%v: %s", args, errs)
			require.Empty(t, errs)
			return out
		}
		require.Regexp(t, `^ID +APP +NETWORK +KINDS +STATE +WHY
d +1 +n +install,event +active +-
off +1 +- +install +off +.*
refuses +1 +- +install +active +-
signed +1 +- +install +active +-
$`, do("list"))
		var list struct{ Data []store.Definition }
		require.NoError(t, json.Unmarshal([]byte(do("list", "--json")), &list))
		require.Len(t, list.Data, 4)

		require.Regexp(t, `^d: disabled \(the network asked, by `+by+`.*, since \S+\)\n$`, do("disable", "d", "--reason", " the network asked "))
		require.Contains(t, do("list"), "disabled  the network asked, by "+by)
		code, _, errs := destinationAt(t, at, "resume", "d")
		require.Equal(t, 1, code)
		require.Equal(t, "skand: destination resume d: it is disabled, which resume does not end; when the cause is gone: `skand destination enable d`\n", errs)
		require.Equal(t, "d: active, deliveries due again: 0\n", do("enable", "d"))
		require.Equal(t, "d: active, deliveries due again: 0\n", do("resume", "d"))

		shown := do("show", "d")
		require.Regexp(t, `^# state    active\n# version  \d+, saved \S+\n# waits    0 pending, 0 held, 0 gone\n`, shown)
		b, err := apply.Parse([]byte(shown))
		require.NoError(t, err, "it is what apply reads")
		require.Equal(t, "d", b.Destinations[0].ID)
		var one store.DestinationShown
		require.NoError(t, json.Unmarshal([]byte(do("show", "d", "--json")), &one))
		require.Equal(t, "d", one.ID)
		require.Positive(t, one.Version)

		before := strings.Count(do("versions", "d"), "\n")
		changed := file + ".changed.yaml"
		text, err := os.ReadFile(file) //nolint:gosec // of this test
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(text), "?c={click_id}", "?c="+strings.ReplaceAll(by, " ", "-")+"-{click_id}", 1)), 0o600))
		code, out, errs := runSkand(t, append([]string{"apply", "-f", changed}, at...)...)
		require.Zero(t, code, out+errs)
		lines := strings.Split(do("versions", "d"), "\n")
		require.Len(t, lines, before+2)
		require.Regexp(t, `^\d+  \S+ by .+, current$`, lines[0])
		require.Regexp(t, `, brought back from 1, current\n$`, do("rollback", "d", "1"))
		require.Equal(t, "same: d says already what version 1 said\n", do("rollback", "d", "1"))
		require.Contains(t, do("versions", "d", "--json"), `"rolled_back_from":1,"current":true`)

		for want, args := range map[string][]string{
			"destination show nobody: there is no such destination; see `skand destination list`":                      {"show", "nobody"},
			"destination enable nobody: there is no such destination":                                                  {"enable", "nobody"},
			"destination versions nobody: there is no such destination":                                                {"versions", "nobody"},
			"destination rollback d: it never had this version; see `skand destination versions d`":                    {"rollback", "d", "99"},
			"destination enable off: its definition has enabled: false; apply it with enabled: true":                   {"enable", "off"},
			"2: destination disable: --reason is missing":                                                              {"disable", "d"},
			"2: destination disable: --reason: give one line":                                                          {"disable", "d", "--reason", "a\nb"},
			"2: destination rollback: VERSION \"first\" is no number of a version; see `skand destination versions d`": {"rollback", "d", "first"},
			"2: skand destination rollback takes ID and VERSION":                                                       {"rollback", "d"},
			"2: skand destination show takes one DESTINATION":                                                          {"show"},
			"2: skand destination list takes no argument":                                                              {"list", "d"},
			"2: skand destination enable: unknown flag: --reason":                                                      {"enable", "d", "--reason", "x"},
		} {
			code, out, errs := destinationAt(t, at, args...)
			want, usage := strings.CutPrefix(want, "2: ")
			require.Equal(t, map[bool]int{true: 2, false: 1}[usage], code, "%v", args)
			require.Contains(t, errs, want)
			require.Equal(t, 1, strings.Count(errs, "\n"), "one line: %s", errs)
			require.Empty(t, out)
		}
	}
}

// TestDestinationTest: a running server sends one sample; the exit code is the receiver's.
func TestDestinationTest(t *testing.T) {
	t.Parallel()
	server, db, _ := listedServer(t)
	code, out, errs := destinationAt(t, server, "test", "d")
	require.Zero(t, code, out+errs)
	require.Regexp(t, `^ok: sample of install answered 200 in \d+ ms, delivery_id [0-9a-f-]{36}, version 1\nheard Cj0KEQ-7f2a\n$`, out)
	code, out, errs = destinationAt(t, server, "test", "d", "--kind", "event", "--consent", "denied", "--json")
	require.Zero(t, code, errs)
	require.Contains(t, out, `"kind":"event","class":"ok","status":200`)
	code, out, errs = destinationAt(t, server, "test", "refuses")
	require.Equal(t, 1, code)
	require.Regexp(t, `^held: sample of install answered 403 in `, out)
	require.Empty(t, errs)
	for _, c := range []struct {
		code int
		says string
		at   []string
		args []string
	}{
		{2, "destination test: --server is missing: a running server sends, a database cannot", db, []string{"d"}},
		{2, "takes one DESTINATION", server, nil},
		{1, "destination test nobody: there is no such destination", server, []string{"nobody"}},
		{1, "destination test d: kind: the destination takes [install event]", server, []string{"d", "--kind", "modeled"}},
		{1, "destination test signed: nothing to sign with", server, []string{"signed"}},
		{1, "the bearer token is unknown, expired or revoked; give --token, or set SKAND_TOKEN", []string{"--server", server[1], "--token", "skand_wrong"}, []string{"d"}},
		{1, "destination test d: reach --server: ", []string{"--server", "http://127.0.0.1:1", "--token", "x"}, []string{"d"}},
	} {
		code, out, errs := destinationAt(t, c.at, append([]string{"test"}, c.args...)...)
		require.Equal(t, c.code, code, "%v", c.args)
		require.Contains(t, errs, c.says)
		require.Equal(t, 1, strings.Count(errs, "\n"), "one line: %s", errs)
		require.Empty(t, out)
	}
	code, viewer, errs := runSkand(t, append([]string{"token", "create", "--role", "viewer", "--name", "v"}, db...)...)
	require.Zero(t, code, errs)
	code, _, errs = destinationAt(t, []string{"--server", server[1], "--token", strings.TrimSpace(viewer)}, "list")
	require.Equal(t, 1, code)
	require.Equal(t, "skand: destination list: this needs the role operator or a higher one; give another --token (skand token create --role ROLE)\n", errs)
}

func TestDestinationListOfNothing(t *testing.T) {
	t.Parallel()
	db := "sqlite:" + t.TempDir()
	code, _, errs := runSkand(t, "migrate", "--db", db)
	require.Zero(t, code, errs)
	code, out, errs := destinationAt(t, []string{"--db", db}, "list")
	require.Zero(t, code)
	require.Empty(t, out)
	require.Contains(t, errs, "docs/examples/forwarding")
	code, out, _ = destinationAt(t, []string{"--db", db}, "list", "--json")
	require.Zero(t, code)
	require.JSONEq(t, `{"data":[]}`, out)
}
