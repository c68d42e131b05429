package forward

import (
	"slices"
	"strings"
)

// Endpoint is where a destination sends, without path and query, in which secrets and
// macros may stand.
type Endpoint struct {
	Field string // of the definition
	URL   string // scheme://host:port
}

// Endpoints lists where a destination may connect to, each place once.
func (d Destination) Endpoints() (out []Endpoint) {
	add := func(field, url string) {
		scheme, authority := origin(url)
		e := Endpoint{field, strings.ToLower(scheme) + "://" + authority}
		if url != "" && !slices.ContainsFunc(out, func(had Endpoint) bool { return had.URL == e.URL }) {
			out = append(out, e)
		}
	}
	add("url", d.URL)
	if c := d.Consent; c != nil {
		for _, one := range []struct {
			field string
			t     *ConsentTemplate
		}{{"consent.authorized.url", c.Authorized}, {"consent.denied.url", c.Denied}} {
			if one.t != nil {
				add(one.field, one.t.URL)
			}
		}
	}
	if d.OAuth != nil {
		add("oauth.token_url", d.OAuth.TokenURL)
	}
	return out
}

// origin cuts a URL, or a template of one: no macro can stand before its end.
func origin(raw string) (scheme, authority string) {
	scheme, rest, _ := strings.Cut(raw, "://")
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return scheme, rest
}
