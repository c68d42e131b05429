// Package address owns the judgement of where skand may connect to. It is pure: no
// name is resolved and nothing is dialed here. A host is judged as it is written,
// when a destination is saved (CheckHost), and the address that it resolves to when
// it is dialed (Check); both go by the same list.
//
// It refuses every address that is not plainly public, unless the operator has
// listed it, and every spelling of an address that programs read differently.
package address

import (
	"fmt"
	"net/netip"
)

// BlockedError says that an address was not dialed. It is final: the destination
// has to change, or the allow-list.
type BlockedError struct {
	Addr   netip.Addr
	Reason string // what the address is: "private", "loopback", …
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("address %s is refused (%s); if it is yours, add it to forward.allow_private_cidrs", e.Addr, e.Reason)
}

// Blocked marks the error for those who must not import this package.
func (e *BlockedError) Blocked() bool { return true }

// refused are the special-purpose ranges (IANA's IPv4 and IPv6 special-purpose
// registries, also where they say "globally reachable", for no network takes
// conversions there; and the metadata services that lie in public space). IPv6 outside 2000::/3 is refused as a whole
// below; its ranges stand here for their names. More specific ranges stand first.
var refused = []struct {
	prefix netip.Prefix
	reason string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "metadata"},
	{netip.MustParsePrefix("168.63.129.16/32"), "metadata"},
	{netip.MustParsePrefix("100.100.100.200/32"), "metadata"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "metadata"},
	{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignments"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.31.196.0/24"), "AS112"},
	{netip.MustParsePrefix("192.52.193.0/24"), "multicast tunneling"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("192.175.48.0/24"), "AS112"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible"},
	{netip.MustParsePrefix("64:ff9b::/96"), "NAT64"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "NAT64"},
	{netip.MustParsePrefix("100::/64"), "discard"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "dummy"},
	{netip.MustParsePrefix("2001::/32"), "Teredo"},
	{netip.MustParsePrefix("2001::/23"), "protocol assignments"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("2002::/16"), "6to4"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "AS112"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
	{netip.MustParsePrefix("5f00::/16"), "segment routing"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

var globalUnicast = netip.MustParsePrefix("2000::/3")

// Check refuses addresses that are not public. allow is compared first; an IPv4
// address in IPv6 clothes counts as the address that it hides, and is never
// public.
func Check(addr netip.Addr, allow []netip.Prefix) error {
	if Allowed(addr, allow) {
		return nil
	}
	if !addr.IsValid() {
		return &BlockedError{Addr: addr, Reason: "not an address"}
	}
	if addr.Is4In6() {
		return &BlockedError{Addr: addr, Reason: "IPv4-mapped"}
	}
	if addr.Zone() != "" {
		return &BlockedError{Addr: addr, Reason: "scoped"}
	}
	for _, r := range refused {
		if r.prefix.Contains(addr) {
			return &BlockedError{Addr: addr, Reason: r.reason}
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return &BlockedError{Addr: addr, Reason: "not global unicast"}
	}
	return nil
}

// Allowed reports whether the operator has listed the address, also in the clothes
// of IPv6.
func Allowed(addr netip.Addr, allow []netip.Prefix) bool {
	plain := addr.Unmap().WithZone("")
	for _, p := range allow {
		if p.Contains(plain) {
			return true
		}
	}
	return false
}
