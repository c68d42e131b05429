package web

import (
	"net/http"
	"net/netip"
)

// Routes lists the admin listener's patterns with the role that each needs.
func (a *Admin) Routes() map[string]string {
	list := map[string]string{}
	for _, rt := range a.routes() {
		list[rt.pattern] = string(rt.need)
	}
	return list
}

// Client is the sender's network of a request.
func Client(r *http.Request, trusted []netip.Prefix) string { return client(r, trusted) }
