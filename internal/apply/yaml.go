package apply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxYAML bounds what is parsed: YAML can grow a lot in memory.
const maxYAML = 1 << 20

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// YAMLToJSON translates one YAML document by the text of its scalars, so that
// app ids and amounts keep their digits: the usual way through float64
// turns 3.00 into 3.0 and loses what lies beyond 17 digits. What YAML can write in more ways than one
// (hexadecimal, octal, underscores, infinities, anchors, tags) is refused.
func YAMLToJSON(text []byte) ([]byte, error) {
	if len(text) > maxYAML {
		return nil, fmt.Errorf("YAML: %d bytes; at most %d are read", len(text), maxYAML)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("YAML: %s", first)
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			return nil, errors.New("YAML: there are several documents; keep one")
		}
		body = d.Body
	}
	if body == nil {
		return nil, errors.New("YAML: there is nothing in it")
	}
	var b bytes.Buffer
	err = writeYAML(&b, body)
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeYAML(b *bytes.Buffer, n ast.Node) error {
	switch v := n.(type) {
	case *ast.MappingNode:
		return writeMapping(b, v.Values)
	case *ast.MappingValueNode:
		return writeMapping(b, []*ast.MappingValueNode{v})
	case *ast.SequenceNode:
		b.WriteByte('[')
		for i, item := range v.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			err := writeYAML(b, item)
			if err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case *ast.StringNode:
		return writeText(b, v.Value)
	case *ast.LiteralNode:
		return writeText(b, v.Value.Value)
	case *ast.BoolNode:
		fmt.Fprint(b, v.Value)
		return nil
	case *ast.NullNode:
		b.WriteString("null")
		return nil
	case *ast.IntegerNode, *ast.FloatNode:
		digits := n.GetToken().Value
		if !jsonNumber.MatchString(digits) {
			return yamlError(n, fmt.Sprintf("%q can be read in more than one way; write plain decimal digits, or quote it", digits))
		}
		b.WriteString(digits)
		return nil
	default:
		return yamlError(n, fmt.Sprintf("%q is not allowed here (%s); write the value out", n.GetToken().Value, n.Type()))
	}
}

func writeMapping(b *bytes.Buffer, values []*ast.MappingValueNode) error {
	b.WriteByte('{')
	for i, m := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		key, ok := m.Key.(*ast.StringNode)
		if !ok {
			return yamlError(m.Key, fmt.Sprintf("the key %q is not a plain string; quote it", m.Key.GetToken().Value))
		}
		err := writeText(b, key.Value)
		if err != nil {
			return err
		}
		b.WriteByte(':')
		err = writeYAML(b, m.Value)
		if err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeText(b *bytes.Buffer, s string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	b.Write(text)
	return nil
}

func yamlError(n ast.Node, message string) error {
	p := n.GetToken().Position
	return fmt.Errorf("YAML: line %d, column %d: %s", p.Line, p.Column, message)
}
