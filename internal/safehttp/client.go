package safehttp

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// maxAnswer is all that is read of any answer, after which it ends.
const maxAnswer = 64 << 10

// Options of a client.
type Options struct {
	AllowPrivate []netip.Prefix // forward.allow_private_cidrs
	Timeout      time.Duration  // of a whole exchange; 0 leaves it to the request's context
}

// NewClient returns a client that dials guarded addresses only. Plain http is
// held to the allow-list alone: what crosses a public network is encrypted.
// Redirects are handed back as they are; the answer's body ends after 64 KiB. The
// client may be used concurrently and is meant to be shared.
func NewClient(o Options) *http.Client {
	public := func(a netip.Addr) error { return Check(a, o.AllowPrivate) }
	own := func(a netip.Addr) error {
		if !allowed(a, o.AllowPrivate) {
			return &BlockedError{Addr: a, Reason: "plain http; use https"}
		}
		return nil
	}
	return &http.Client{
		Transport: &transport{tls: newTransport(public), plain: newTransport(own)},
		Timeout:   o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

func newTransport(check func(netip.Addr) error) *http.Transport {
	dialer := &net.Dialer{
		Timeout:   10 * time.Second,
		KeepAlive: 30 * time.Second,
		// Control sees the address that the socket is about to connect to.
		Control: func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("dial %q: %w", address, err)
			}
			return check(ap.Addr())
		},
	}
	return &http.Transport{
		Proxy:                  nil, // a proxy would dial for us, unguarded
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true, // a small answer must not unpack into a large one
	}
}

// transport keeps connections of http and https apart, each under its own rule.
type transport struct{ tls, plain *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	inner := t.tls
	if req.URL.Scheme != "https" {
		inner = t.plain
	}
	resp, err := inner.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{Reader: io.LimitReader(resp.Body, maxAnswer), Closer: resp.Body}
	return resp, nil
}

// CloseIdleConnections is what http.Client calls by that name.
func (t *transport) CloseIdleConnections() {
	t.tls.CloseIdleConnections()
	t.plain.CloseIdleConnections()
}

type bounded struct {
	io.Reader
	io.Closer
}
