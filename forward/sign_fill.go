package forward

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const secretMark = "{secret}"

// fillsSecret reports whether a secret is sent as it is, in a header or in the query.
func (d Destination) fillsSecret() bool {
	for _, value := range d.Headers {
		if strings.Contains(value, secretMark) {
			return true
		}
	}
	return len(d.QueryAuth) > 0
}

// errSecretBytes says that a value cannot stand in a header; it is not repeated.
var errSecretBytes = errors.New("the secret has a byte that no header can carry, such as a line end")

// fillHeaders sets the headers that hold {secret}. Nothing is escaped in a header, so
// what would end it is refused.
func (d Destination) fillHeaders(r *Rendered, secret string) error {
	for _, name := range slices.Sorted(maps.Keys(d.Headers)) {
		template := d.Headers[name]
		if !strings.Contains(template, secretMark) {
			continue
		}
		value := strings.ReplaceAll(template, secretMark, secret)
		if !fitsHeader(value) {
			return fmt.Errorf("header %s: %w", name, errSecretBytes)
		}
		r.Header.Set(name, value)
	}
	return nil
}

// fitsHeader reports whether a header can carry a value: printable ASCII and tabs.
func fitsHeader(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// fillQuery adds the parameters of query_auth at the end of the URL, by name. Names
// and values are written plainly by the operator, and escaped here as a whole.
func (d Destination) fillQuery(r *Rendered, secret string) {
	sep := "?"
	if strings.Contains(r.URL, "?") {
		sep = "&"
	}
	var b strings.Builder
	b.WriteString(r.URL)
	for _, name := range slices.Sorted(maps.Keys(d.QueryAuth)) {
		b.WriteString(sep)
		b.WriteString(url.QueryEscape(name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(strings.ReplaceAll(d.QueryAuth[name], secretMark, secret)))
		sep = "&"
	}
	r.URL = b.String()
}
