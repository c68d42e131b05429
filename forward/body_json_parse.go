package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of a template.
const maxJSONDepth = 32

// jsonParser reads a JSON document in which a {macro} may stand for a value or inside
// a text. A { before a letter begins a macro, for a member's name begins with a quote.
type jsonParser struct {
	text   string
	at     int
	depth  int
	faults []error
}

// parseJSONTemplate returns every unknown macro and every member that stands twice,
// and the first error of syntax, each with line and column.
func parseJSONTemplate(text string) (bodyTemplate, error) {
	p := &jsonParser{text: text}
	if !utf8.ValidString(text) {
		return nil, errors.New("it is not UTF-8")
	}
	root, err := p.document()
	if err != nil {
		p.faults = append(p.faults, err)
	}
	if err := placed(p.faults).err(); err != nil {
		return nil, err
	}
	return jsonBody{root}, nil
}

func (p *jsonParser) document() (jsonNode, error) {
	root, err := p.value()
	if err != nil {
		return root, err
	}
	p.space()
	if p.at < len(p.text) {
		return root, p.errorf(p.at, "more follows the document; remove it, or put all into one object")
	}
	if root.kind != jsonObject && root.kind != jsonList {
		return root, p.errorf(0, "the document must be an object or a list")
	}
	return root, nil
}

// errorf names a place as editors do: line and column from 1, columns in characters.
func (p *jsonParser) errorf(at int, format string, args ...any) error {
	before := p.text[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

func (p *jsonParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// peek is the next byte after white space; 0 at the end.
func (p *jsonParser) peek() byte {
	p.space()
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *jsonParser) value() (jsonNode, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxJSONDepth {
		return jsonNode{}, p.errorf(p.at, "nested deeper than %d", maxJSONDepth)
	}
	switch c := p.peek(); {
	case c == '{' && p.macroFollows():
		name, err := p.macro()
		return jsonNode{kind: jsonBare, raw: name}, err
	case c == '{':
		return p.object()
	case c == '[':
		return p.list()
	case c == '"':
		return p.string()
	case c == 0:
		return jsonNode{}, p.errorf(p.at, "the document breaks off here")
	default:
		return p.literal()
	}
}

func (p *jsonParser) macroFollows() bool {
	rest := p.text[p.at+1:]
	return rest != "" && (rest[0] == '_' || rest[0]|0x20 >= 'a' && rest[0]|0x20 <= 'z')
}

// macro reads {name}; p stands on its brace.
func (p *jsonParser) macro() (string, error) {
	start := p.at
	name, _, closed := strings.Cut(p.text[start+1:], "}")
	if !closed || strings.ContainsAny(name, "\"\n{") {
		return "", p.errorf(start, "a { without its }; a literal brace in a text is written \\u007b")
	}
	if !knownMacro(name) {
		p.faults = append(p.faults, p.errorf(start, "%v", unknownMacro(name)))
	}
	p.at += len(name) + 2
	return name, nil
}

func (p *jsonParser) object() (jsonNode, error) {
	n := jsonNode{kind: jsonObject}
	p.at++
	if p.peek() == '}' {
		p.at++
		return n, nil
	}
	seen := map[string]bool{}
	for {
		member, name, err := p.member()
		if err != nil {
			return n, err
		}
		if seen[name.text] {
			p.faults = append(p.faults, p.errorf(name.at, "the member %q stands here twice; receivers keep one of them, and not the same one", name.text))
		}
		seen[name.text] = true
		n.members = append(n.members, member)
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return n, nil
		default:
			return n, p.errorf(p.at, "want a comma or } after a member")
		}
	}
}

// memberName is a name and where it stands.
type memberName struct {
	text string
	at   int
}

func (p *jsonParser) member() (jsonMember, memberName, error) {
	if p.peek() != '"' {
		return jsonMember{}, memberName{}, p.errorf(p.at, `want a member's name in quotes, such as "value"`)
	}
	start := p.at
	name, err := p.string()
	if err != nil {
		return jsonMember{}, memberName{}, err
	}
	if name.kind != jsonLiteral {
		return jsonMember{}, memberName{}, p.errorf(start, "a macro cannot name a member, for two could become the same; write the name")
	}
	if p.peek() != ':' {
		return jsonMember{}, memberName{}, p.errorf(p.at, "want a colon after a member's name")
	}
	p.at++
	node, err := p.value()
	return jsonMember{name.raw + ":", node}, memberName{name.raw[1 : len(name.raw)-1], start}, err
}

func (p *jsonParser) list() (jsonNode, error) {
	n := jsonNode{kind: jsonList}
	p.at++
	if p.peek() == ']' {
		p.at++
		return n, nil
	}
	for {
		item, err := p.value()
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return n, nil
		default:
			return n, p.errorf(p.at, "want a comma or ] after an element")
		}
	}
}

// literal reads a number, true, false or null.
func (p *jsonParser) literal() (jsonNode, error) {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n,]}", p.text[p.at]) < 0 {
		p.at++
	}
	word := p.text[start:p.at]
	switch {
	case word == "true", word == "false", word == "null", word != "" && word[0] <= '9' && json.Valid([]byte(word)):
		return jsonNode{kind: jsonLiteral, raw: word}, nil
	case strings.HasPrefix(word, "'"):
		return jsonNode{}, p.errorf(start, `texts stand in double quotes: "…"`)
	case strings.ContainsRune("}],", rune(p.text[start])):
		return jsonNode{}, p.errorf(start, "want a value here; remove the comma, or write one")
	}
	return jsonNode{}, p.errorf(start, "%s is no value; write a number, true, false, null, a text in quotes, or a {macro}", firstOf(word, 24))
}

func firstOf(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n]) + "…"
	}
	return text
}

// string reads a text; with macros in it, it is a jsonText.
func (p *jsonParser) string() (jsonNode, error) {
	start := p.at
	p.at++
	var parts []part
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, part{text: literal.String()})
			literal.Reset()
		}
	}
	macros := false
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			if !macros {
				return jsonNode{kind: jsonLiteral, raw: string(appendJSONString(nil, literal.String()))}, nil
			}
			flush()
			return jsonNode{kind: jsonText, parts: parts}, nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return jsonNode{}, err
			}
			literal.WriteRune(r)
		case c < ' ':
			return jsonNode{}, p.errorf(p.at, "a text cannot hold %q as it is; write an escape such as \\n", c)
		case c == '{':
			name, err := p.macro()
			if err != nil {
				return jsonNode{}, err
			}
			flush()
			parts, macros = append(parts, part{text: name, macro: true}), true
		case c == '}':
			return jsonNode{}, p.errorf(p.at, "a } without its {; a literal brace in a text is written \\u007d")
		default:
			literal.WriteByte(c)
			p.at++
		}
	}
	return jsonNode{}, p.errorf(start, "a text without its closing quote")
}

// escape reads \n, \u00e9 and the like; p stands on the backslash.
func (p *jsonParser) escape() (rune, error) {
	start := p.at
	if p.at+1 >= len(p.text) {
		return 0, p.errorf(start, "the document breaks off here")
	}
	c := p.text[p.at+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.at += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	r, ok := p.unicode(start)
	if c != 'u' || !ok {
		return 0, p.errorf(start, `there is no such escape; a backslash is written \\`)
	}
	p.at = start + 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	low, ok := p.unicode(start + 6)
	pair := utf16.DecodeRune(r, low)
	if !ok || pair == utf8.RuneError {
		return 0, p.errorf(start, "half of a surrogate pair; write both halves, or the character itself")
	}
	p.at = start + 12
	return pair, nil
}

// unicode reads \uXXXX at a place.
func (p *jsonParser) unicode(at int) (r rune, ok bool) {
	if at+6 > len(p.text) || p.text[at:at+2] != `\u` {
		return 0, false
	}
	for _, c := range []byte(p.text[at+2 : at+6]) {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if d < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}
