package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// way is how a browser came to the admin listener, which itself speaks plain http: a
// proxy in front of it speaks https.
type way int

const (
	wayBarred way = iota // plain http from elsewhere: whoever is in between reads along
	wayPlain             // plain http that leaves no machine, or that the operator chose
	wayTLS
)

// wayOf tells how a request came. Host is what the browser believes to talk to, so it
// says whether its connection stays on the machine; what a proxy adds is believed of
// trusted ones alone. To take a connection for TLS by mistake is harmless: a browser
// keeps no Secure cookie that came by http.
func (a *Admin) wayOf(r *http.Request) way {
	self, err := url.Parse(a.SelfURL)
	own := err == nil && self.Host != "" && strings.EqualFold(r.Host, self.Host)
	switch {
	case r.TLS != nil, own && self.Scheme == "https", a.proxied(r) && lastOf(r.Header.Values("X-Forwarded-Proto")) == "https":
		return wayTLS
	case own && self.Scheme == "http", loopback(r.Host) && !forwarded(r):
		return wayPlain
	}
	return wayBarred
}

// proxied reports whether the sender is a trusted proxy.
func (a *Admin) proxied(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && within(from.Addr().Unmap(), a.Trusted)
}

func lastOf(lines []string) string {
	words := strings.Split(strings.Join(lines, ","), ",")
	return strings.ToLower(strings.TrimSpace(words[len(words)-1]))
}

// forwarded reports whether a proxy says that somebody else sent the request.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// loopback reports whether a Host names the machine that it is said on.
func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	addr, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback()
}

// cookie names. Behind TLS the prefix keeps a neighbouring host from setting one for us;
// on a machine of its own the port keeps two servers apart, since cookies don't.
func (a *Admin) cookieName(r *http.Request, what string) string {
	switch a.wayOf(r) {
	case wayTLS:
		return "__Host-skand" + what
	case wayPlain:
		_, port, err := net.SplitHostPort(r.Host)
		if err != nil {
			port = "80"
		}
		return "skand_" + port + what
	}
	return ""
}

const (
	ofSession = ""
	ofFlow    = "_flow" // a sign-in at the provider that is under way
)

// setCookie keeps a value in the browser for so long; 0 takes it away. Lax: it comes
// along when somebody follows a link to us, not with what other sites make a browser
// post.
func (a *Admin) setCookie(w http.ResponseWriter, r *http.Request, what, value string, last time.Duration) {
	c := &http.Cookie{
		Name: a.cookieName(r, what), Value: value, Path: "/", HttpOnly: true,
		Secure: a.wayOf(r) == wayTLS, SameSite: http.SameSiteLaxMode, MaxAge: int(last / time.Second),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// cookieOf is a cookie's value, "" where there is none or it came by a way on which
// there can be none of ours.
func (a *Admin) cookieOf(r *http.Request, what string) string {
	name := a.cookieName(r, what)
	if name == "" {
		return ""
	}
	found := r.CookiesNamed(name)
	if len(found) != 1 { // two of one name: somebody meddled
		return ""
	}
	return found[0].Value
}
