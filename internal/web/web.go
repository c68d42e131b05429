// Package web owns HTTP: the public listener that strangers post to, and the admin
// listener behind tokens. It refuses decisions: it reads requests, asks the domain
// and writes answers. Errors become wire formats only here.
package web

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"skand/internal/config"
)

// Bounds that nobody needs to set.
const (
	maxS2S      = 4 << 20
	maxHeader   = 16 << 10
	saveTimeout = 10 * time.Second
)

// NewServer is an http.Server with the limits that keep slow and large senders
// from holding it.
func NewServer(h http.Handler, t config.Timeouts, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: t.ReadHeader, ReadTimeout: t.Read,
		WriteTimeout: t.Write, IdleTimeout: t.Idle, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// sealed keeps browsers from guessing what an answer is: a postback's body, sent
// back to an operator, must not become a page.
func sealed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(w, r)
	})
}

// writeJSON answers with one JSON value. The status line is out before the body,
// so a broken connection has nowhere to be reported but the log.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Debug("answer not written", "error", err)
	}
}

// fault is the error body of the public listener.
type fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

func writeFault(w http.ResponseWriter, status int, f fault) {
	writeJSON(w, status, map[string]fault{"error": f})
}

// client is the sender's network: /24 of IPv4, /48 of IPv6. A whole address is
// kept nowhere. Behind a trusted proxy it is the last address that the proxy did
// not write itself.
func client(r *http.Request, trusted []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	addr = addr.Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(addr, trusted); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
