package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const contentForm = "application/x-www-form-urlencoded"

// formBody is a body of pairs, escaped as in a query.
type formBody struct {
	params []param
	tokens []string
}

// parseFormTemplate reads pairs as a URL writes them, "a={click_id}&b=x", or one
// object of texts, {"a": "{click_id}", "b": "x"}, whose literals are escaped for it.
func parseFormTemplate(text string) (bodyTemplate, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") && strings.HasPrefix(strings.TrimSpace(text[1:]), `"`) {
		pairs, err := formPairs(text)
		if err != nil {
			return nil, err
		}
		text = pairs
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f {
			return nil, fmt.Errorf("byte %d is %q; write it as %%%02X", i+1, c, c)
		}
	}
	var faults placed
	params, tokens := parseParams(text, 0, &faults)
	for _, p := range params {
		if len(p.key) == 0 {
			faults = append(faults, errors.New("a pair has no name; write name={macro}"))
		}
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	return formBody{params, tokens}, nil
}

// formPairs turns an object into pairs, in the order of their names.
func formPairs(text string) (string, error) {
	var members map[string]string
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return "", errors.New(`a form is pairs such as a={click_id}&b=x, or one object of texts such as {"a": "{click_id}"}`)
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		pairs = append(pairs, escapeLiterals(name)+"="+escapeLiterals(members[name]))
	}
	return strings.Join(pairs, "&"), nil
}

// escapeLiterals escapes what stands outside {macros}.
func escapeLiterals(text string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !open || !closed {
			b.WriteString(url.QueryEscape(text))
			return b.String()
		}
		b.WriteString(url.QueryEscape(before))
		b.WriteString("{" + name + "}")
		text = after
	}
}

func (f formBody) render(_ Delivery, values valueOf, empty bool) ([]byte, error) {
	var b strings.Builder
	if err := renderParams(&b, f.params, values, empty, 0); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

func (formBody) contentType() string  { return contentForm }
func (f formBody) literals() []string { return f.tokens }
