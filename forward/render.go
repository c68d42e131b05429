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
	return t.render(func(name string) string { return values[name] })
}

// valueOf is the value of a macro, "" where it has none.
type valueOf func(name string) string

func (t *Template) render(values valueOf) (string, error) {
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
	if err := renderParams(&b, t.params, values, t.empty, '?'); err != nil {
		return "", err
	}
	return b.String(), nil
}

// renderParams writes pairs, the first after sep (0: nothing), the others after &.
func renderParams(b *strings.Builder, params []param, values valueOf, empty bool, sep byte) error {
	for _, p := range params {
		key, noKey := fill(p.key, values, url.QueryEscape)
		value, noValue := fill(p.value, values, url.QueryEscape)
		if (noKey != "" || noValue != "") && !empty {
			continue
		}
		if noKey != "" {
			return fmt.Errorf("%w: {%s} names a parameter and has no value", ErrTemplate, noKey)
		}
		if sep != 0 {
			b.WriteByte(sep)
		}
		b.WriteString(key)
		if !p.bare {
			b.WriteByte('=')
			b.WriteString(value)
		}
		sep = '&'
	}
	return nil
}

// fill joins parts; missing is the first macro that has no value.
func fill(parts []part, values valueOf, escape func(string) string) (text, missing string) {
	var b strings.Builder
	for _, p := range parts {
		if !p.macro {
			b.WriteString(p.text)
			continue
		}
		v := values(p.text)
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
