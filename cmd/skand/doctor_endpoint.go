package main

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
	"strings"
	"time"

	"skand/internal/safehttp"
)

// certificateWarn is how long before its end a certificate is spoken of: those of
// ninety days are renewed thirty days before.
const certificateWarn = 14 * 24 * time.Hour

// endpoint tries the public address from outside in, with one GET of /healthz.
func (d *doctor) endpoint(ctx context.Context, endpoint string, allow []netip.Prefix) {
	const check = "endpoint"
	if endpoint == "" {
		d.say(levelOK, check, "--endpoint", "not given, so the public address was not tried",
			"run `skand doctor --endpoint https://YOUR.HOST`, best from outside your network")
		return
	}
	where := strings.TrimRight(endpoint, "/") + "/healthz"
	client := safehttp.NewClient(safehttp.Options{AllowPrivate: allow, Timeout: 15 * time.Second})
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		d.say(levelFail, check, where, err.Error(), "correct --endpoint")
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		d.say(levelFail, check, where, err.Error(), remedy(err))
		return
	}
	defer func() { _ = resp.Body.Close() }() // read below as far as it matters
	d.certificate(check, endpoint, resp.TLS)
	var health struct {
		Status string `json:"status"`
	}
	switch {
	case resp.StatusCode/100 == 3:
		d.say(levelFail, check, where, "answers "+resp.Status+" to "+resp.Header.Get("Location"), "serve it here: Apple follows no redirect")
	case resp.StatusCode != http.StatusOK:
		d.say(levelFail, check, where, "answers "+resp.Status, "see that the load balancer passes all paths to --public")
	case json.NewDecoder(resp.Body).Decode(&health) != nil || health.Status != "ok":
		d.say(levelFail, check, where, "answers 200, but not as skand does", "see that the load balancer passes all paths to --public")
	default:
		d.say(levelOK, check, where, "skand answers", "")
	}
}

func (d *doctor) certificate(check, where string, state *tls.ConnectionState) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return
	}
	c := state.PeerCertificates[0]
	left := c.NotAfter.Sub(d.now())
	found := fmt.Sprintf("%s, certificate for %s until %s, in %d days", tls.VersionName(state.Version),
		names(c), c.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24))
	if left < certificateWarn {
		d.say(levelWarn, check, where, found, "renew it: Apple posts to no address whose certificate has ended")
		return
	}
	d.say(levelOK, check, where, found, "")
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
