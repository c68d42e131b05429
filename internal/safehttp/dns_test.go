package safehttp

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fickle is a name server on the loopback that gives one answer after the other, and
// the last one for ever. Names have no IPv6 addresses there.
type fickle struct {
	mu      sync.Mutex
	answers [][]netip.Addr
	asked   int
}

func newFickle(t *testing.T, answers ...[]netip.Addr) (*fickle, *net.Resolver) {
	t.Helper()
	f := &fickle{answers: answers}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		question := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(question)
			if err != nil {
				return // the test has ended
			}
			_, _ = c.WriteTo(f.answer(question[:n]), from) // who asked asks again
		}
	}()
	t.Cleanup(func() {
		_ = c.Close() // ends the loop above
		<-ended
	})
	return f, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// answer writes a DNS message (RFC 1035, 4.1): the header and question as they came,
// and for a question of type A the next answer.
func (f *fickle) answer(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	end += 5 // the root label, type and class
	out := append([]byte(nil), question[:end]...)
	out[2], out[3] = 0x81, 0x80 // a response; recursion is available
	clear(out[6:12])            // no records of other kinds
	if binary.BigEndian.Uint16(question[end-4:]) != 1 {
		return out
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.answers[min(f.asked, len(f.answers)-1)]
	f.asked++
	binary.BigEndian.PutUint16(out[6:], uint16(len(now)))
	for _, a := range now {
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name above, A, IN, no time to live
		out = append(out, a.AsSlice()...)
	}
	return out
}

// The inside and the outside of these tests: both are on this machine, and the
// allow-list holds the one that stands for a public address.
var (
	outside = netip.MustParseAddr("127.0.0.2")
	within  = netip.MustParseAddr("127.0.0.1")
)

// houses are a server outside and one inside, on the same port.
func houses(t *testing.T, tls bool) (port string, outsides, insides *atomic.Int64) {
	t.Helper()
	outsides, insides = &atomic.Int64{}, &atomic.Int64{}
	start := func(addr netip.Addr, port string, hits *atomic.Int64) (string, bool) {
		l, err := net.Listen("tcp", net.JoinHostPort(addr.String(), port))
		if err != nil {
			return "", false
		}
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
		require.NoError(t, srv.Listener.Close())
		srv.Listener = l
		if tls {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		t.Cleanup(srv.Close)
		_, port, err = net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		return port, true
	}
	for range 20 { // the port may be taken at the other address
		first, ok := start(outside, "0", outsides)
		if !ok {
			t.Skip("this system has no address 127.0.0.2 to stand for a public one")
		}
		if _, ok := start(within, first, insides); ok {
			return first, outsides, insides
		}
	}
	t.Fatal("no port is free at both addresses")
	return "", nil, nil
}

// guarded is a client that keeps no connection, so that each request asks for the
// name and dials.
func guarded(t *testing.T, r *net.Resolver) *http.Client {
	t.Helper()
	c := NewClient(Options{AllowPrivate: []netip.Prefix{netip.PrefixFrom(outside, 32)}, Timeout: 10 * time.Second, Resolver: r})
	inner, ok := c.Transport.(*transport)
	require.True(t, ok)
	for _, tr := range []*http.Transport{inner.tls, inner.plain} {
		tr.DisableKeepAlives = true
	}
	srv := httptest.NewTLSServer(nil) // has the certificate of all httptest servers
	t.Cleanup(srv.Close)
	trusting, ok := srv.Client().Transport.(*http.Transport)
	require.True(t, ok)
	inner.tls.TLSClientConfig = trusting.TLSClientConfig.Clone()
	return c
}

// TestAnswerThatChanges: a name is public when it is looked at, and private when it
// is dialed. The dial is refused: what was seen before counts for nothing.
func TestAnswerThatChanges(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			port, outsides, insides := houses(t, scheme == "https")
			f, r := newFickle(t, []netip.Addr{outside}, []netip.Addr{outside}, []netip.Addr{within})
			client := guarded(t, r)
			target := scheme + "://example.com:" + port + "/"

			// What a check of the name beforehand would see, and the name as it is written.
			require.NoError(t, CheckHost("example.com", nil))
			seen, err := r.LookupNetIP(t.Context(), "ip4", "example.com.")
			require.NoError(t, err)
			require.Equal(t, []netip.Addr{outside}, seen)

			_, err = get(t, client, target)
			require.NoError(t, err)
			require.EqualValues(t, 1, outsides.Load())

			_, err = get(t, client, target)
			var blocked *BlockedError
			require.ErrorAs(t, err, &blocked)
			require.Equal(t, within, blocked.Addr)
			require.Equal(t, []int64{1, 0}, []int64{outsides.Load(), insides.Load()})
			f.mu.Lock()
			defer f.mu.Unlock()
			require.Equal(t, 3, f.asked)
		})
	}
}

// TestPrivateAmongPublic: of several addresses of a name the private ones are not
// dialed, in whatever order they come, and not when the public ones are down.
func TestPrivateAmongPublic(t *testing.T) {
	t.Parallel()
	dead := netip.MustParseAddr("127.0.0.3") // nobody listens there
	for name, c := range map[string]struct {
		answer  []netip.Addr
		arrives bool
	}{
		"private first": {[]netip.Addr{within, outside}, true},
		"private last":  {[]netip.Addr{outside, within}, true},
		"public down":   {[]netip.Addr{dead, within}, false},
		"only private":  {[]netip.Addr{within, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("169.254.169.254")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, outsides, insides := houses(t, false)
			_, r := newFickle(t, c.answer)
			_, err := get(t, guarded(t, r), "http://example.com:"+port+"/")
			require.Equal(t, c.arrives, err == nil, "%v", err)
			require.Equal(t, map[bool]int64{true: 1}[c.arrives], outsides.Load())
			require.Zero(t, insides.Load(), "the private address was dialed")
		})
	}
}

// TestRedirectInsideIsNotFollowed: an answer that points at a private address is
// handed back, and nothing goes there.
func TestRedirectInsideIsNotFollowed(t *testing.T) {
	t.Parallel()
	reached := &atomic.Int64{}
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(inside.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.RedirectHandler(inside.URL, status))
		t.Cleanup(srv.Close)
		client := NewClient(Options{AllowPrivate: loopback, Timeout: 5 * time.Second})
		t.Cleanup(client.CloseIdleConnections)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, status, resp.StatusCode)
	}
	require.Zero(t, reached.Load())
}

// TestProxyOfTheEnvironmentIsNotAsked sets one that listens, in all its names.
func TestProxyOfTheEnvironmentIsNotAsked(t *testing.T) {
	asked := &atomic.Int64{}
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	port, outsides, _ := houses(t, false)
	_, r := newFickle(t, []netip.Addr{outside})
	_, err := get(t, guarded(t, r), "http://example.com:"+port+"/")
	require.NoError(t, err)
	require.EqualValues(t, 1, outsides.Load())
	require.Zero(t, asked.Load())
}
