package skan

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that a hostile body cannot grow the stack.
const maxDepth = 32

// kind is the JSON type of a value.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindObject
	kindArray
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an object", "an array"}[k]
}

// value keeps a JSON value as text: the decoded string, the number's literal
// (float64 would break every real app id), true or false, or raw JSON.
type value struct {
	kind kind
	text string
}

type member struct {
	name  string
	value value
}

// object is one JSON object with its members in the order they were sent.
type object struct{ members []member }

// get finds a member by its exact name (encoding/json would ignore case). null
// is absent, as Apple means it.
func (o *object) get(name string) (value, bool) {
	for i := range o.members {
		if m := &o.members[i]; m.name == name {
			return m.value, m.value.kind != kindNull
		}
	}
	return value{}, false
}

func (o *object) has(name string) bool {
	_, ok := o.get(name)
	return ok
}

// without returns a copy of the object that lacks one member.
func (o *object) without(name string) *object {
	out := &object{members: make([]member, 0, len(o.members))}
	for _, m := range o.members {
		if m.name != name {
			out.members = append(out.members, m)
		}
	}
	return out
}

// decodeObject reads exactly one JSON object: RFC 8259 with duplicate names
// refused at every depth, and invalid UTF-8, lone surrogates and trailing data
// refused. It is the only JSON decoder that signed values pass, so the values
// that are verified are the values that are stored.
func decodeObject(body []byte) (*object, *fault) {
	if !utf8.Valid(body) {
		return nil, &fault{ReasonInvalidUTF8, "", "body is not valid UTF-8; send one JSON object in UTF-8"}
	}
	s := scanner{s: string(body)}
	s.space()
	if s.peek() != '{' {
		return nil, s.notObject()
	}
	members, f := s.object(1)
	if f != nil {
		return nil, f
	}
	s.space()
	if s.i != len(s.s) {
		return nil, s.fault(ReasonTrailingData, "only white space may follow the object")
	}
	return &object{members}, nil
}

// notObject says why a body that doesn't begin with a brace is refused.
func (s *scanner) notObject() *fault {
	if s.i == len(s.s) {
		return &fault{ReasonNotObject, "", "body is empty; send one JSON object"}
	}
	if _, f := s.value(0); f != nil {
		return f
	}
	return &fault{ReasonNotObject, "", "body is JSON but not an object; send one JSON object"}
}

// seen finds duplicate names: by looking along while there are few (what Apple
// sends), by a map when there are many (what an attacker sends).
type seen struct{ names map[string]struct{} }

const fewMembers = 24

func (d *seen) duplicate(members []member, name string) bool {
	if len(members) < fewMembers {
		for i := range members {
			if members[i].name == name {
				return true
			}
		}
		return false
	}
	if d.names == nil {
		d.names = make(map[string]struct{}, 2*len(members))
		for i := range members {
			d.names[members[i].name] = struct{}{}
		}
	}
	_, dup := d.names[name]
	d.names[name] = struct{}{}
	return dup
}

func (s *scanner) fault(reason, message string) *fault {
	return &fault{reason, "", fmt.Sprintf("at byte %d: %s", s.i, message)}
}

// integer reads a plain decimal integer of 64 bits: no fraction, exponent, plus
// sign, minus zero or leading zero, even where JSON would allow them.
func (v value) integer() (int64, bool) {
	if v.kind != kindNumber || v.text == "-0" {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, err == nil
}
