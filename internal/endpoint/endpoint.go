// Package endpoint owns the question whether Apple can reach the address that it posts
// to: one GET of /healthz as a stranger would make it. It refuses to try anything else,
// and dials through internal/safehttp like all that goes out.
package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"skand/internal/safehttp"
)

// The levels of a finding.
const (
	OK   = "ok"
	Warn = "warn" // it works; somebody should look
	Fail = "fail" // it does not work
)

// Finding is one thing that was found. Todo is "" where there is nothing to do.
type Finding struct{ Level, Where, Found, Todo string }

// certificateWarn is how long before its end a certificate is spoken of: those of
// ninety days are renewed thirty days before.
const certificateWarn = 14 * 24 * time.Hour

// patience is how long an answer may take.
const patience = 15 * time.Second

// Parse reads the address: https, a host, no path.
func Parse(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return errors.New("want https://HOST[:PORT] and no path; Apple posts to https only")
	}
	return nil
}

// Check tries the address, which Parse has taken, from outside in. Addresses that are
// not public are dialed only where allow lists them.
func Check(ctx context.Context, address string, allow []netip.Prefix, now time.Time) (found []Finding) {
	where := strings.TrimRight(address, "/") + "/healthz"
	say := func(level, where, what, todo string) { found = append(found, Finding{level, where, what, todo}) }
	client := safehttp.NewClient(safehttp.Options{AllowPrivate: allow, Timeout: patience})
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		say(Fail, where, err.Error(), "correct the address")
		return found
	}
	resp, err := client.Do(req)
	if err != nil {
		say(Fail, where, err.Error(), remedy(err))
		return found
	}
	defer func() { _ = resp.Body.Close() }() // read below as far as it matters
	found = append(found, certificate(address, resp.TLS, now)...)
	var health struct {
		Status string `json:"status"`
	}
	switch {
	case resp.StatusCode/100 == 3:
		say(Fail, where, "answers "+resp.Status+" to "+resp.Header.Get("Location"), "serve it here: Apple follows no redirect")
	case resp.StatusCode != http.StatusOK:
		say(Fail, where, "answers "+resp.Status, "see that the load balancer passes all paths to --public")
	case json.NewDecoder(resp.Body).Decode(&health) != nil || health.Status != "ok":
		say(Fail, where, "answers 200, but not as skand does", "see that the load balancer passes all paths to --public")
	default:
		say(OK, where, "skand answers", "")
	}
	return found
}

func certificate(where string, state *tls.ConnectionState, now time.Time) []Finding {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	c := state.PeerCertificates[0]
	left := c.NotAfter.Sub(now)
	found := fmt.Sprintf("%s, certificate for %s until %s, in %d days", tls.VersionName(state.Version),
		names(c), c.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24))
	if left < certificateWarn {
		return []Finding{{Warn, where, found, "renew it: Apple posts to no address whose certificate has ended"}}
	}
	return []Finding{{OK, where, found, ""}}
}

func names(c *x509.Certificate) string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return strings.Join(all, ", ")
}

// remedy says what to do about a failed connection.
func remedy(err error) string {
	var blocked *safehttp.BlockedError
	var name x509.HostnameError
	var expired x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var dns *net.DNSError
	switch {
	case errors.As(err, &blocked):
		return "Apple reaches public addresses only: look at the public DNS"
	case errors.As(err, &name):
		return "get a certificate for this name"
	case errors.As(err, &expired):
		return "renew the certificate; send the whole chain"
	case errors.As(err, &authority):
		return "use a certificate of a public authority and send the whole chain"
	case errors.As(err, &dns):
		return "look at the public DNS"
	}
	return "see that the address is open to the world and that serve runs behind it"
}
