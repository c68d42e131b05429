package forward

import (
	"strings"
	"unicode/utf8"
)

const contentJSON = "application/json"

// jsonBody is a parsed JSON document with macros as its leaves or inside its texts.
// What is rendered has the template's shape whatever the values are: a value is one
// text, number, true or false, and never ends what it stands in.
type jsonBody struct{ root jsonNode }

type jsonKind byte

const (
	jsonLiteral jsonKind = iota // raw: a number, true, false, null or a text, as it is sent
	jsonText                    // parts: a text with macros in it
	jsonBare                    // raw: the name of a macro that stands unquoted
	jsonObject
	jsonList
)

type jsonNode struct {
	kind    jsonKind
	raw     string
	parts   []part
	members []jsonMember
	items   []jsonNode
}

type jsonMember struct {
	name string // encoded, with its quotes and colon
	node jsonNode
}

func (j jsonBody) render(_ Delivery, values valueOf, empty bool) ([]byte, error) {
	out, _ := j.root.append(make([]byte, 0, 512), values, empty)
	return out, nil
}

func (jsonBody) contentType() string  { return contentJSON }
func (j jsonBody) literals() []string { return j.root.literals(nil) }

// append writes the node. has is false where it holds macros and none of them has a
// value: then, unless missing is empty, an object leaves the member out, and a list
// keeps the place ("", null, {} or []), for many lists go by position.
func (n *jsonNode) append(b []byte, values valueOf, empty bool) (out []byte, has bool) {
	switch n.kind {
	case jsonText:
		text, missing := fill(n.parts, values, func(v string) string { return v })
		if missing != "" && !empty {
			text = ""
		}
		return appendJSONString(b, text), missing == ""
	case jsonBare:
		v := values(n.raw)
		return appendJSONScalar(b, v), v != ""
	case jsonObject:
		return n.appendObject(b, values, empty)
	case jsonList:
		b, has = append(b, '['), len(n.items) == 0
		for i := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			var one bool
			b, one = n.items[i].append(b, values, empty)
			has = has || one
		}
		return append(b, ']'), has
	default:
		return append(b, n.raw...), true
	}
}

func (n *jsonNode) appendObject(b []byte, values valueOf, empty bool) (out []byte, has bool) {
	b, has = append(b, '{'), len(n.members) == 0
	first := true
	for i := range n.members {
		before := len(b)
		if !first {
			b = append(b, ',')
		}
		b = append(b, n.members[i].name...)
		var one bool
		b, one = n.members[i].node.append(b, values, empty)
		if !one && !empty {
			b = b[:before]
			continue
		}
		first, has = false, has || one
	}
	return append(b, '}'), has
}

func (n *jsonNode) literals(tokens []string) []string {
	switch n.kind {
	case jsonLiteral:
		tokens = appendLong(tokens, strings.Trim(n.raw, `"`))
	case jsonText:
		for _, p := range n.parts {
			if !p.macro {
				tokens = appendLong(tokens, p.text)
			}
		}
	}
	for i := range n.members {
		tokens = n.members[i].node.literals(tokens)
	}
	for i := range n.items {
		tokens = n.items[i].literals(tokens)
	}
	return tokens
}

// appendJSONScalar writes a value that stands unquoted: a number or a truth value as
// such, anything else as a text, nothing as null.
func appendJSONScalar(b []byte, v string) []byte {
	switch {
	case v == "":
		return append(b, "null"...)
	case v == "true", v == "false", plainNumber(v):
		return append(b, v...)
	}
	return appendJSONString(b, v)
}

// plainNumber tells numbers of JSON (RFC 8259, 6) without an exponent, of a length
// that receivers' decoders can hold.
func plainNumber(v string) bool {
	digits, fraction, point := strings.Cut(strings.TrimPrefix(v, "-"), ".")
	return len(v) <= 40 && allDigits(digits) && (len(digits) == 1 || digits[0] != '0') && (!point || allDigits(fraction))
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// appendJSONString writes a text with its quotes. What is not UTF-8 becomes U+FFFD.
func appendJSONString(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case r == '\u2028':
			b = append(b, `\u2028`...) // ends a line where JSON is read as JavaScript
		case r == '\u2029':
			b = append(b, `\u2029`...)
		case r < utf8.RuneSelf:
			b = append(b, text[i])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
