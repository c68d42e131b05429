package address

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// special are the ranges of IANA's IPv4 and IPv6 special-purpose registries (of
// 2025-10), by their first and last address, and what else is not a place to send
// conversions to. They are written out and not taken from the code.
var special = []struct{ name, first, last string }{
	{"this network", "0.0.0.0", "0.255.255.255"},
	{"this host", "0.0.0.0", "0.0.0.0"},
	{"private use", "10.0.0.0", "10.255.255.255"},
	{"shared address space", "100.64.0.0", "100.127.255.255"},
	{"loopback", "127.0.0.0", "127.255.255.255"},
	{"link local", "169.254.0.0", "169.254.255.255"},
	{"private use", "172.16.0.0", "172.31.255.255"},
	{"IETF protocol assignments", "192.0.0.0", "192.0.0.255"},
	{"IPv4 service continuity", "192.0.0.0", "192.0.0.7"},
	{"dummy address", "192.0.0.8", "192.0.0.8"},
	{"port control protocol anycast", "192.0.0.9", "192.0.0.9"},
	{"TURN anycast", "192.0.0.10", "192.0.0.10"},
	{"NAT64 and DNS64 discovery", "192.0.0.170", "192.0.0.171"},
	{"documentation", "192.0.2.0", "192.0.2.255"},
	{"AS112-v4", "192.31.196.0", "192.31.196.255"},
	{"AMT", "192.52.193.0", "192.52.193.255"},
	{"6to4 relay anycast, deprecated", "192.88.99.0", "192.88.99.255"},
	{"6a44 relay anycast", "192.88.99.2", "192.88.99.2"},
	{"private use", "192.168.0.0", "192.168.255.255"},
	{"direct delegation AS112", "192.175.48.0", "192.175.48.255"},
	{"benchmarking", "198.18.0.0", "198.19.255.255"},
	{"documentation", "198.51.100.0", "198.51.100.255"},
	{"documentation", "203.0.113.0", "203.0.113.255"},
	{"multicast", "224.0.0.0", "239.255.255.255"},
	{"reserved", "240.0.0.0", "255.255.255.255"},
	{"limited broadcast", "255.255.255.255", "255.255.255.255"},

	{"unspecified", "::", "::"},
	{"loopback", "::1", "::1"},
	{"IPv4-compatible, deprecated", "::", "::ffff:ffff"},
	{"IPv4-mapped", "::ffff:0.0.0.0", "::ffff:255.255.255.255"},
	{"IPv4-translated", "::ffff:0:0:0", "::ffff:0:ffff:ffff"},
	{"IPv4-IPv6 translation", "64:ff9b::", "64:ff9b::ffff:ffff"},
	{"IPv4-IPv6 translation, local", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
	{"discard only", "100::", "100::ffff:ffff:ffff:ffff"},
	{"dummy prefix", "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff"},
	{"IETF protocol assignments", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"Teredo", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"port control protocol anycast", "2001:1::1", "2001:1::1"},
	{"TURN anycast", "2001:1::2", "2001:1::2"},
	{"DNS-SD registration anycast", "2001:1::3", "2001:1::3"},
	{"benchmarking", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"},
	{"AMT", "2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"AS112-v6", "2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"},
	{"ORCHID, deprecated", "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"ORCHIDv2", "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"drone remote ID", "2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"documentation", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"6to4", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"direct delegation AS112", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"},
	{"documentation", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"segment routing", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"unique local", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"link local unicast", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"site local, deprecated", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"multicast", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},

	{"metadata of EC2, GCE, Azure", "169.254.169.254", "169.254.169.254"},
	{"metadata of EC2", "fd00:ec2::254", "fd00:ec2::254"},
	{"wire server of Azure", "168.63.129.16", "168.63.129.16"},
	{"metadata of Alibaba Cloud", "100.100.100.200", "100.100.100.200"},

	// What IANA has not given to anybody: all of IPv6 outside of 2000::/3.
	{"reserved by the IETF", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"reserved by the IETF", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
}

// TestCheckSpecialRanges asks of every special range its first address, its last,
// one in the middle, and those just outside of it, which are public unless another
// range begins there.
func TestCheckSpecialRanges(t *testing.T) {
	t.Parallel()
	within := func(a netip.Addr) bool {
		for _, s := range special {
			first, last := netip.MustParseAddr(s.first), netip.MustParseAddr(s.last)
			if a.BitLen() == first.BitLen() && first.Compare(a) <= 0 && a.Compare(last) <= 0 {
				return true
			}
		}
		return false
	}
	outside := 0
	for _, s := range special {
		first, last := netip.MustParseAddr(s.first), netip.MustParseAddr(s.last)
		require.True(t, first.Compare(last) <= 0, s.name)
		for _, a := range []netip.Addr{first, last, middle(first, last)} {
			var blocked *BlockedError
			require.ErrorAs(t, Check(a, nil), &blocked, "%s: %s", s.name, a)
			require.NotEmpty(t, blocked.Reason)
			require.Contains(t, blocked.Error(), "allow_private_cidrs")
		}
		for _, a := range []netip.Addr{first.Prev(), last.Next()} {
			if !a.IsValid() || within(a) {
				continue
			}
			outside++
			require.NoError(t, Check(a, nil), "just outside of %s: %s", s.name, a)
		}
	}
	require.Greater(t, outside, 30)
}

// TestCheckHidesNothing puts every special IPv4 address into each of the ways in
// which IPv6 carries one: none of them is let through.
func TestCheckHidesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range special {
		a := netip.MustParseAddr(s.first)
		if !a.Is4() {
			continue
		}
		b := a.As4()
		for name, make := range map[string]func() [16]byte{
			"mapped":     func() (x [16]byte) { x[10], x[11] = 0xff, 0xff; copy(x[12:], b[:]); return x },
			"compatible": func() (x [16]byte) { copy(x[12:], b[:]); return x },
			"translated": func() (x [16]byte) { x[8], x[9] = 0xff, 0xff; copy(x[12:], b[:]); return x },
			"NAT64":      func() (x [16]byte) { x[1], x[2], x[3] = 0x64, 0xff, 0x9b; copy(x[12:], b[:]); return x },
			"6to4":       func() (x [16]byte) { x[0], x[1] = 0x20, 0x02; copy(x[2:], b[:]); return x },
			"Teredo":     func() (x [16]byte) { x[0], x[1] = 0x20, 0x01; copy(x[4:], b[:]); return x },
		} {
			require.Error(t, Check(netip.AddrFrom16(make()), nil), "%s %s", name, a)
		}
	}
}

// middle is an address between two, made of their bytes.
func middle(first, last netip.Addr) netip.Addr {
	a, b := first.AsSlice(), last.AsSlice()
	for i := range a {
		if a[i] != b[i] {
			a[i] += (b[i] - a[i]) / 2
			break
		}
	}
	m, _ := netip.AddrFromSlice(a)
	return m
}
