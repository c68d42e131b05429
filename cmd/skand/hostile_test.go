package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
)

// serveConfigured starts a lab on SQLite with this skand.yaml and trusts the lab's keys.
func serveConfigured(t *testing.T, yaml string) *program {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "skand.yaml")
	require.NoError(t, os.WriteFile(path, []byte(yaml), 0o600))
	p := serveProgram(t, "--lab", "--config", path, "--db", "sqlite:"+filepath.Join(dir, "data"))
	trustLab(t, p)
	return p
}

// dialPublic opens a connection to the public listener. Its deadline is the test's
// patience, far beyond the server's.
func dialPublic(t *testing.T, p *program) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.Public, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the server may have done so
	require.NoError(t, conn.SetDeadline(realNow().Add(30*time.Second)))
	return conn
}

// TestSlowSendersAreCutOff: whoever takes his time holds a connection only as long
// as the time-outs say, and costs nobody else anything.
func TestSlowSendersAreCutOff(t *testing.T) {
	t.Parallel()
	p := serveConfigured(t, "timeouts: {read_header: 300ms, read: 600ms, idle: 300ms}\n")
	const request = "POST /postbacks/skadnetwork HTTP/1.1\r\nHost: a.example\r\n"
	for name, send := range map[string]string{
		"says nothing":        "",
		"half a request line": "POST /postbacks/skadn",
		"half a header":       request + "Content-Ty",
		"half a body":         request + "Content-Length: 1000\r\n\r\n{\"version\":",
		"half a chunk":        request + "Transfer-Encoding: chunked\r\n\r\n400\r\n{",
		"idle":                "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n",
	} {
		conn := dialPublic(t, p)
		_, err := io.WriteString(conn, send)
		require.NoError(t, err, name)
		answer, err := io.ReadAll(conn) // until the server hangs up
		require.NoError(t, err, name)
		require.NotContains(t, string(answer), "accepted", name)
		if strings.HasPrefix(name, "half a body") {
			require.Contains(t, string(answer), "500 Internal", "a genuine phone on a bad line is to repeat")
		}
	}
	drip(t, p, request+"Content-Length: 100000\r\n\r\n", "x")
	drip(t, p, request, "X-More: and more\r\n")

	state, err := post(p, signedBodies(t, 1)[0])
	require.NoError(t, err)
	require.Equal(t, "accepted", state)
	require.EqualValues(t, 1, statusOf(t, p).Received)
}

// drip sends a little at a time, which no time-out between two bytes would catch.
func drip(t *testing.T, p *program, first, then string) {
	t.Helper()
	conn := dialPublic(t, p)
	_, err := io.WriteString(conn, first)
	require.NoError(t, err)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, conn)
		ended <- err
	}()
	for {
		select {
		case <-tick.C:
			_, _ = io.WriteString(conn, then) // the server's hanging up is what ends this
		case err := <-ended:
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
			return
		}
	}
}

// TestHostileBodies: each is turned away by name, nothing of it is kept, and the
// next postback is answered.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	p := serveConfigured(t, "")
	genuine := signedBodies(t, 1)[0]
	twice := strings.Replace(string(genuine), "{", `{"app-id":1,`, 1)
	for name, c := range map[string]struct {
		body string
		code int
		want string
	}{
		"huge":             {strings.Repeat(" ", 1<<20), http.StatusRequestEntityTooLarge, "too_large"},
		"one byte over":    {strings.Repeat(" ", 64<<10+1), http.StatusRequestEntityTooLarge, "too_large"},
		"deep arrays":      {`{"a":` + strings.Repeat("[", 60_000), http.StatusBadRequest, "too_deep"},
		"deep objects":     {strings.Repeat(`{"a":`, 12_000), http.StatusBadRequest, "too_deep"},
		"duplicate member": {twice, http.StatusBadRequest, "duplicate_member"},
		"escaped twin":     {strings.Replace(twice, `"app-id":1`, `"\u0061pp-id":1`, 1), http.StatusBadRequest, "duplicate_member"},
		"invalid UTF-8":    {"{\"a\":\"\xff\xfe\"}", http.StatusBadRequest, "invalid_utf8"},
		"half a surrogate": {`{"a":"\ud800"}`, http.StatusBadRequest, "invalid_utf8"},
		"a bomb of keys":   {"{" + strings.Repeat(`"a":1,`, 10_000) + `"a":1}`, http.StatusBadRequest, "duplicate_member"},
		"nothing":          {"", http.StatusBadRequest, "error"},
		"not JSON":         {"\x00\x01", http.StatusBadRequest, "error"},
	} {
		for _, chunked := range []bool{false, true} {
			var body io.Reader = strings.NewReader(c.body)
			if chunked {
				body = io.MultiReader(body) // hides the length
			}
			resp, err := postClient.Post(p.Public+"/postbacks/skadnetwork", "application/json", body)
			require.NoError(t, err, name)
			answer, err := io.ReadAll(resp.Body)
			require.NoError(t, err, name)
			require.NoError(t, resp.Body.Close())
			require.Equalf(t, c.code, resp.StatusCode, "%s: %s", name, answer)
			require.Contains(t, string(answer), c.want, name)
		}
	}
	state, err := post(p, genuine)
	require.NoError(t, err)
	require.Equal(t, "accepted", state)
	require.EqualValues(t, 1, statusOf(t, p).Received)
}

// TestHeaderFloods: headers are bounded in all, not one by one.
func TestHeaderFloods(t *testing.T) {
	t.Parallel()
	p := serveConfigured(t, "")
	for name, headers := range map[string]string{
		"one long": "X-Long: " + strings.Repeat("x", 64<<10) + "\r\n",
		"many":     strings.Repeat("X-Many: x\r\n", 8<<10),
	} {
		conn := dialPublic(t, p)
		go func() { // the server may hang up before it has all
			_, _ = io.WriteString(conn, "POST /postbacks/skadnetwork HTTP/1.1\r\nHost: a\r\n"+headers+"Content-Length: 0\r\n\r\n")
		}()
		first := make([]byte, len("HTTP/1.1 431"))
		_, err := io.ReadFull(conn, first)
		require.NoError(t, err, name)
		require.Equal(t, "HTTP/1.1 431", string(first), name)
	}
	_, err := post(p, signedBodies(t, 1)[0])
	require.NoError(t, err)
}

// TestIdleConnections: thousands of kept connections that say nothing more do not
// keep a genuine postback from its answer.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	n := idleConnections(t)
	p := serveConfigured(t, "")
	conns := make(chan net.Conn, n)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range n / 8 {
				conn, err := net.Dial("tcp", strings.TrimPrefix(p.Public, "http://"))
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				conns <- conn
				// Asked for something once, a connection is kept idle and not cut off as a slow header is.
				_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
				if err == nil {
					_, err = io.ReadFull(conn, make([]byte, len("HTTP/1.1 200")))
				}
				if err != nil {
					t.Errorf("first request: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(conns)
	before := realNow()
	for _, body := range signedBodies(t, 20) {
		state, err := post(p, body)
		require.NoError(t, err)
		require.Equal(t, "accepted", state)
	}
	t.Logf("%d idle connections; 20 genuine postbacks beside them answered in %s; %s",
		len(conns), realNow().Sub(before), residentMemory(p))
	for conn := range conns {
		require.NoError(t, conn.Close())
	}
}

// idleConnections is 10,000, or what this machine allows.
func idleConnections(t *testing.T) int {
	t.Helper()
	n := 10_000
	if raced {
		n = 6_000
		t.Logf("%d connections under the race detector, which allows 8,128 goroutines", n)
	}
	// Go has raised the soft limit to the hard one already. The other tests of this
	// process need files, too.
	if limit := openFiles(t); limit < uint64(n)+2_000 {
		if limit < 3_000 {
			t.Skipf("this process may open %d files only", limit)
		}
		n = int(limit) - 2_000
		t.Logf("%d connections, for this process may open %d files", n, limit)
	}
	return n
}

// residentMemory is the server's, where the system tells it.
func residentMemory(p *program) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return "memory not known"
	}
	for line := range bytes.Lines(raw) {
		if bytes.HasPrefix(line, []byte("VmRSS:")) {
			return strings.Join(strings.Fields(string(line)), " ")
		}
	}
	return "memory not known"
}

// TestForgedFlood: eight senders forge 1.0 and 2.0 as fast as they are answered, from
// the very network that genuine phones post from, and from many others. Every
// genuine 4.0 is taken at its first try, and so is a genuine 2.0 from elsewhere.
func TestForgedFlood(t *testing.T) {
	t.Parallel()
	p := serveConfigured(t, "trusted_proxies: [127.0.0.1]\n")
	forger, err := apple.FromSeed(100) // keys that nobody trusts
	require.NoError(t, err)
	genuine, err := apple.FromSeed(99)
	require.NoError(t, err)
	var forged [][]byte
	for i := range 8 {
		forged = append(forged, oldBody(t, forger, i))
	}
	const carrier = "203.0.113.7"
	answers := map[int]int{}
	var mu sync.Mutex
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	refused := make(chan struct{}) // closed when the first is
	var flood sync.WaitGroup
	for sender := range 8 {
		flood.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				from := carrier
				if sender >= 6 {
					from = fmt.Sprintf("198.51.%d.9", n%200)
				}
				code, _, err := postFrom(ctx, p, from, forged[n%len(forged)])
				if err != nil {
					continue // the end of the test
				}
				mu.Lock()
				if answers[code]++; code == http.StatusInternalServerError && answers[code] == 1 {
					close(refused)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-refused:
	case <-time.After(2 * time.Minute):
		t.Fatal("the carrier's forger was never refused")
	}
	for _, body := range signedBodies(t, 60) {
		code, answer, err := postFrom(t.Context(), p, carrier, body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, code, answer)
		require.Contains(t, answer, "accepted")
	}
	code, answer, err := postFrom(t.Context(), p, "192.0.2.7", oldBody(t, genuine, 1))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code, answer)
	require.Contains(t, answer, "accepted")
	stop()
	flood.Wait()
	require.Positive(t, answers[http.StatusOK])
	require.Len(t, answers, 2)
	t.Logf("60 genuine 4.0 answered 200 at the first try beside forged ones: %d checked and quarantined, %d refused with 500; %s",
		answers[http.StatusOK], answers[http.StatusInternalServerError], residentMemory(p))
}

func oldBody(t *testing.T, a *apple.Apple, i int) []byte {
	t.Helper()
	version := apple.V10
	if i%2 == 1 {
		version = apple.V20
	}
	body, err := a.Body(apple.Postback{
		Version: version, Network: "example123.skadnetwork", AppID: demoApp, Campaign: 1 + i%100,
		ID: fmt.Sprintf("6aafb7a5-0170-41b5-bbe4-%012d", 1_000_000+i), Conversion: "download",
	})
	require.NoError(t, err)
	return body
}

// postFrom posts as a load balancer does for a client.
func postFrom(ctx context.Context, p *program, from string, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Public+"/postbacks/skadnetwork", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("X-Forwarded-For", from)
	resp, err := postClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	answer, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	return resp.StatusCode, string(answer), err
}
