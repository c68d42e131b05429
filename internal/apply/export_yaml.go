package apply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// yamlOf writes JSON as block YAML with its members in their order, such that
// YAMLToJSON gives the JSON back. Numbers keep their digits.
func yamlOf(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	root, err := readNode(dec)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	root.block(&out, 0)
	return out.Bytes(), nil
}

// node is a JSON value that remembers the order of its members.
type node struct {
	open   json.Delim // { [ or 0
	scalar string     // as YAML
	keys   []string   // as YAML; of an object
	items  []node
}

func readNode(dec *json.Decoder) (node, error) {
	t, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return node{scalar: yamlScalar(t)}, nil
	}
	n := node{open: open}
	for dec.More() {
		if open == '{' {
			key, err := dec.Token()
			if err != nil {
				return n, err
			}
			n.keys = append(n.keys, yamlScalar(key))
		}
		item, err := readNode(dec)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
	}
	_, err = dec.Token() // the closing bracket
	return n, err
}

// plain is text that no reader of YAML takes for anything but a string.
var (
	plain    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	reserved = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"}
)

func yamlScalar(t json.Token) string {
	switch v := t.(type) {
	case nil:
		return "null"
	case string:
		if plain.MatchString(v) && !slices.Contains(reserved, strings.ToLower(v)) {
			return v
		}
		quoted, err := compactJSON(v) // a JSON string is a YAML string
		if err != nil {
			return `""` // no string fails to be written
		}
		return string(quoted)
	default:
		return fmt.Sprint(v) // true, false and the digits of numbers
	}
}

// block writes an object or a list over several lines, each indented by depth.
func (n node) block(out *bytes.Buffer, depth int) {
	indent := strings.Repeat("  ", depth)
	for i, item := range n.items {
		head := "-"
		if n.open == '{' {
			head = n.keys[i] + ":"
		}
		out.WriteString(indent + head)
		switch {
		case item.short():
			out.WriteString(" ")
			item.flow(out)
			out.WriteString("\n")
		case n.open == '[':
			// The first member stands beside its dash.
			var below bytes.Buffer
			item.block(&below, depth+1)
			out.WriteString(" " + strings.TrimLeft(below.String(), " "))
		default:
			out.WriteString("\n")
			item.block(out, depth+1)
		}
	}
}

// short values stand on the line of their key: scalars, lists of scalars, what is
// empty, and lists of lists, which no setting has.
func (n node) short() bool {
	if n.open == '{' {
		return len(n.items) == 0
	}
	return !slices.ContainsFunc(n.items, func(item node) bool { return item.open == '{' && len(item.items) > 0 })
}

func (n node) flow(out *bytes.Buffer) {
	if n.open == 0 {
		out.WriteString(n.scalar)
		return
	}
	out.WriteString(n.open.String())
	for i, item := range n.items {
		if i > 0 {
			out.WriteString(", ")
		}
		if n.open == '{' {
			out.WriteString(n.keys[i] + ": ")
		}
		item.flow(out)
	}
	out.WriteString(map[json.Delim]string{'{': "}", '[': "]"}[n.open])
}
