package forward

import "strings"

// literals are what a URL says itself and what may be a token: the values of its
// query, and long segments of its path.
func (t *Template) literals() []string {
	tokens := t.tokens
	for _, p := range t.path {
		if p.macro {
			continue
		}
		for _, segment := range strings.Split(p.text, "/") {
			tokens = appendLong(tokens, segment)
		}
	}
	return tokens
}

// appendLong adds a literal that is long enough to be a token and is no sentence.
func appendLong(tokens []string, literal string) []string {
	if len(literal) < longLiteral || strings.Contains(strings.TrimSpace(literal), " ") {
		return tokens
	}
	return append(tokens[:len(tokens):len(tokens)], literal)
}
