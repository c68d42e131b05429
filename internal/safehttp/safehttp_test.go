package safehttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for addr, reason := range map[string]string{
		"8.8.8.8": "", "1.1.1.1": "", "2606:4700::1111": "", "2a00:1450::1": "", "100.63.255.255": "", "100.128.0.0": "",
		"172.15.255.255": "", "172.32.0.0": "", "192.0.1.0": "", "198.17.255.255": "", "198.20.0.0": "", "223.255.255.255": "",
		"0.0.0.0": "this network", "0.1.2.3": "this network",
		"10.0.0.1": "private", "10.255.255.255": "private", "172.16.0.0": "private", "172.31.255.255": "private", "192.168.1.1": "private",
		"100.64.0.0": "carrier-grade NAT", "100.127.255.255": "carrier-grade NAT", "100.100.100.200": "metadata",
		"127.0.0.1": "loopback", "127.255.255.254": "loopback", "::1": "loopback",
		"169.254.1.1": "link-local", "169.254.169.254": "metadata", "168.63.129.16": "metadata", "fd00:ec2::254": "metadata",
		"192.0.0.8": "protocol assignments", "192.0.2.1": "documentation", "198.51.100.7": "documentation", "203.0.113.9": "documentation",
		"192.88.99.1": "6to4 relay", "198.18.0.1": "benchmarking", "198.19.255.255": "benchmarking",
		"224.0.0.1": "multicast", "239.255.255.255": "multicast", "240.0.0.1": "reserved", "255.255.255.255": "reserved",
		"::": "unspecified", "::127.0.0.1": "IPv4-compatible", "::ffff:8.8.8.8": "IPv4-mapped", "::ffff:127.0.0.1": "IPv4-mapped",
		"::ffff:0:8.8.8.8": "not global unicast", // IPv4-translated
		"64:ff9b::7f00:1":  "NAT64", "64:ff9b::808:808": "NAT64", "64:ff9b:1::1": "NAT64", "100::1": "discard",
		"2001::1": "Teredo", "2001:0:7f00:1::": "Teredo", "2001:10::1": "protocol assignments", "2001:db8::1": "documentation",
		"2002:7f00:1::": "6to4", "2002:808:808::1": "6to4", "3fff::1": "documentation", "5f00::1": "segment routing",
		"fc00::1": "private", "fd12:3456::1": "private", "fe80::1": "link-local", "fe80::1%eth0": "scoped", "fec0::1": "site-local",
		"ff02::1": "multicast", "2606:4700::1%eth0": "scoped", "4000::1": "not global unicast", "1::1": "not global unicast",
	} {
		err := Check(netip.MustParseAddr(addr), nil)
		if reason == "" {
			require.NoError(t, err, addr)
			continue
		}
		var blocked *BlockedError
		require.ErrorAs(t, err, &blocked, addr)
		require.Equal(t, reason, blocked.Reason, addr)
		require.True(t, blocked.Blocked())
		require.Contains(t, err.Error(), "allow_private_cidrs")
	}
	require.Error(t, Check(netip.Addr{}, nil))
}

func TestCheckAllowList(t *testing.T) {
	t.Parallel()
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}
	for _, addr := range []string{"10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "8.8.8.8"} {
		require.NoError(t, Check(netip.MustParseAddr(addr), allow), addr)
	}
	for _, addr := range []string{"10.2.0.1", "::ffff:10.2.0.1", "fc00::1", "127.0.0.1", "2002:a01:203::", "64:ff9b::a01:203"} {
		require.Error(t, Check(netip.MustParseAddr(addr), allow), addr)
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// TestClientRefusesLiteralForms dials what people write to get inside. Whatever a
// resolver makes of the form, nothing may reach the server.
func TestClientRefusesLiteralForms(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	client := NewClient(Options{Timeout: 5 * time.Second})
	sure := map[string]bool{"127.0.0.1": true, "localhost": true, "[::ffff:127.0.0.1]": true, "[::1]": true, "0.0.0.0": true, "[::]": true}
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "0.0.0.0", "[::]",
		"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1",
	} {
		for _, scheme := range []string{"http://", "https://"} {
			_, err := get(t, client, scheme+host+":"+port+"/")
			require.Error(t, err, host)
			var blocked *BlockedError
			require.Equal(t, sure[host], sure[host] && errors.As(err, &blocked), "%s: %v", host, err)
		}
	}
}

func TestClientReachesWhatIsAllowed(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 2*maxAnswer)) // the client hangs up in the middle
	}))
	t.Cleanup(srv.Close)
	client := NewClient(Options{AllowPrivate: loopback, Timeout: 5 * time.Second})
	t.Cleanup(client.CloseIdleConnections)
	body, err := get(t, client, srv.URL)
	require.NoError(t, err)
	require.Len(t, body, maxAnswer, "the answer is bounded")

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/from", nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusFound, resp.StatusCode, "a redirect is handed back")
}

// TestPlainHTTPOnlyInside: an address that is public is still refused over http.
func TestPlainHTTPOnlyInside(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	client := NewClient(Options{AllowPrivate: loopback})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://8.8.8.8/", nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err == nil {
		_ = resp.Body.Close() // the test has failed already
	}
	var blocked *BlockedError
	require.ErrorAs(t, err, &blocked)
	require.Contains(t, blocked.Reason, "https")
}

func TestNoProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	inner, ok := NewClient(Options{}).Transport.(*transport)
	require.True(t, ok)
	for _, tr := range []*http.Transport{inner.tls, inner.plain} {
		require.Nil(t, tr.Proxy)
	}
}

func get(t *testing.T, client *http.Client, target string) ([]byte, error) {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return body, resp.Body.Close()
}
