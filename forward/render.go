package forward

import (
	"fmt"
	"net/url"
	"strings"
)

// Render puts the values in. A macro without value drops its query parameter (or
// leaves it empty: missing); in the path, or as the name of a parameter, there is
// nothing that could be dropped, so it is an ErrTemplate.
func (t *Template) Render(values map[string]string) (string, error) {
	var b strings.Builder
	b.WriteString(t.origin)
	path, missing := fill(t.path, values, url.PathEscape)
	if missing != "" {
		return "", fmt.Errorf("%w: {%s} in the path has no value", ErrTemplate, missing)
	}
	if err := checkSegments(t.path, path); err != nil {
		return "", err
	}
	b.WriteString(path)
	sep := byte('?')
	for _, p := range t.params {
		key, noKey := fill(p.key, values, url.QueryEscape)
		value, noValue := fill(p.value, values, url.QueryEscape)
		if (noKey != "" || noValue != "") && !t.empty {
			continue
		}
		if noKey != "" {
			return "", fmt.Errorf("%w: {%s} names a query parameter and has no value", ErrTemplate, noKey)
		}
		b.WriteByte(sep)
		b.WriteString(key)
		if !p.bare {
			b.WriteByte('=')
			b.WriteString(value)
		}
		sep = '&'
	}
	return b.String(), nil
}

// fill joins parts; missing is the first macro that has no value.
func fill(parts []part, values map[string]string, escape func(string) string) (text, missing string) {
	var b strings.Builder
	for _, p := range parts {
		if !p.macro {
			b.WriteString(p.text)
			continue
		}
		v := values[p.text]
		if v == "" && missing == "" {
			missing = p.text
		}
		b.WriteString(escape(v))
	}
	return b.String(), missing
}

// checkSegments refuses a value that climbs: escaping leaves dots alone, and many
// servers resolve ".." even when it is escaped.
func checkSegments(parts []part, path string) error {
	for _, p := range parts {
		if !p.macro {
			continue
		}
		for _, segment := range strings.Split(path, "/") {
			if segment == "." || segment == ".." {
				return fmt.Errorf("%w: a value makes the path segment %q", ErrTemplate, segment)
			}
		}
	}
	return nil
}

// redact removes what a receiver echoed: the literal values of the query, which
// may be tokens, and the identifiers of the phone.
func (t *Template) redact(answer string, values map[string]string) string {
	hide := func(s string) {
		if len(s) >= 6 {
			answer = strings.ReplaceAll(answer, s, "[redacted]")
		}
	}
	for _, token := range t.tokens {
		hide(token)
		if plain, err := url.QueryUnescape(token); err == nil {
			hide(plain)
		}
	}
	for _, name := range identifierMacros {
		hide(values[name])
	}
	return answer
}
