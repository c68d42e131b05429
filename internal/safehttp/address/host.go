package address

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// HostError says that a host was not even looked up, for what it is written as. Like
// a BlockedError it is final.
type HostError struct {
	Host string
	Why  string // and what to do
	err  error  // the BlockedError of what it stands for: another allow-list may let it through
}

func (e *HostError) Error() string { return fmt.Sprintf("host %q is refused: %s", e.Host, e.Why) }

// Unwrap gives the BlockedError of what the host stands for, if that is refused.
func (e *HostError) Unwrap() error { return e.err }

// Blocked marks the error for those who must not import this package.
func (e *HostError) Blocked() bool { return true }

// inside are names that no public DNS answers (RFC 6761, RFC 6762, RFC 8375, and
// ICANN's name for private use): what they resolve to is never public.
var inside = []string{"local", "internal", "home.arpa", "invalid", "onion"}

// CheckHost judges the host of a URL as it is written, without its port; IPv6 with
// or without its brackets. An address must be public or in allow. A name passes
// unless it can't be public: what it resolves to is judged when it is dialed.
//
// An IPv4 address must be written as four plain decimal numbers. Browsers and C
// libraries also read 2130706433, 0x7f.1, 0177.0.0.1 and 127.1, all of which are
// 127.0.0.1, and others see names in them: such a host is refused, whatever it
// stands for, and the error says what that is. So are percent-escapes and letters
// outside ASCII, in which digits and dots can be dressed up.
func CheckHost(host string, allow []netip.Prefix) error {
	refuse := func(format string, args ...any) error {
		return &HostError{Host: host, Why: fmt.Sprintf(format, args...)}
	}
	bare, six := host, false
	if in, ok := strings.CutPrefix(host, "["); ok {
		if bare, six = strings.CutSuffix(in, "]"); !six {
			return refuse("a [ without its ]")
		}
	}
	if six || strings.Contains(bare, ":") {
		return checkIPv6(host, bare, allow)
	}
	switch {
	case bare == "":
		return refuse("it is empty")
	case strings.Contains(bare, "%"):
		return refuse("a %% cannot stand in it; write the name itself")
	case !isASCII(bare):
		return refuse("it has letters outside ASCII; write a name in its xn-- form, an address in plain digits")
	}
	name := strings.ToLower(strings.TrimSuffix(bare, "."))
	if addr, err := netip.ParseAddr(bare); err == nil {
		return Check(addr, allow)
	}
	if addr, err := looseIPv4(name); err == nil {
		e := &HostError{Host: host, Why: "write it as " + addr.String(), err: Check(addr, allow)}
		if e.err != nil {
			e.Why = e.err.Error()
		}
		return e
	} else if !errors.Is(err, errNoNumber) {
		return refuse("it ends in a number and is no IPv4 address")
	}
	if why := checkLabels(name); why != "" {
		return refuse("%s", why)
	}
	if within(name, "localhost") {
		if Allowed(netip.AddrFrom4([4]byte{127, 0, 0, 1}), allow) || Allowed(netip.IPv6Loopback(), allow) {
			return nil
		}
		return &HostError{
			Host: host, Why: "it is this machine (loopback); if that is meant, add 127.0.0.0/8 to forward.allow_private_cidrs",
			err: &BlockedError{Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Reason: "loopback"},
		}
	}
	for _, top := range inside {
		if within(name, top) && len(allow) == 0 {
			return &HostError{
				Host: host, Why: "names under ." + top + " are never public; if it is yours, add its addresses to forward.allow_private_cidrs",
				err: &BlockedError{Reason: "not a public name"},
			}
		}
	}
	return nil
}

func checkIPv6(host, bare string, allow []netip.Prefix) error {
	addr, err := netip.ParseAddr(bare)
	if err != nil || !addr.Is6() {
		return &HostError{Host: host, Why: "it is no IPv6 address"}
	}
	return Check(addr, allow)
}

func within(name, top string) bool { return name == top || strings.HasSuffix(name, "."+top) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// checkLabels says what keeps a text from being a name, "" if nothing does. An
// underscore is let through: some hosts have one.
func checkLabels(name string) string {
	if len(name) > 253 {
		return "a name has at most 253 characters"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return "it has an empty part; a single dot stands between two parts"
		}
		if len(label) > 63 {
			return "a part of a name has at most 63 characters"
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return fmt.Sprintf("%q cannot stand in a name", c)
			}
		}
	}
	return ""
}

var errNoNumber = errors.New("the last part is not a number")

// looseIPv4 reads an address as browsers do (WHATWG URL, "IPv4 parser"): one to four
// parts, each decimal, octal after 0 or hexadecimal after 0x, the last one filling
// all the bytes that are left. What ends in a number is an address or an error,
// never a name.
func looseIPv4(text string) (netip.Addr, error) {
	parts := strings.Split(text, ".")
	last := parts[len(parts)-1]
	if _, err := looseNumber(last); err != nil && !allDigits(last) {
		return netip.Addr{}, errNoNumber
	}
	if len(parts) > 4 {
		return netip.Addr{}, errors.New("more than four parts")
	}
	var all uint64
	for i, p := range parts {
		n, err := looseNumber(p)
		if err != nil {
			return netip.Addr{}, err
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if n>>bits != 0 {
			return netip.Addr{}, errors.New("a part is too large")
		}
		all = all<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(all >> 24), byte(all >> 16), byte(all >> 8), byte(all)}), nil
}

func looseNumber(s string) (uint64, error) {
	base, digits := 10, s
	if rest, ok := strings.CutPrefix(s, "0x"); ok {
		if base, digits = 16, rest; rest == "" {
			return 0, nil // a bare 0x is 0
		}
	} else if len(s) > 1 && s[0] == '0' {
		base, digits = 8, s[1:]
	}
	for i := range len(digits) {
		if digits[i] == '_' || digits[i] == '+' || digits[i] == '-' {
			return 0, errors.New("not a number")
		}
	}
	return strconv.ParseUint(digits, base, 40)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
