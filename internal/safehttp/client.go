// Package safehttp owns the only outgoing HTTP transport. Destinations are
// written by people who may not be trusted with the inside of the network that
// skand runs in, so every dial is judged on the concrete address, after name
// resolution: a name that turns private between check and use gains nothing.
//
// It refuses redirects, proxies of the environment, and every address that is not
// plainly public, unless the operator has allow-listed it (package address, by
// which destinations are judged when they are saved, too).
package safehttp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"skand/internal/safehttp/address"
)

// BlockedError says that an address was not dialed.
type BlockedError = address.BlockedError

// Check refuses addresses that are not public, unless allow lists them.
func Check(addr netip.Addr, allow []netip.Prefix) error { return address.Check(addr, allow) }

// CheckHost refuses hosts that are written as such an address, in any spelling, or
// that can't be public. It resolves nothing.
func CheckHost(host string, allow []netip.Prefix) error { return address.CheckHost(host, allow) }

// maxAnswer is all that is read of any answer, after which it ends.
const maxAnswer = 64 << 10

// Options of a client.
type Options struct {
	AllowPrivate []netip.Prefix // forward.allow_private_cidrs
	Timeout      time.Duration  // of a whole exchange; 0 leaves it to the request's context
	Resolver     *net.Resolver  // nil: the system's
}

// NewClient returns a client that dials guarded addresses only. Plain http is
// held to the allow-list alone: what crosses a public network is encrypted.
// Redirects are handed back as they are; the answer's body ends after 64 KiB. The
// client may be used concurrently and is meant to be shared.
func NewClient(o Options) *http.Client {
	return &http.Client{
		Transport: &transport{tls: newTransport(o, public(o.AllowPrivate)), plain: newTransport(o, own(o.AllowPrivate)), allow: o.AllowPrivate},
		Timeout:   o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// public is the rule for https, own that for plain http.
func public(allow []netip.Prefix) func(netip.Addr) error {
	return func(a netip.Addr) error { return Check(a, allow) }
}

func own(allow []netip.Prefix) func(netip.Addr) error {
	return func(a netip.Addr) error {
		if !address.Allowed(a, allow) {
			return &BlockedError{Addr: a, Reason: "plain http; use https"}
		}
		return nil
	}
}

func newTransport(o Options, check func(netip.Addr) error) *http.Transport {
	dialer := &net.Dialer{
		Resolver:  o.Resolver,
		Timeout:   10 * time.Second,
		KeepAlive: 30 * time.Second,
		// Control sees the address that the socket is about to connect to.
		Control: func(_, target string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(target)
			if err != nil {
				return fmt.Errorf("dial %q: %w", target, err)
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
type transport struct {
	tls, plain *http.Transport
	allow      []netip.Prefix
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	// The host as it is written, before a resolver makes of it what it likes.
	if err := address.CheckHost(req.URL.Hostname(), t.allow); err != nil {
		return nil, errors.Join(err, closeBody(req))
	}
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

// closeBody does what http.RoundTripper asks for also where nothing is sent.
func closeBody(req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	return req.Body.Close()
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
