package forward

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Template is a parsed URL with macros, safe to render from any values: the
// scheme and host are literal, every value is escaped for where it stands.
// Parse once, at save; a Template may be used concurrently.
type Template struct {
	origin string // scheme://host[:port]
	path   []part
	params []param
	empty  bool     // missing: empty
	tokens []string // literal query values, which may be secrets
}

// part is a literal (already escaped) or a macro.
type part struct {
	text  string
	macro bool
}

type param struct {
	key, value []part
	bare       bool // no '=' was written
}

// ErrTemplate marks errors of rendering: final, for a retry gives the same.
var ErrTemplate = errors.New("template")

// ParseTemplate parses an absolute http or https URL. Macros may stand in the
// path and the query only. missing is MissingDrop or MissingEmpty.
func ParseTemplate(raw, missing string) (*Template, error) {
	if err := checkBytes(raw); err != nil {
		return nil, err
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if s := strings.ToLower(scheme); !ok || s != "https" && s != "http" {
		return nil, errors.New("it must begin with https://; the scheme cannot be a macro")
	}
	if strings.Contains(rest, "#") {
		return nil, errors.New("a fragment (#) is never sent; remove it, or write %23")
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority = rest[:i]
	}
	if err := checkAuthority(scheme, authority); err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(rest[len(authority):], "?")
	t := &Template{origin: strings.ToLower(scheme) + "://" + authority, empty: missing == MissingEmpty}
	at := len(raw) - len(rest) + len(authority)
	var faults placed
	t.path = parts(path, at, url.PathUnescape, &faults)
	t.params, t.tokens = parseParams(query, at+len(path)+1, &faults)
	if err := faults.err(); err != nil {
		return nil, err
	}
	return t, nil
}

// placed collects what is wrong with a template, each with its place.
type placed []error

// add notes a fault at a byte of the text, counted from 0; it is told from 1.
func (p *placed) add(at int, err error) { *p = append(*p, fmt.Errorf("byte %d: %w", at+1, err)) }

func (p placed) err() error { return errors.Join(p...) }

// parseParams reads pairs of a query or of a form. tokens are the values without a
// macro, which may be secrets.
func parseParams(query string, at int, faults *placed) (params []param, tokens []string) {
	if query == "" {
		return nil, nil
	}
	for _, pair := range strings.Split(query, "&") {
		p := parseParam(pair, at, faults)
		at += len(pair) + 1
		params = append(params, p)
		if len(p.value) == 1 && !p.value[0].macro {
			tokens = append(tokens, p.value[0].text)
		}
	}
	return params, tokens
}

func checkBytes(raw string) error {
	if len(raw) > 8192 {
		return errors.New("it is longer than 8192 bytes")
	}
	for i := range len(raw) {
		c := raw[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`|", c) >= 0 {
			return fmt.Errorf("byte %d is %q; write it as %%%02X", i+1, c, c)
		}
	}
	return nil
}

func checkAuthority(scheme, authority string) error {
	if strings.ContainsAny(authority, "{}") {
		return errors.New("a macro may stand in the path and in the query, not in the host or port")
	}
	if strings.Contains(authority, "@") {
		return errors.New("user and password cannot stand in the URL; remove what is before @")
	}
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil {
		return fmt.Errorf("the host %q cannot be read; write host or host:port", authority)
	}
	if u.Hostname() == "" || u.Host != authority {
		return fmt.Errorf("the host %q is not one; write host or host:port", authority)
	}
	return nil
}

func parseParam(pair string, at int, faults *placed) param {
	if i := strings.IndexByte(pair, ';'); i >= 0 {
		faults.add(at+i, errors.New("a ; between parameters reads differently at every receiver; write & or %3B"))
	}
	key, value, eq := strings.Cut(pair, "=")
	return param{
		bare: !eq,
		key:  parts(key, at, url.QueryUnescape, faults), value: parts(value, at+len(key)+1, url.QueryUnescape, faults),
	}
}

// parts splits text at its macros. Each literal must be well escaped on its own,
// so that "%4{click_id}" cannot become an escape of the value's making.
func parts(text string, at int, unescape func(string) (string, error), faults *placed) []part {
	var out []part
	for text != "" {
		literal, rest, open := strings.Cut(text, "{")
		if i := strings.IndexByte(literal, '}'); i >= 0 {
			faults.add(at+i, errors.New("a } without its {; a literal brace is written %7D"))
			return out
		}
		if _, err := unescape(literal); err != nil {
			faults.add(at, fmt.Errorf("%q is not well escaped; a literal %% is written %%25", literal))
		}
		if literal != "" {
			out = append(out, part{text: literal})
		}
		if !open {
			return out
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			faults.add(at+len(literal), errors.New("a { without its }; a literal brace is written %7B"))
			return out
		}
		if !knownMacro(name) {
			faults.add(at+len(literal), unknownMacro(name))
		}
		if strings.Contains(name, "{") {
			return out // what follows cannot be told from it
		}
		out = append(out, part{text: name, macro: true})
		at += len(literal) + len(name) + 2
		text = after
	}
	return out
}
