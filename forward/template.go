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
	var err error
	t.path, err = parts(path, url.PathUnescape)
	if err != nil {
		return nil, err
	}
	if query == "" {
		return t, nil
	}
	for _, pair := range strings.Split(query, "&") {
		p, err := parseParam(pair)
		if err != nil {
			return nil, err
		}
		t.params = append(t.params, p)
		if len(p.value) == 1 && !p.value[0].macro {
			t.tokens = append(t.tokens, p.value[0].text)
		}
	}
	return t, nil
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

func parseParam(pair string) (param, error) {
	if strings.Contains(pair, ";") {
		return param{}, errors.New("a ; in the query reads differently at every receiver; write & or %3B")
	}
	key, value, eq := strings.Cut(pair, "=")
	p := param{bare: !eq}
	var err error
	p.key, err = parts(key, url.QueryUnescape)
	if err != nil {
		return p, err
	}
	p.value, err = parts(value, url.QueryUnescape)
	return p, err
}

// parts splits text at its macros. Each literal must be well escaped on its own,
// so that "%4{click_id}" cannot become an escape of the value's making.
func parts(text string, unescape func(string) (string, error)) ([]part, error) {
	var out []part
	for text != "" {
		literal, rest, open := strings.Cut(text, "{")
		if strings.Contains(literal, "}") {
			return nil, errors.New("a } without its {; a literal brace is written %7D")
		}
		if _, err := unescape(literal); err != nil {
			return nil, fmt.Errorf("%q is not well escaped; a literal %% is written %%25", literal)
		}
		if literal != "" {
			out = append(out, part{text: literal})
		}
		if !open {
			return out, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, errors.New("a { without its }; a literal brace is written %7B")
		}
		if !knownMacro(name) {
			return nil, fmt.Errorf("unknown macro {%s}; the nearest is {%s}", name, nearestMacro(name))
		}
		out = append(out, part{text: name, macro: true})
		text = after
	}
	return out, nil
}
