package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a document. They are far above every real schema and keep a hostile
// one cheap to check.
const (
	maxBytes  = 256 << 10 // as it came, and as it is written
	maxDepth  = 16
	maxRows   = 128 // in one window: 64, and room for the duplicates that Validate names
	maxGaps   = 64
	maxEvents = 16  // in one row
	maxName   = 200 // characters
)

// node is a JSON value that still knows what encoding/json forgets: the order of
// members, their duplicates, and the digits of numbers.
type node struct {
	kind    kind
	text    string // the string, or the digits of the number
	truth   bool
	items   []*node
	members []member
}

type member struct {
	key   string
	value *node
}

type kind string

const (
	object  kind = "an object"
	array   kind = "an array"
	text    kind = "a string"
	number  kind = "a number"
	boolean kind = "true or false"
	null    kind = "null"
)

// readTree reads exactly one JSON value.
func readTree(b []byte) (*node, error) {
	if len(b) > maxBytes {
		return nil, fmt.Errorf("the document has %d bytes; at most %d are read", len(b), maxBytes)
	}
	if !utf8.Valid(b) {
		return nil, errors.New("the document is not UTF-8")
	}
	var whole json.RawMessage
	err := json.Unmarshal(b, &whole)
	if err != nil {
		return nil, placed(b, err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return readNode(dec, maxDepth)
}

func readNode(dec *json.Decoder, depth int) (*node, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case string:
		return &node{kind: text, text: t}, nil
	case json.Number:
		return &node{kind: number, text: t.String()}, nil
	case bool:
		return &node{kind: boolean, truth: t}, nil
	case json.Delim:
		if depth == 0 {
			return nil, fmt.Errorf("values are nested deeper than %d", maxDepth)
		}
		n := &node{kind: array}
		if t == '{' {
			n.kind = object
		}
		err := n.fill(dec, depth-1)
		return n, err
	default:
		return &node{kind: null}, nil
	}
}

func (n *node) fill(dec *json.Decoder, depth int) error {
	for dec.More() {
		var key string
		if n.kind == object {
			tok, err := dec.Token()
			if err != nil {
				return err
			}
			key, _ = tok.(string) // the syntax was checked: a member begins with a string
		}
		v, err := readNode(dec, depth)
		if err != nil {
			return err
		}
		if n.kind == object {
			n.members = append(n.members, member{key, v})
		} else {
			n.items = append(n.items, v)
		}
	}
	_, err := dec.Token() // the closing bracket
	return err
}

// placed turns a syntax error into line and column.
func placed(b []byte, err error) error {
	var se *json.SyntaxError
	if !errors.As(err, &se) || se.Offset > int64(len(b)) {
		return err
	}
	before := b[:max(se.Offset-1, 0)]
	line := bytes.Count(before, []byte("\n")) + 1
	col := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("line %d, column %d: %w", line, col, err)
}

// write prints the value with sorted members and numbers as they were written.
// Of duplicate members the first is kept; a reader has reported the others.
func (n *node) write(b *bytes.Buffer) {
	switch n.kind {
	case object:
		ms := append([]member(nil), n.members...)
		sort.SliceStable(ms, func(i, j int) bool { return ms[i].key < ms[j].key })
		b.WriteByte('{')
		for i, m := range ms {
			if i > 0 && ms[i-1].key == m.key {
				continue
			}
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, m.key)
			b.WriteByte(':')
			m.value.write(b)
		}
		b.WriteByte('}')
	case array:
		b.WriteByte('[')
		for i, v := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			v.write(b)
		}
		b.WriteByte(']')
	case text:
		writeString(b, n.text)
	case boolean:
		b.WriteString(strconv.FormatBool(n.truth))
	case number:
		b.WriteString(n.text)
	default:
		b.WriteString("null")
	}
}

func writeString(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)       // a string into memory cannot fail
	b.Truncate(b.Len() - 1) // Encode ends with a line feed
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901

// under appends a member or an index to a JSON pointer (RFC 6901).
func under(pointer string, part any) string {
	s := fmt.Sprint(part)
	return pointer + "/" + pointerEscapes.Replace(s)
}
