package safehttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"skand/internal/safehttp/address"
)

// PartlyError says that a name has addresses that are dialed and others that are
// refused: requests go out, but a resolver may answer otherwise tomorrow.
type PartlyError struct {
	Host string
	err  error
}

func (e *PartlyError) Error() string { return fmt.Sprintf("some addresses of %s: %s", e.Host, e.err) }

// Unwrap gives the refusals.
func (e *PartlyError) Unwrap() error { return e.err }

// CheckURL looks where a URL leads, as a client of the same options would find it now:
// host as written, name resolved, every address judged by the rule of the scheme. It
// connects to nothing but the resolver. What it finds holds for the moment alone: the
// client judges each dial by itself.
func CheckURL(ctx context.Context, o Options, raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("the URL cannot be read: %w", err)
	}
	host := u.Hostname()
	if err := address.CheckHost(host, o.AllowPrivate); err != nil {
		return err
	}
	resolver := o.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("the name %s does not resolve: %w", host, err)
	}
	check := public(o.AllowPrivate)
	if u.Scheme != "https" {
		check = own(o.AllowPrivate)
	}
	var refused []error
	for _, a := range found {
		if err := check(a.Unmap()); err != nil { // resolvers hand out IPv4 in IPv6 clothes
			refused = append(refused, err)
		}
	}
	all := errors.Join(refused...)
	if len(refused) > 0 && len(refused) < len(found) {
		return &PartlyError{host, all}
	}
	return all
}
