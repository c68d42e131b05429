package web

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
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

// Touches lists the patterns that say which apps they touch.
func Touches() []string { return slices.Collect(maps.Keys(touches)) }

// OpenRoutes lists the patterns that anybody may ask for.
func (a *Admin) OpenRoutes() []string {
	var list []string
	for _, rt := range a.openRoutes() {
		list = append(list, rt.pattern)
	}
	return list
}

// IsPage reports whether a pattern is for people.
func IsPage(pattern string) bool { return isPage(pattern) }

// OwnPath is where somebody is sent to after signing in.
func OwnPath(next string) string { return ownPath(next) }
