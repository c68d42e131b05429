package address

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"example.com", "EXAMPLE.com", "example.com.", "a_b.example", "xn--bcher-kva.example", "1.example", "0x7f.example",
		"127.0.0.1.nip.example", "localhost.example", "internal.example", "h", "0x7g", "8.8.8.8", "2606:4700::1111", "[2606:4700::1111]",
		strings.Repeat("a", 63) + ".example",
	} {
		require.NoError(t, CheckHost(host, nil), host)
	}
	for host, says := range map[string]string{
		// What they are.
		"127.0.0.1": "127.0.0.1 is refused (loopback)", "10.1.2.3": "private", "169.254.169.254": "metadata", "0.0.0.0": "this network",
		"[::1]": "loopback", "::1": "loopback", "[::]": "unspecified", "[fe80::1%eth0]": "scoped", "[fe80::1%25eth0]": "scoped",
		"[2606:4700::1111%eth0]": "scoped", "[::ffff:127.0.0.1]": "IPv4-mapped", "[::ffff:7f00:1]": "IPv4-mapped",
		"[::ffff:8.8.8.8]": "IPv4-mapped", "[0:0:0:0:0:ffff:127.0.0.1]": "IPv4-mapped", "[64:ff9b::7f00:1]": "NAT64", "[::127.0.0.1]": "IPv4-compatible",
		"[2002:7f00:1::]": "6to4",
		// Other spellings of them.
		"2130706433": "127.0.0.1 is refused (loopback)", "0x7f000001": "loopback", "017700000001": "loopback", "127.1": "127.0.0.1", "127.0.1": "127.0.0.1",
		"0177.0.0.1": "loopback", "0x7f.1": "loopback", "0x7f.0.0.0x1": "loopback", "0X7F.1": "loopback", "00000177.0.0.1": "loopback",
		"127.0.0.01": "loopback", "127.0.0.1.": "loopback", "0": "0.0.0.0", "0x": "0.0.0.0", "00": "0.0.0.0", "1": "0.0.0.1",
		"0xa9fea9fe": "metadata", "2852039166": "metadata", "10.1": "private", "0xc0a80001": "192.168.0.1", "192.168.257": "192.168.1.1",
		"134744072": "write it as 8.8.8.8", "8.8.2056": "write it as 8.8.8.8", "8.8.8.8.": "write it as 8.8.8.8", "010.8.8.8": "write it as 8.8.8.8",
		// Neither addresses nor names.
		"256.1.1.1": "no IPv4 address", "1.2.3.4.5": "no IPv4 address", "4294967296": "no IPv4 address", "127.0.0.256": "no IPv4 address",
		"127.0.0.08": "no IPv4 address", "0x1ffffffff": "no IPv4 address", "a.1": "no IPv4 address", "example.0x7f": "no IPv4 address",
		"99999999999999999999": "no IPv4 address", "1..2": "no IPv4 address",
		"":     "empty",
		"[::1": "without its ]", "[127.0.0.1]": "no IPv6", "[]": "no IPv6", "::ffff:127.1": "no IPv6", "1:2": "no IPv6", "[::1]]": "no IPv6",
		// Dressed up.
		"127%2e0%2e0%2e1": "%", "127.0.0.%31": "%", "%6c%6f%63alhost": "%", "１２７.０.０.１": "ASCII", "127。0。0。1": "ASCII", "①②⑦.0.0.1": "ASCII",
		"ⓛocalhost": "ASCII", "bücher.example": "ASCII", "ex\u00adample.com": "ASCII",
		// No names.
		"a..b": "empty part", ".a": "empty part", "a b": `' ' cannot`, "a/b": `'/' cannot`, "a@b": `'@' cannot`, "a\x00b": "cannot", "..": "empty part", ".": "empty part",
		strings.Repeat("a", 64) + ".example": "63", strings.Repeat("a.", 127) + "aa": "253",
		// Names of what is inside.
		"localhost": "loopback", "LOCALHOST": "loopback", "localhost.": "loopback", "a.localhost": "loopback",
		"metadata.google.internal": ".internal are never public", "printer.local": "never public", "nas.home.arpa.": "never public",
	} {
		err := CheckHost(host, nil)
		require.Error(t, err, host)
		require.Contains(t, err.Error(), says, host)
		var b interface{ Blocked() bool }
		require.True(t, errors.As(err, &b) && b.Blocked(), host)
		require.NotContains(t, err.Error(), "\n")
	}
}

// TestCheckHostAllowed: what the operator lists is let through as an address and by
// names that mean it, never in another spelling.
func TestCheckHostAllowed(t *testing.T) {
	t.Parallel()
	own := prefixes("127.0.0.0/8", "10.0.0.0/8")
	for _, host := range []string{"127.0.0.1", "10.1.2.3", "localhost", "a.localhost.", "hooks.internal", "nas.local", "[::ffff:10.1.2.3]"} {
		require.NoError(t, CheckHost(host, own), host)
	}
	require.NoError(t, CheckHost("localhost", prefixes("::1/128")))
	require.Error(t, CheckHost("localhost", prefixes("10.0.0.0/8")))
	for host, says := range map[string]string{
		"127.1": "write it as 127.0.0.1", "2130706433": "write it as 127.0.0.1", "0xa.1": "write it as 10.0.0.1", "127.0.0.1.": "write it as 127.0.0.1",
		"192.168.0.1": "private", "[::1]": "loopback", "169.254.169.254": "metadata",
	} {
		require.ErrorContains(t, CheckHost(host, own), says, host)
	}
}

// TestCheckHostUnwraps: a caller that may read a newer allow-list finds the address.
func TestCheckHostUnwraps(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.1", "localhost", "a.internal", "10.0.0.1"} {
		var blocked *BlockedError
		require.ErrorAs(t, CheckHost(host, nil), &blocked, host)
	}
	var blocked *BlockedError
	err := CheckHost("127.1", prefixes("127.0.0.0/8"))
	require.Error(t, err)
	require.False(t, errors.As(err, &blocked), "no allow-list helps: it has to be written plainly")
}

// FuzzCheckHost: whatever is let through is a name that no reader of loose addresses
// takes for one, or an address that is public.
func FuzzCheckHost(f *testing.F) {
	for _, s := range []string{"example.com", "127.1", "0x7f.1", "[::1]", "[fe80::1%eth0]", "127%2e0.0.1", "１２７.0.0.1", "localhost.", "1.2.3.4.", "::ffff:1.2.3.4", "0x", "a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if CheckHost(host, nil) != nil {
			return
		}
		bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if addr, err := netip.ParseAddr(bare); err == nil {
			require.NoError(t, Check(addr, nil), host)
			require.False(t, addr.Is4In6())
			return
		}
		name := strings.ToLower(strings.TrimSuffix(host, "."))
		_, err := looseIPv4(name)
		require.ErrorIs(t, err, errNoNumber, host)
		labels := strings.Split(name, ".")
		require.False(t, allDigits(labels[len(labels)-1]), host)
		require.NotEqual(t, "localhost", labels[len(labels)-1], host)
		require.False(t, strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("%/\\@?#[]:", r) }), host)
		require.Error(t, CheckHost("["+host+"]", nil))
	})
}
