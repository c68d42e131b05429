package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits that keep a hostile file cheap; real ones have 8 levels and some
// thousand values.
const (
	maxDepth = 24
	maxNodes = 100_000
)

// node is a JSON value that still knows what encoding/json forgets: duplicate
// members, their order, and the digits of numbers.
type node struct {
	kind    kind
	text    string // the string, the digits of the number, true or false
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

// tree reads tokens into nodes.
type tree struct {
	dec   *json.Decoder
	nodes int
}

// readTree reads exactly one JSON value.
func readTree(b []byte) (*node, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) // some editors put a byte order mark first
	if !utf8.Valid(b) {
		return nil, errors.New("the file is not UTF-8")
	}
	var whole json.RawMessage
	err := json.Unmarshal(b, &whole)
	if err != nil {
		return nil, placed(b, err)
	}
	t := tree{dec: json.NewDecoder(bytes.NewReader(b))}
	t.dec.UseNumber()
	return t.value(maxDepth)
}

func (t *tree) value(depth int) (*node, error) {
	t.nodes++
	if t.nodes > maxNodes {
		return nil, fmt.Errorf("the file has more than %d values", maxNodes)
	}
	tok, err := t.dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case string:
		return &node{kind: text, text: tok}, nil
	case json.Number:
		return &node{kind: number, text: tok.String()}, nil
	case bool:
		return &node{kind: boolean, text: fmt.Sprint(tok)}, nil
	case json.Delim:
		if depth == 0 {
			return nil, fmt.Errorf("values are nested deeper than %d", maxDepth)
		}
		n := &node{kind: array}
		if tok == '{' {
			n.kind = object
		}
		err := t.fill(n, depth-1)
		return n, err
	default:
		return &node{kind: null}, nil
	}
}

func (t *tree) fill(n *node, depth int) error {
	for t.dec.More() {
		var key string
		if n.kind == object {
			tok, err := t.dec.Token()
			if err != nil {
				return err
			}
			key, _ = tok.(string) // the syntax was checked: a member begins with a string
		}
		v, err := t.value(depth)
		if err != nil {
			return err
		}
		if n.kind == object {
			n.members = append(n.members, member{key, v})
		} else {
			n.items = append(n.items, v)
		}
	}
	_, err := t.dec.Token() // the closing bracket
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

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// under appends a member or an index to a JSON pointer (RFC 6901).
func under(pointer string, part any) string {
	return pointer + "/" + pointerEscapes.Replace(fmt.Sprint(part))
}
