package forward

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"skand/internal/safehttp/address"
)

// destinationID is also a metric label and a part of a URL path.
var destinationID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

var knownKinds = []string{KindInstall, KindEvent, KindModeled, KindPostback, KindRejected}

// Validate checks a destination as it would be saved, defaults filled in. All
// faults are returned, joined, each naming its field. allowPrivate is the
// installation's forward.allow_private_cidrs: where it is empty, only https will
// do. A host name over http is let through where it is not, because names are
// resolved, and judged, at dial time.
func (d Destination) Validate(allowPrivate []netip.Prefix) error {
	var faults []error
	var fault faulting = func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("destination %q: %s: %s", d.ID, field, fmt.Sprintf(format, args...)))
	}
	if !destinationID.MatchString(d.ID) {
		fault("id", "must be 1 to 63 of a-z, 0-9, . _ -, beginning with a letter or digit")
	}
	if d.AppID <= 0 {
		fault("app_id", "must be the app's App Store id")
	}
	if len(d.Kinds) == 0 {
		fault("kinds", "is empty; list some of %s", strings.Join(knownKinds, ", "))
	}
	d.checkRouting(fault)
	d.checkTemplates(fault, allowPrivate)
	d.checkSigning(fault, allowPrivate)
	d.checkSending(fault)
	for _, b := range []struct {
		field            string
		value, low, high time.Duration
	}{
		{"delay", d.Delay, 0, 10 * time.Minute},
		{"timeout", d.Timeout, time.Second, time.Minute},
		{"expires", d.Expires, time.Minute, 90 * 24 * time.Hour},
		{"hold", d.Hold, 0, maxHold},
		{"event_window", d.EventWindow, 0, maxEventWindow},
	} {
		if b.value < b.low || b.value > b.high {
			fault(b.field, "is %s; it must be between %s and %s",
				formatDuration(b.value), formatDuration(b.low), formatDuration(b.high))
		}
	}
	if d.Hold > 0 && d.Hold > d.Expires-holdMargin {
		fault("hold", "is %s, but deliveries expire after %s; leave an hour to send them, or raise expires",
			formatDuration(d.Hold), formatDuration(d.Expires))
	}
	return errors.Join(faults...)
}

// faulting notes what is wrong with a field.
type faulting func(field, format string, args ...any)

// only notes a value that is none of those supported.
func (f faulting) only(field, value string, supported ...string) {
	if !slices.Contains(supported, value) {
		f(field, "%q is not one of its values; write %s", value, strings.Join(supported, " or "))
	}
}

// checkPlain lets http through only to addresses that the operator has named, and
// refuses hosts that are written as an address that would not be dialed. It judges by
// the list that the dial is judged by; names are looked up, and judged, then.
func checkPlain(raw string, allowPrivate []netip.Prefix) error {
	scheme, authority := origin(raw)
	u, err := url.Parse("http://" + authority)
	if err != nil {
		return fmt.Errorf("the host %q cannot be read", authority)
	}
	if err := checkScheme(scheme, u.Hostname(), allowPrivate); err != nil {
		return err
	}
	return address.CheckHost(u.Hostname(), allowPrivate)
}

func checkScheme(scheme, host string, allowPrivate []netip.Prefix) error {
	if strings.EqualFold(scheme, "https") {
		return nil
	}
	addr, err := netip.ParseAddr(host)
	if err != nil && len(allowPrivate) > 0 || err == nil && address.Allowed(addr, allowPrivate) {
		return nil
	}
	return errors.New("must be https; http is only for addresses in forward.allow_private_cidrs")
}
