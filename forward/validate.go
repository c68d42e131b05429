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
)

// destinationID is also a metric label and a part of a URL path.
var destinationID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

var knownKinds = []string{KindInstall, KindEvent, KindModeled}

// Validate checks a destination as it would be saved, defaults filled in. All
// faults are returned, joined, each naming its field. allowPrivate is the
// installation's forward.allow_private_cidrs: where it is empty, only https will
// do. A host name over http is let through where it is not, because names are
// resolved, and judged, at dial time.
func (d Destination) Validate(allowPrivate []netip.Prefix) error {
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("destination %q: %s: %s", d.ID, field, fmt.Sprintf(format, args...)))
	}
	only := func(field, value string, supported ...string) {
		if !slices.Contains(supported, value) {
			fault(field, "%q is not supported by this version; write %s", value, strings.Join(supported, " or "))
		}
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
	for _, kind := range d.Kinds {
		only("kinds", kind, knownKinds...)
	}
	only("scope", d.Scope, ScopeAttributed, ScopeAll)
	if d.Scope == ScopeAttributed && d.NetworkID == "" {
		fault("network_id", "is empty; scope attributed sends a network its own conversions, so name it (or write scope: all)")
	}
	only("method", d.Method, MethodGet)
	only("schedule", d.Schedule, ScheduleDefault)
	only("signing", d.Signing, SigningNone)
	only("missing", d.Missing, MissingDrop, MissingEmpty)
	for ours, theirs := range d.EventMap {
		if ours == "" || theirs == "" {
			fault("event_map", "%q: %q has an empty name", ours, theirs)
		}
	}
	for _, b := range []struct {
		field            string
		value, low, high time.Duration
	}{
		{"delay", d.Delay, 0, 10 * time.Minute},
		{"timeout", d.Timeout, time.Second, time.Minute},
		{"expires", d.Expires, time.Minute, 90 * 24 * time.Hour},
		{"hold", d.Hold, 0, maxHold},
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
	if d.InFlight < 1 || d.InFlight > 64 {
		fault("in_flight", "is %d; it must be between 1 and 64", d.InFlight)
	}
	if _, err := ParseTemplate(d.URL, d.Missing); err != nil {
		fault("url", "%v", err)
	} else if err := checkPlain(d.URL, allowPrivate); err != nil {
		fault("url", "%v", err)
	}
	return errors.Join(faults...)
}

// checkPlain lets http through only to addresses that the operator has named.
func checkPlain(raw string, allowPrivate []netip.Prefix) error {
	scheme, rest, _ := strings.Cut(raw, "://")
	if strings.EqualFold(scheme, "https") {
		return nil
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority = rest[:i]
	}
	u, err := url.Parse("http://" + authority)
	if err != nil {
		return fmt.Errorf("the host %q cannot be read", authority)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil && len(allowPrivate) > 0 {
		return nil
	}
	for _, p := range allowPrivate {
		if p.Contains(addr) {
			return nil
		}
	}
	return errors.New("must be https; http is only for addresses in forward.allow_private_cidrs")
}
