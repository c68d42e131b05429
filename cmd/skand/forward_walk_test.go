package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/store"
)

// walkNetwork is the network of the walk: it takes what is signed with its secret, and
// keeps the ids that it has seen, as docs/signing.md tells receivers to.
type walkNetwork struct {
	*httptest.Server
	mu      sync.Mutex
	webhook *standardwebhooks.Webhook
	taken   map[string]map[string]any // documents by webhook-id
	refused int
}

func newWalkNetwork(t *testing.T, secret string) *walkNetwork {
	t.Helper()
	n := &walkNetwork{taken: map[string]map[string]any{}}
	n.expect(t, secret)
	n.Server = httptest.NewServer(http.HandlerFunc(n.receive))
	t.Cleanup(n.Close)
	return n
}

func (n *walkNetwork) expect(t *testing.T, secret string) {
	t.Helper()
	webhook, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.webhook = webhook
}

func (n *walkNetwork) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	n.mu.Lock()
	defer n.mu.Unlock()
	var document map[string]any
	switch {
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	case n.webhook.Verify(body, r.Header) != nil:
		n.refused++
		w.WriteHeader(http.StatusUnauthorized)
	case json.Unmarshal(body, &document) != nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
	default:
		n.taken[r.Header.Get("webhook-id")] = document
	}
}

func (n *walkNetwork) seen() (taken map[string]map[string]any, refused int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := map[string]map[string]any{}
	for id, document := range n.taken {
		out[id] = document
	}
	return out, n.refused
}

// walker is somebody at a terminal, with one variable set.
type walker struct {
	t   *testing.T
	env []string
}

// types runs one command line and returns what appears; code is what it is to end with.
func (w *walker) types(code int, args ...string) (out, errs string) {
	w.t.Helper()
	cmd := skandCommand(args...)
	cmd.Env = append(cmd.Env, w.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(w.t, err)
	}
	require.Equal(w.t, code, cmd.ProcessState.ExitCode(), "skand %s\n%s%s", strings.Join(args, " "), &stdout, &stderr)
	return stdout.String(), stderr.String()
}

// TestForwardWalk is the way of a new user through forwarding, with the files of
// docs/examples/forwarding and every command as the pages have it: look, apply, test,
// report, read the log, live through a network that stops taking the secret, compare.
func TestForwardWalk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := &walker{t: t}
	secret, _ := w.types(0, "secret", "new")
	w.env = []string{"EXAMPLE_SECRET=" + strings.TrimSpace(secret)}
	network := newWalkNetwork(t, strings.TrimSpace(secret))

	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "docs", "examples", "forwarding"))))
	file := filepath.Join(dir, "destinations.yaml")
	text, err := os.ReadFile(file) //nolint:gosec // of this test
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(text), "https://ads.example"))

	out, errs := w.types(0, "destination", "render", "-f", dir, "--id", "example-events", "--sample")
	require.Empty(t, errs, "an example warns of nothing")
	require.Contains(t, out, "# sample of event, denied\nPOST https://ads.example/conversions?id=")
	require.Contains(t, out, `"event":"Purchase"`)
	require.Contains(t, out, "Webhook-Signature: v1,[secret]")
	out, _ = w.types(0, "destination", "render", "-f", dir, "--id", "example-modeled", "--sample")
	require.Contains(t, out, `{"type":"conversion.modeled","id":"`)

	// The receiver is on this machine, which has to be said.
	local := strings.ReplaceAll(string(text), "https://ads.example", network.URL)
	require.NoError(t, os.WriteFile(file, []byte(local), 0o600))
	db := []string{"--db", "sqlite:" + filepath.Join(dir, "data")}
	on := func(args ...string) []string { return append(args, db...) }
	p := serveProgram(t, db...)
	_, errs = w.types(2, on("apply", "-f", dir)...)
	require.Contains(t, errs, "forward.allow_private_cidrs")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "forward.yaml"), []byte("forward: {allow_private_cidrs: [127.0.0.0/8]}\n"), 0o600))
	out, _ = w.types(3, on("apply", "-f", dir, "--dry-run")...)
	require.Contains(t, out, "create  signing secret of destination example-events EXAMPLE_SECRET, fingerprint ")
	applied, _ := w.types(0, on("apply", "-f", dir)...)
	require.Equal(t, out, applied)

	operator, _ := w.types(0, on("token", "create", "--role", "operator", "--name", "me")...)
	w.env = append(w.env, "SKAND_TOKEN="+strings.TrimSpace(operator))
	server := []string{"--server", p.Admin}
	at := func(args ...string) []string { return append(args, server...) }
	// At once, though another process has applied what the server is to dial.
	for _, id := range []string{"example-events", "example-modeled"} {
		out, _ = w.types(0, at("destination", "test", id)...)
		require.Contains(t, out, " answered 200 in ")
	}
	taken, _ := network.seen()
	require.Len(t, taken, 2)

	backend, _ := w.types(0, on("token", "create", "--scope", "s2s", "--name", "game-backend")...)
	s2s := &target{server: p.Public, token: strings.TrimSpace(backend)}
	now := clock.Real{}.Now().UTC()
	report := func(path string, body map[string]any) {
		t.Helper()
		body["time"] = now.Format(time.RFC3339)
		var answer struct{ Status string }
		require.NoError(t, s2s.post(t.Context(), path, body, &answer))
		require.Equal(t, "accepted", answer.Status)
	}
	purchase := func(id string) {
		t.Helper()
		report("/v1/events", map[string]any{
			"id": id, "app_id": 525463029, "install_id": "i1", "name": "purchase", "revenue": "9.99", "currency": "USD",
		})
	}
	report("/v1/clicks", map[string]any{"id": "c1", "network_id": "example123.skadnetwork", "app_id": 525463029})
	report("/v1/installs", map[string]any{"id": "i1", "app_id": 525463029, "click_id": "c1", "att_status": "authorized"})
	purchase("p0")
	report("/v1/events", map[string]any{"id": "l1", "app_id": 525463029, "install_id": "i1", "name": "level_10"})

	// The log, as a partner manager reads it.
	admin := &target{server: p.Admin, token: strings.TrimSpace(operator)}
	deliveries := func(query string) []store.Delivery {
		t.Helper()
		raw, err := admin.get(t.Context(), "/v1/deliveries?destination=example-events"+query)
		require.NoError(t, err)
		var page struct{ Data []store.Delivery }
		require.NoError(t, json.Unmarshal(raw, &page))
		return page.Data
	}
	eventually := func(n int, query string) {
		t.Helper()
		require.Eventually(t, func() bool { return len(deliveries(query)) == n }, 30*time.Second, 30*time.Millisecond, query)
	}
	eventually(2, "&state=delivered")
	require.Len(t, deliveries(""), 2, "level_10 is in no event_map")
	one := deliveries("&event=Purchase")[0]
	taken, _ = network.seen()
	require.Equal(t, map[string]any{
		"click": "c1", "event": "Purchase", "at": now.Format(time.RFC3339), "value": "9.99", "currency": "USD", "test": "false",
	}, taken[one.ID])
	raw, err := admin.get(t.Context(), "/v1/deliveries?destination=example-events&format=csv")
	require.NoError(t, err)
	lines, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 3)
	require.Equal(t, []string{"id", "destination"}, lines[0][:2])
	require.Contains(t, string(raw), one.ID+",example-events,525463029,event,Purchase,")

	// The network takes another secret, without a word.
	other, _ := w.types(0, "secret", "new")
	network.expect(t, strings.TrimSpace(other))
	for _, id := range []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10"} {
		purchase(id)
	}
	eventually(10, "&state=held")
	out, _ = w.types(0, at("destination", "list")...)
	require.Regexp(t, `example-events .* paused +.*401`, out)
	out, _ = w.types(0, on("destination", "show", "example-events")...)
	require.Contains(t, out, "# waits    0 pending, 10 held, 0 gone, the oldest due for ")
	out, _ = w.types(1, on("doctor")...)
	require.Regexp(t, `fail  forward +destination example-events: paused, everything waits: .*; repair secret or URL; .*skand destination resume example-events`, out)

	// A new secret is made here, and tried at once: the network does not have it yet.
	_, before := network.seen()
	secret, said := w.types(0, at("secret", "rotate", "example-events", "--overlap", "0")...)
	require.Contains(t, said, "set: signing ")
	require.Eventually(t, func() bool {
		_, refused := network.seen()
		return refused >= before+10 && len(deliveries("&state=held")) == 10
	}, 30*time.Second, 30*time.Millisecond)
	network.expect(t, strings.TrimSpace(secret))
	out, _ = w.types(0, at("destination", "resume", "example-events")...)
	require.Equal(t, "example-events: active, deliveries due again: 10\n", out)
	eventually(12, "&state=delivered")
	taken, _ = network.seen()
	require.Len(t, taken, 2+12, "nothing is lost, and nothing came under two ids")
	out, _ = w.types(0, on("doctor")...)
	require.Regexp(t, `ok    forward +destination example-events: active`, out)
	out, _ = w.types(0, at("replay", "deliveries", "--destination", "example-events", "--state", "held", "--dry-run")...)
	require.Contains(t, out, `"replayed":0,`)

	// What the network counted in its own books: it lost a purchase.
	day, next := now.Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly)
	upload := filepath.Join(dir, "november.csv")
	require.NoError(t, os.WriteFile(upload, []byte("Date,Event Name,Conversions,Revenue,Currency\n"+day+",install,1,,\n"+day+",Purchase,10,99.90,USD\n"), 0o600))
	reconcile := []string{"reconcile", "upload", upload, "--network", "example123.skadnetwork", "--app", "525463029", "--zone", "UTC"}
	out, _ = w.types(0, at(append(reconcile, "--dry-run")...)...)
	require.Equal(t, "create  "+day+" revision 1: 2 rows, 11 counted\n", out)
	out, _ = w.types(0, at(reconcile...)...)
	require.Equal(t, "create  "+day+" revision 1: 2 rows, 11 counted\n", out)
	show := []string{"reconcile", "show", "--app", "525463029", "--network", "example123.skadnetwork", "--from", day, "--to", next, "--group", "event"}
	out, _ = w.types(0, at(show...)...)
	require.Regexp(t, `(?m)^Purchase +11 +11 +11 +10 +1 `, out)
	require.Regexp(t, `(?m)^install +1 +1 +1 +1 +0 `, out)
	onStore, _ := w.types(0, on(show...)...)
	require.Equal(t, out, onStore, "on the store as by the server")
	require.Empty(t, inClear([]byte(p.log.String()), strings.TrimSpace(secret)[6:], strings.TrimSpace(other)[6:]))
}
