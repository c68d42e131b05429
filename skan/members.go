package skan

import "fmt"

// members reads typed members out of one object. The first fault sticks and the
// reads after it return zero values, so a parser is a plain list.
//
// JSON types are enforced here because the signature doesn't bind them: "42" and
// 42 give the same signed bytes.
type members struct {
	obj   *object
	fault *fault
	// loose names a boolean that was sent as 0 or 1. Apple's own old
	// documentation has one. It is never accepted, but the verdict tells a
	// genuine postback with a rewritten type (malformed) from a forged one.
	loose string
	// trace is told of every read where somebody asked for an explanation; else nil.
	trace *trace
}

func (m *members) fail(reason, field, format string, args ...any) {
	if m.fault == nil {
		m.fault = &fault{reason, field, field + ": " + fmt.Sprintf(format, args...)}
	}
}

func (m *members) wrongType(name, want string, got value) {
	m.fail(ReasonWrongType, name, "expected %s, got %s", want, got.kind)
}

// optString returns "" when the member is absent; ok checks what is present.
func (m *members) optString(name, want string, ok func(string) bool) string {
	m.reads(name, want)
	v, present := m.obj.get(name)
	switch {
	case !present || m.fault != nil:
		return ""
	case v.kind != kindString:
		m.wrongType(name, want, v)
		return ""
	case !ok(v.text):
		m.fail(ReasonWrongValue, name, "expected %s", want)
		return ""
	}
	return v.text
}

func (m *members) string(name, want string, ok func(string) bool) string {
	m.require(name, want)
	return m.optString(name, want, ok)
}

// optInt reads an integer in [low, high].
func (m *members) optInt(name string, low, high int64) *int64 {
	if m.trace != nil {
		m.reads(name, wantedInt(low, high))
	}
	v, present := m.obj.get(name)
	if !present || m.fault != nil {
		return nil
	}
	n, ok := v.integer()
	switch {
	case v.kind != kindNumber:
		m.wrongType(name, "an integer", v)
	case !ok:
		m.fail(ReasonWrongType, name, "expected an integer in plain digits, within 64 bits")
	case n < low || n > high:
		m.fail(ReasonWrongValue, name, "expected an integer from %d to %d", low, high)
	default:
		return &n
	}
	return nil
}

// int is optInt for a member that is never absent; 0 after a fault.
func (m *members) int(name string, low, high int64) int64 {
	m.require(name, "an integer")
	n := m.optInt(name, low, high)
	if n == nil {
		return 0
	}
	return *n
}

// optSmall is optInt for the small ranges that Postback keeps as *int.
func (m *members) optSmall(name string, high int64) *int {
	n := m.optInt(name, 0, high)
	if n == nil {
		return nil
	}
	small := int(*n)
	return &small
}

func (m *members) optBool(name string) bool {
	m.reads(name, wantedBool)
	v, present := m.obj.get(name)
	switch {
	case !present || m.fault != nil:
		return false
	case v.kind == kindBool:
		return v.text == "true"
	case v.kind == kindNumber && (v.text == "0" || v.text == "1"):
		if m.loose == "" {
			m.loose = name
		}
		return v.text == "1"
	}
	m.wrongType(name, wantedBool, v)
	return false
}

func (m *members) bool(name string) bool {
	m.require(name, wantedBool)
	return m.optBool(name)
}

func (m *members) require(name, want string) {
	if m.trace != nil {
		m.trace.demands(m, name, want)
	}
	if m.fault == nil && !m.obj.has(name) {
		m.fail(ReasonMissing, name, "missing; expected %s", want)
	}
}
