package web_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/web"
)

// The client is what bounds a flood, so nobody may choose it: only a trusted
// proxy's word is taken, and only for the hop before it.
func TestClient(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"IPv4":                       {"203.0.113.77:1000", nil, "203.0.113.0/24"},
		"IPv6":                       {"[2001:db8:1:2::3]:1000", nil, "2001:db8:1::/48"},
		"IPv4 in IPv6":               {"[::ffff:203.0.113.77]:1000", nil, "203.0.113.0/24"},
		"zone":                       {"[fe80::1%eth0]:1000", nil, "fe80::/48"},
		"spoofed, no proxy":          {"203.0.113.77:1", []string{"198.51.100.1"}, "203.0.113.0/24"},
		"behind a proxy":             {"10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.0/24"},
		"spoofed behind a proxy":     {"10.0.0.1:1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.0/24"},
		"spoofed in a second header": {"10.0.0.1:1", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.0/24"},
		"two proxies":                {"10.0.0.1:1", []string{"198.51.100.1, 10.2.2.2"}, "198.51.100.0/24"},
		"spoofed as a proxy":         {"10.0.0.1:1", []string{"10.9.9.9, 198.51.100.1"}, "198.51.100.0/24"},
		"IPv6 behind IPv6":           {"[fd00::1]:1", []string{"2001:db8:1:2::3"}, "2001:db8:1::/48"},
		"mapped behind a proxy":      {"10.0.0.1:1", []string{"::ffff:198.51.100.1"}, "198.51.100.0/24"},
		"proxy without a header":     {"10.0.0.1:1", nil, "10.0.0.0/24"},
		"proxy with nonsense":        {"10.0.0.1:1", []string{"unknown"}, "10.0.0.0/24"},
		"nonsense before a hop":      {"10.0.0.1:1", []string{"<script>, 198.51.100.1"}, "198.51.100.0/24"},
		"all trusted":                {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.0/24"},
		"no address":                 {"@", nil, ""},
		"no IP":                      {"name:80", nil, ""},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		for _, h := range c.forwarded {
			r.Header.Add("X-Forwarded-For", h)
		}
		require.Equal(t, c.want, web.Client(r, trusted), name)
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}
	require.Equal(t, "10.0.0.0/24", web.Client(r, nil), "nobody is trusted unless named")
}
