package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/pgtest"
	"skand/internal/store"
)

// TestDatabaseGoneAndBack: while the database can't be reached Apple hears 500 and
// repeats; when it is back, so is the service, without a restart.
func TestDatabaseGoneAndBack(t *testing.T) {
	t.Parallel()
	main, published := pgtest.URL(t), pgtest.URL(t)
	u, err := url.Parse(main)
	require.NoError(t, err)
	line := newCable(t, u.Host)
	u.Host = line.addr()
	p := serveProgram(t, "--lab", "--db", u.String(), "--published", published)
	bodies := signedBodies(t, 3)
	trustLab(t, p)

	state, err := post(p, bodies[0])
	require.NoError(t, err)
	require.Equal(t, "accepted", state)

	line.cut()
	_, err = post(p, bodies[1])
	require.ErrorContains(t, err, "500")
	resp, err := postClient.Get(p.Public + "/readyz")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	resp, err = postClient.Get(p.Public + "/healthz")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	line.mend()
	for i, want := range []string{"duplicate", "accepted", "accepted"} {
		state, err := post(p, bodies[i])
		require.NoError(t, err)
		require.Equal(t, want, state)
	}
	require.EqualValues(t, 3, statusOf(t, p).Counted["install"])
}

func statusOf(t *testing.T, p *program) store.Counts {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Admin+"/v1/status", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+testAdminToken)
	// The decode job has its own pace; what has not been decoded yet is counted too.
	resp, err := postClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	var c store.Counts
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&c))
	return c
}

// cable is a TCP line to a server that can be cut and mended.
type cable struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	broken   bool
	open     map[net.Conn]struct{}
}

func newCable(t *testing.T, target string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cable{listener: l, target: target, open: map[net.Conn]struct{}{}}
	go c.run()
	t.Cleanup(func() {
		_ = l.Close() // ends run
		c.cut()
	})
	return c
}

func (c *cable) addr() string { return c.listener.Addr().String() }

func (c *cable) run() {
	for {
		in, err := c.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.DialTimeout("tcp", c.target, 5*time.Second)
		if err != nil || !c.keep(in, out) {
			_ = in.Close() // the line is cut
			continue
		}
		go c.pump(in, out)
		go c.pump(out, in)
	}
}

// keep notes both ends, or closes them and reports false while the line is cut.
func (c *cable) keep(ends ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range ends {
		if c.broken {
			_ = e.Close() // as a cut line does
			continue
		}
		c.open[e] = struct{}{}
	}
	return !c.broken
}

func (c *cable) pump(from, to net.Conn) {
	_, _ = io.Copy(to, from) // ends when either end is closed
	_ = to.Close()
	_ = from.Close()
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
	for e := range c.open {
		_ = e.Close() // that is the cut
		delete(c.open, e)
	}
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = false
}
