package forward

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxHeaderValue bounds what one header may come to.
const maxHeaderValue = 8 << 10

// headerTemplate is one header that a program fills. Its name is literal.
type headerTemplate struct {
	name  string
	parts []part
}

// parseHeaders reads the headers that hold no {secret}; those are filled when the
// request is signed.
func parseHeaders(headers map[string]string, fault func(field string, err error)) []headerTemplate {
	var out []headerTemplate
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		text := headers[name]
		if strings.Contains(text, "{"+secretMacro+"}") {
			continue
		}
		var faults placed
		h := headerTemplate{name: http.CanonicalHeaderKey(name), parts: headerParts(text, &faults)}
		for _, err := range faults {
			fault("headers."+name, err)
		}
		out = append(out, h)
	}
	return out
}

// headerParts splits a header's value at its macros. Nothing is escaped in a header,
// so there is no literal brace.
func headerParts(text string, faults *placed) (out []part) {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c >= 0x7f {
			faults.add(i, fmt.Errorf("%q cannot stand in a header; it holds printable ASCII only", c))
		}
	}
	for at := 0; at < len(text); {
		literal, rest, open := strings.Cut(text[at:], "{")
		if i := strings.IndexByte(literal, '}'); i >= 0 {
			faults.add(at+i, errors.New("a } without its {; a header has no way to write a literal brace"))
			return out
		}
		if literal != "" {
			out = append(out, part{text: literal})
		}
		if !open {
			return out
		}
		at += len(literal)
		name, _, closed := strings.Cut(rest, "}")
		if !closed {
			faults.add(at, errors.New("a { without its }; a header has no way to write a literal brace"))
			return out
		}
		if !knownMacro(name) {
			faults.add(at, unknownMacro(name))
		}
		out = append(out, part{text: name, macro: true})
		at += len(name) + 2
	}
	return out
}

// render sets the header. A value with a byte that no header can carry is refused:
// every escape would be read as the value itself by some receiver. (RFC 8187 is for
// parameters of headers that say so, which no network's do.)
func (h headerTemplate) render(into http.Header, values valueOf, empty bool) error {
	text, missing := fill(h.parts, values, func(v string) string { return v })
	if missing != "" && !empty {
		return nil
	}
	if len(text) > maxHeaderValue {
		return fmt.Errorf("%w: header %s would have %d bytes; at most %d are sent", ErrTemplate, h.name, len(text), maxHeaderValue)
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return fmt.Errorf("%w: a value for header %s is not printable ASCII; send it in the query or the body", ErrTemplate, h.name)
		}
	}
	into.Set(h.name, text)
	return nil
}

func (h headerTemplate) literals() (tokens []string) {
	for _, p := range h.parts {
		if !p.macro {
			tokens = appendLong(tokens, p.text)
		}
	}
	return tokens
}
