package format

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// Limits of what is reported and read; the last two are those of a document.
const (
	maxFindings = 100
	maxLosses   = 1000
	maxItems    = 128 // in one list
	maxEvents   = 16  // in one row
	maxName     = 200 // characters
)

// reader turns values into Go's and collects what does not fit (findings: the file
// is not of the format) and what cannot be kept (losses).
type reader struct {
	findings []schema.Finding
	losses   []Loss
	untold   int                 // losses beyond maxLosses
	spelling func(string) string // of a member's name; nil: as it stands
}

// value is a node and where it stands.
type value struct {
	*node
	at string
}

func (r *reader) fail(code schema.Code, at, message string) {
	if len(r.findings) < maxFindings {
		r.findings = append(r.findings, schema.Finding{Code: code, Pointer: at, Message: message})
	}
}

func (r *reader) wrong(v value, want kind) {
	r.fail(schema.CodeWrongType, v.at, fmt.Sprintf("is %s; write %s", v.kind, want))
}

func (r *reader) lose(at, message string) {
	if len(r.losses) < maxLosses {
		r.losses = append(r.losses, Loss{at, message})
		return
	}
	r.untold++
}

func (r *reader) allLosses() []Loss {
	if r.untold > 0 {
		return append(r.losses, Loss{"", fmt.Sprintf("and %d more", r.untold)})
	}
	return r.losses
}

// unheld reads nothing of a member that a document has no place for.
func (r *reader) unheld(why string) func(value) {
	return func(v value) { r.lose(v.at, why) }
}

type fields map[string]func(value)

// object hands every member to its field. Null is absent. A member that the format
// does not have is a loss: vendors add members, and nothing may vanish unnoticed.
func (r *reader) object(v value, fs fields, required ...string) {
	if v.kind != object {
		r.wrong(v, object)
		return
	}
	seen, present := map[string]bool{}, map[string]bool{}
	for _, m := range v.members {
		key := m.key
		if r.spelling != nil {
			key = r.spelling(key)
		}
		at := under(v.at, m.key)
		read, known := fs[key]
		switch {
		case seen[key]:
			r.fail(schema.CodeDuplicateMember, at, "the member stands here twice; keep one")
		case !known:
			r.lose(at, "is not a member that is known here; it was not read")
		case m.value.kind != null:
			present[key] = true
			read(value{m.value, at})
		}
		seen[key] = true
	}
	for _, name := range required {
		if !present[name] && !seen[name] {
			r.fail(schema.CodeMemberMissing, under(v.at, name), "is missing; without it this is not the format")
		} else if !present[name] {
			r.fail(schema.CodeMemberMissing, under(v.at, name), "is null; without it this is not the format")
		}
	}
}

func (r *reader) list(v value, read func(i int, v value)) {
	if v.kind != array {
		r.wrong(v, array)
		return
	}
	if len(v.items) > maxItems {
		r.fail(schema.CodeTooLarge, v.at, fmt.Sprintf("has %d items; at most %d are read", len(v.items), maxItems))
		return
	}
	for i, n := range v.items {
		read(i, value{n, under(v.at, i)})
	}
}

func (r *reader) text(v value) string {
	switch {
	case v.kind != text:
		r.wrong(v, text)
		return ""
	case utf8.RuneCountInString(v.text) > maxName:
		r.fail(schema.CodeTooLarge, v.at, fmt.Sprintf("is longer than %d characters; shorten it", maxName))
		return ""
	case strings.ContainsFunc(v.text, unicode.IsControl):
		r.fail(schema.CodeWrongType, v.at, "holds control characters; remove them")
		return ""
	case v.text == "":
		r.fail(schema.CodeWrongType, v.at, "is empty; write a name")
	}
	return v.text
}

// whole reads an integer, or its digits as a string: vendors write both. A zero
// fraction (3.0) is none.
func (r *reader) whole(v value, least, most int64) (int64, bool) {
	if v.kind != number && v.kind != text {
		r.wrong(v, number)
		return 0, false
	}
	i, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		d, err := schema.ParseMoney(v.text)
		if err == nil && d.IsInteger() {
			i = d.IntPart()
		} else {
			i = -1
		}
	}
	if i >= least && i <= most {
		return i, true
	}
	r.fail(schema.CodeWrongType, v.at, fmt.Sprintf("is %.30q; write a whole number from %d to %d", v.text, least, most))
	return 0, false
}

func (r *reader) count(v value) *int {
	i, ok := r.whole(v, 0, 1e9)
	if !ok {
		return nil
	}
	n := int(i)
	return &n
}

// money reads a JSON number by its digits, or a decimal string.
func (r *reader) money(v value) *decimal.Decimal {
	if v.kind != number && v.kind != text {
		r.wrong(v, number)
		return nil
	}
	d, err := schema.ParseMoney(v.text)
	if err != nil {
		r.fail(schema.CodeWrongType, v.at, fmt.Sprintf("%.30q %s", v.text, err))
		return nil
	}
	return &d
}

func (r *reader) truth(v value) bool {
	if v.kind != boolean {
		r.wrong(v, boolean)
	}
	return v.text == strconv.FormatBool(true)
}

// currency reads an ISO 4217 code; Validate judges whether there is such a one.
func (r *reader) currency(v value) string { return strings.ToUpper(r.text(v)) }

// has reports whether an object has one of the members.
func (r *reader) has(v value, names ...string) bool {
	for _, m := range v.members {
		key := m.key
		if r.spelling != nil {
			key = r.spelling(key)
		}
		for _, name := range names {
			if key == name {
				return true
			}
		}
	}
	return false
}

// fromJSON lets a format begin with the value of its file.
func fromJSON(read func(b *builder, v value)) func(*builder, []byte) {
	return func(b *builder, body []byte) {
		root, err := readTree(body)
		if err != nil {
			b.fail(schema.CodeSyntax, "", err.Error())
			return
		}
		read(b, value{root, ""})
	}
}
