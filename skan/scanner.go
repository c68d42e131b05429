package skan

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over one JSON text that is known to be valid UTF-8.
type scanner struct {
	s string
	i int
}

// peek returns the next byte, 0 at the end (a NUL is never legal outside a string).
func (s *scanner) peek() byte {
	if s.i < len(s.s) {
		return s.s[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.s) {
		switch s.s[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// object reads from its opening brace to its closing one.
func (s *scanner) object(depth int) ([]member, *fault) {
	if depth > maxDepth {
		return nil, s.fault(ReasonTooDeep, "nested too deep")
	}
	s.i++
	s.space()
	if s.peek() == '}' {
		s.i++
		return nil, nil
	}
	members := make([]member, 0, min(16, 1+(len(s.s)-s.i)/24)) // a guess: few members are shorter
	var names seen
	for {
		s.space()
		if s.peek() != '"' {
			return nil, s.fault(ReasonSyntax, "expected a member name in double quotes")
		}
		name, f := s.string()
		if f != nil {
			return nil, f
		}
		if names.duplicate(members, name) {
			f = s.fault(ReasonDuplicateMember, "member sent twice")
			f.field = name
			return nil, f
		}
		s.space()
		if s.peek() != ':' {
			return nil, s.fault(ReasonSyntax, "expected a colon")
		}
		s.i++
		v, f := s.value(depth)
		if f != nil {
			return nil, f
		}
		members = append(members, member{name, v})
		more, f := s.more('}')
		if f != nil {
			return nil, f
		}
		if !more {
			return members, nil
		}
	}
}

func (s *scanner) array(depth int) *fault {
	if depth > maxDepth {
		return s.fault(ReasonTooDeep, "nested too deep")
	}
	s.i++
	s.space()
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		if _, f := s.value(depth); f != nil {
			return f
		}
		more, f := s.more(']')
		if f != nil || !more {
			return f
		}
	}
}

// more reads a comma (true) or the closing byte (false).
func (s *scanner) more(closing byte) (bool, *fault) {
	s.space()
	switch s.peek() {
	case ',':
		s.i++
		return true, nil
	case closing:
		s.i++
		return false, nil
	}
	return false, s.fault(ReasonSyntax, "expected a comma or "+string(rune(closing)))
}

// value reads any value; depth is that of the container around it.
func (s *scanner) value(depth int) (value, *fault) {
	s.space()
	start := s.i
	var f *fault
	switch c := s.peek(); {
	case c == '"':
		text, f := s.string()
		return value{kindString, text}, f
	case c == '{':
		_, f = s.object(depth + 1)
		return value{kindObject, s.s[start:s.i]}, f
	case c == '[':
		f = s.array(depth + 1)
		return value{kindArray, s.s[start:s.i]}, f
	case c == '-' || c >= '0' && c <= '9':
		f = s.number()
		return value{kindNumber, s.s[start:s.i]}, f
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s.s[s.i:], word) {
			s.i += len(word)
			if word == "null" {
				return value{}, nil
			}
			return value{kindBool, word}, nil
		}
	}
	return value{}, s.fault(ReasonSyntax, "expected a JSON value")
}

func (s *scanner) digits() bool {
	start := s.i
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.i++
	}
	return s.i > start
}

func (s *scanner) number() *fault {
	if s.peek() == '-' {
		s.i++
	}
	ok := true
	if s.peek() == '0' {
		s.i++
	} else {
		ok = s.digits()
	}
	if ok && s.peek() == '.' {
		s.i++
		ok = s.digits()
	}
	if c := s.peek(); ok && (c == 'e' || c == 'E') {
		s.i++
		if c = s.peek(); c == '+' || c == '-' {
			s.i++
		}
		ok = s.digits()
	}
	if !ok {
		return s.fault(ReasonSyntax, "not a JSON number")
	}
	return nil
}

// string reads a string and undoes its escapes.
func (s *scanner) string() (string, *fault) {
	s.i++
	start := s.i
	var out strings.Builder
	escaped := false
	for s.i < len(s.s) {
		switch c := s.s[s.i]; {
		case c == '"':
			tail := s.s[start:s.i]
			s.i++
			if !escaped {
				return tail, nil
			}
			out.WriteString(tail)
			return out.String(), nil
		case c < ' ':
			return "", s.fault(ReasonSyntax, "control character in a string; escape it")
		case c == '\\':
			out.WriteString(s.s[start:s.i])
			r, f := s.escape()
			if f != nil {
				return "", f
			}
			out.WriteRune(r)
			start, escaped = s.i, true
		default:
			s.i++
		}
	}
	return "", s.fault(ReasonSyntax, "string without its closing quote")
}

// escape reads one backslash escape, a surrogate pair included.
func (s *scanner) escape() (rune, *fault) {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	s.i++
	c := s.peek()
	if n := strings.IndexByte(from, c); n >= 0 && c != 0 {
		s.i++
		return rune(to[n]), nil
	}
	r, ok := s.hex4()
	if !ok {
		return 0, s.fault(ReasonSyntax, "unknown escape in a string")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if s.peek() == '\\' {
		s.i++
		low, ok := s.hex4()
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			return pair, nil
		}
	}
	// encoding/json would put U+FFFD here: another value than was sent.
	return 0, s.fault(ReasonInvalidUTF8, "half a surrogate pair in a string")
}

// hex4 reads u and four hexadecimal digits.
func (s *scanner) hex4() (rune, bool) {
	if len(s.s)-s.i < 5 || s.s[s.i] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.s[s.i+1 : s.i+5]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.i += 5
	return r, true
}
