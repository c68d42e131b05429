package schema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// reader turns nodes into the fields of a document and collects what does not
// fit, instead of stopping at it.
type reader struct{ findings []Finding }

type field func(v *node, at string)

func (r *reader) add(code Code, at, message string) {
	r.findings = append(r.findings, Finding{code, at, message})
}

func (r *reader) wrong(at string, n *node, want kind) {
	r.add(CodeWrongType, at, fmt.Sprintf("is %s; write %s", n.kind, want))
}

// object hands every member to its field. Null is absent.
func (r *reader) object(n *node, at string, fields map[string]field, required ...string) {
	if n.kind != object {
		r.wrong(at, n, object)
		return
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		p := under(at, m.key)
		read, known := fields[m.key]
		switch {
		case seen[m.key]:
			r.add(CodeDuplicateMember, p, "the member stands here twice; keep one")
			continue
		case !known:
			names := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
			r.add(CodeUnknownMember, p, "is not a member of this object; remove it, or use one of "+names)
		case m.value.kind != null:
			read(m.value, p)
			seen[m.key] = true
			continue
		}
		seen[m.key] = true
	}
	for _, name := range required {
		if !slices.ContainsFunc(n.members, func(m member) bool { return m.key == name && m.value.kind != null }) {
			r.add(CodeMemberMissing, under(at, name), "is missing; add it")
		}
	}
}

// list reads an array; a method cannot have the type parameter.
func list[T any](r *reader, n *node, at string, most int, read func(*node, string) T) []T {
	if n.kind != array {
		r.wrong(at, n, array)
		return nil
	}
	if len(n.items) > most {
		r.add(CodeTooLarge, at, fmt.Sprintf("has %d items; at most %d are allowed", len(n.items), most))
		return nil
	}
	out := make([]T, 0, len(n.items))
	for i, v := range n.items {
		out = append(out, read(v, under(at, i)))
	}
	return out
}

func (r *reader) text(n *node, at string) string {
	switch {
	case n.kind != text:
		r.wrong(at, n, text)
		return ""
	case utf8.RuneCountInString(n.text) > maxName:
		r.add(CodeTooLarge, at, fmt.Sprintf("is longer than %d characters; shorten it", maxName))
	case strings.ContainsFunc(n.text, unicode.IsControl):
		r.add(CodeWrongType, at, "holds control characters; remove them")
	}
	return n.text
}

func (r *reader) oneOf(n *node, at string, words ...string) string {
	if n.kind == text && slices.Contains(words, n.text) {
		return n.text
	}
	r.add(CodeWrongType, at, "is not one of "+strings.Join(words, ", "))
	return ""
}

// whole reads a plain integer: 12, never 12.0 or 1e1.
func (r *reader) whole(n *node, at string, least, most int64) *int64 {
	if n.kind != number {
		r.wrong(at, n, number)
		return nil
	}
	i, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || i < least || i > most || n.text == "-0" {
		r.add(CodeWrongType, at, fmt.Sprintf("is %.30s; write a whole number from %d to %d", n.text, least, most))
		return nil
	}
	return &i
}

func (r *reader) integer(n *node, at string) *int {
	i := r.whole(n, at, -1e9, 1e9) // Validate judges the range that the field has
	if i == nil {
		return nil
	}
	v := int(*i)
	return &v
}

// value is integer with a place holder that Validate would refuse anyhow.
func (r *reader) value(n *node, at string) int {
	if i := r.integer(n, at); i != nil {
		return *i
	}
	return -1
}

func (r *reader) count(n *node, at string) *int {
	i := r.whole(n, at, 0, 1e9)
	if i == nil {
		return nil
	}
	v := int(*i)
	return &v
}

// money takes a JSON number by its digits, or a decimal string.
func (r *reader) money(n *node, at string) *decimal.Decimal {
	if n.kind != number && n.kind != text {
		r.wrong(at, n, "an amount")
		return nil
	}
	d, err := ParseMoney(n.text)
	if err != nil {
		r.add(CodeWrongType, at, fmt.Sprintf("%.30q %s", n.text, err))
		return nil
	}
	return &d
}

// duplicates lists the members that an object or its parts hold twice.
func duplicates(n *node, at string) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range n.members {
		if seen[m.key] {
			out = append(out, under(at, m.key))
		}
		seen[m.key] = true
		out = append(out, duplicates(m.value, under(at, m.key))...)
	}
	for i, v := range n.items {
		out = append(out, duplicates(v, under(at, i))...)
	}
	return out
}
