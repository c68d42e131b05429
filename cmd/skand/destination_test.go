package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/internal/config"
)

// runLine runs one command line of the whole program.
func runLine(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = realMain(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestDestinationTranslate(t *testing.T) {
	t.Parallel()
	code, out, errs := runLine(t, "https://n/?a=(clickid)&b=(app-id)\n", "destination", "translate", "-")
	require.Zero(t, code)
	require.Equal(t, "https://n/?a={click_id}&b={app_id}\n", out)
	require.Equal(t, "byte 14: (clickid) is {click_id}\nbyte 26: (app-id) is {app_id}: theirs begins with id, ours is the number alone\n", errs)

	code, out, errs = runLine(t, "${(user_data.idfa)!}|${(user_data.aaid)!}", "destination", "translate", "-")
	require.Equal(t, 1, code)
	require.Equal(t, "{idfa}|${(user_data.aaid)!}", out)
	require.Contains(t, errs, "${(user_data.aaid)!} has no counterpart: an identifier of Android")

	code, out, _ = runLine(t, "(clickid)", "destination", "translate", "--json", "-")
	require.Zero(t, code)
	require.JSONEq(t, `{"text":"{click_id}","notes":[{"placeholder":"(clickid)","at":1,"outcome":"translated","macro":"click_id"}]}`, out)
	for _, args := range [][]string{{"translate"}, {"translate", "no-such-file"}, {"translate", "--syntax", "x", "-"}, {"frob"}, {"presets", "a", "b"}} {
		code, _, errs := runLine(t, "", append([]string{"destination"}, args...)...)
		require.Equal(t, 2, code, args)
		require.Len(t, strings.Split(strings.TrimSpace(errs), "\n"), 1, errs)
	}
}

func TestDestinationPresets(t *testing.T) {
	t.Parallel()
	code, out, _ := runLine(t, "", "destination", "presets")
	require.Zero(t, code)
	require.Contains(t, out, "meta-app-events         part    Meta Conversions API, app events\n")
	code, out, _ = runLine(t, "", "destination", "presets", "liftoff")
	require.Zero(t, code)
	require.Contains(t, out, "not confirmed:\n- ")
	require.Contains(t, out, "liftoff_app_id")
	code, _, errs := runLine(t, "", "destination", "presets", "liftof")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "the nearest is liftoff")
	code, _, errs = runLine(t, "", "destination", "presets", "liftoff", "--var", "id=x")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "app_id is missing")

	code, out, errs = runLine(t, "", "destination", "presets", "liftoff", "--var", "id=lift,app_id=525463029,liftoff_app_id=abc")
	require.Zero(t, code, errs)
	b, err := apply.Parse([]byte(out))
	require.NoError(t, err)
	require.NoError(t, b.Check(nil), "what it prints is what apply reads")
	require.Equal(t, "lift", b.Destinations[0].ID)
	require.Contains(t, b.Destinations[0].URL, "liftoff_app_id=abc")
}

const renderFile = `
networks: [{network_id: n}]
destinations:
  - {id: d, app_id: 1, network_id: n, kinds: [install], method: POST, url: "https://a.example/?c={click_id}&r={sk_ts}",
     headers: {X-Key: "{secret}"}, secret_env: A_KEY, body: json, body_template: '{"i": "{idfa}", "n": {attempt}}'}`

func writeBundle(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDestinationRender(t *testing.T) {
	t.Parallel()
	path := writeBundle(t, renderFile)
	code, out, errs := runLine(t, "", "destination", "render", "-f", path, "--id", "d", "--sample")
	require.Zero(t, code, errs)
	require.Equal(t, `# sample of install, authorized
POST https://a.example/?c=Cj0KEQ-7f2a
Content-Type: application/json
User-Agent: skand
X-Key: [secret]

{"i":"6D92078A-8246-4BA4-AE5B-76104861E7DC","n":1}

# sample of install, denied
POST https://a.example/?c=Cj0KEQ-7f2a
Content-Type: application/json
User-Agent: skand
X-Key: [secret]

{"n":1}

`, out)
	require.Contains(t, errs, "{sk_ts} has no value in kinds [install]")
	for name, args := range map[string][]string{
		"the nearest is {click_id}": {"-f", writeBundle(t, strings.Replace(renderFile, "{click_id}", "{clickid}", 1)), "--id", "d"},
		`has no destination "e"`:    {"-f", path, "--id", "e"},
		"-f is missing":             {"--id", "d"},
		"--id is missing":           {"-f", path},
		"it takes install":          {"-f", path, "--id", "d", "--kind", "event"},
		"authorized or denied":      {"-f", path, "--id", "d", "--consent", "x"},
	} {
		code, _, errs := runLine(t, "", append([]string{"destination", "render"}, args...)...)
		require.Equal(t, 2, code, name)
		require.Contains(t, errs, name)
	}
}

// TestDestinationRenderOfAServer: the draft of a file, with what a running server has.
func TestDestinationRenderOfAServer(t *testing.T) {
	t.Parallel()
	cfg := config.Defaults()
	cfg.DB = "sqlite:" + t.TempDir()
	app := startApp(t, cfg)
	b, err := apply.Parse([]byte("apps: [{app_id: 1}]" + renderFile))
	require.NoError(t, err)
	_, err = app.store.Apply(t.Context(), b, "test", false)
	require.NoError(t, err)
	draft := writeBundle(t, strings.Replace(renderFile, "https://a.example/", "https://b.example/", 1))
	code, out, errs := runLine(t, "", "destination", "render", "-f", draft, "--id", "d", "--json", "--server", app.AdminURL(), "--token", testAdminToken)
	require.Zero(t, code, errs)
	var answer renderAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	require.Len(t, answer.Requests, 2)
	require.Equal(t, "https://b.example/?c=Cj0KEQ-7f2a", answer.Requests[0].URL)
	require.Len(t, answer.Warnings, 1)
}
