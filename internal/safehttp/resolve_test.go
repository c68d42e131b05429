package safehttp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCheckURL: what a look finds is what a dial would be told, of literals without
// and of names with a name server, by the rule of the scheme.
func TestCheckURL(t *testing.T) {
	t.Parallel()
	_, both := newFickle(t, []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("10.0.0.1")})
	_, good := newFickle(t, []netip.Addr{netip.MustParseAddr("8.8.8.8")})
	_, bad := newFickle(t, []netip.Addr{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("10.0.0.1")})
	none := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}
	lab := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		url      string
		resolver *net.Resolver
		allow    []netip.Prefix
		says     string
	}{
		"public":                   {"https://a.example/x?y", good, nil, ""},
		"public, plain":            {"http://a.example", good, lab, "plain http; use https"},
		"inside":                   {"https://a.example", bad, nil, "metadata"},
		"one of two":               {"https://a.example:8443/", both, nil, "some addresses of a.example: address 10.0.0.1 is refused (private)"},
		"no name":                  {"https://a.example", none, nil, "the name a.example does not resolve"},
		"literal":                  {"https://8.8.8.8/", none, nil, ""},
		"loopback":                 {"https://127.0.0.1:9/", none, nil, "loopback"},
		"loopback that is allowed": {"http://127.0.0.1:9/", none, lab, ""},
		"another spelling":         {"http://127.1/", none, lab, "write it as 127.0.0.1"},
		"inside by its name":       {"https://nas.local/", none, nil, "never public"},
		"IPv6":                     {"https://[::1]:9/", none, lab, "loopback"},
		"no URL":                   {"https://%zz/", none, nil, "cannot be read"},
	} {
		err := CheckURL(t.Context(), Options{AllowPrivate: c.allow, Resolver: c.resolver}, c.url)
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
		var partly *PartlyError
		require.Equal(t, name == "one of two", errors.As(err, &partly), name)
	}
}
