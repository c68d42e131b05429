package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The kinds of layouts, and what each one takes beside "kind" and "coarse":
//
//	bands      event{name, partner_name}, from, step, count (equal) or edges (custom);
//	           open; first, last
//	bits       events[up to 6]: bit i is event i, null leaves the bit out
//	funnel     steps[{an event, implies_lower}]; first, last
//	counts     event, thresholds[]; first, last
//	retention  days (1 or 2); first, last
//	fields     fields[{bits: [lowest, highest], and bands{} or enum[] or flags[]}]
//
// The events of bits, steps, enum and flags are {name, partner_name, count_min,
// revenue_min, revenue_est}: they have no maxima, because a value never falls and a
// condition that can be lost again would stay in it. An event stands once in a model.
// docs/schema-models.md shows one of each.
const (
	LayoutBands     = "bands"
	LayoutBits      = "bits"
	LayoutFunnel    = "funnel"
	LayoutCounts    = "counts"
	LayoutRetention = "retention"
	LayoutFields    = "fields"
)

var layoutKinds = []string{LayoutBands, LayoutBits, LayoutFunnel, LayoutCounts, LayoutRetention, LayoutFields}

// Layout is a model that writes a table: a short text in place of 64 rows. It owns
// value 0, which it writes as "installed", and the fine values First to Last: Expand
// replaces all their rows. Bands, funnels, counts and retention deal out these values
// from the lowest up, one a step, and skip what the document reserves and what
// carries its overlap bit. In bits and fields the value is the pattern, so they own
// all 64 values.
type Layout struct {
	Kind        string
	First, Last int // 1-63 where nothing is said; 0-63 for bits and fields

	model  model
	coarse []coarsePart
}

// model is one kind of layout.
type model interface {
	// members lists what the model takes, beside kind and coarse, and what it must have.
	members(r *reader) (fields map[string]field, required []string)
	// check judges what was read together; n is the layout as it came.
	check(r *reader, n *node, at string)
	// rows writes the rows of the fine values that the layout owns.
	rows(x *expansion) []Row
}

// ParseLayout reads the layout member of a document as strictly as Parse reads the
// rest. The error is a *ParseError with everything that is wrong; pointers begin with
// /layout, where it stands in its document. What depends on the document (reserved
// values, the cap) is for Expand to judge.
func ParseLayout(raw json.RawMessage) (*Layout, error) {
	tree, err := readTree(raw)
	if err != nil {
		return nil, &ParseError{Findings: []Finding{{CodeSyntax, layoutAt, err.Error()}}}
	}
	r := &reader{}
	l := r.layout(tree, layoutAt)
	if len(r.findings) > 0 {
		return nil, &ParseError{Findings: r.findings}
	}
	return l, nil
}

const layoutAt = "/layout"

func (r *reader) layout(n *node, at string) *Layout {
	if n.kind != object {
		r.wrong(at, n, object)
		return nil
	}
	named := n.member("kind")
	if named == nil {
		r.add(CodeMemberMissing, under(at, "kind"), "is missing; use one of "+strings.Join(layoutKinds, ", "))
		return nil
	}
	l := &Layout{Kind: r.oneOf(named, under(at, "kind"), layoutKinds...), First: 1, Last: maxFine}
	switch l.Kind {
	case LayoutBands:
		l.model = &bandsModel{}
	case LayoutBits:
		l.model = &bitsModel{}
	case LayoutFunnel:
		l.model = &funnelModel{}
	case LayoutCounts:
		l.model = &countsModel{}
	case LayoutRetention:
		l.model = &retentionModel{}
	case LayoutFields:
		l.model = &fieldsModel{}
	default:
		return nil // without the kind nobody knows which members belong to it
	}
	fields, required := l.model.members(r)
	fields["kind"] = func(*node, string) {}
	fields["coarse"] = func(v *node, at string) { l.coarse = list(r, v, at, len(levels), r.coarsePart) }
	if l.positional() {
		l.First = 0
	} else {
		fields["first"] = func(v *node, at string) { l.First = r.within(v, at, 1, maxFine) }
		fields["last"] = func(v *node, at string) { l.Last = r.within(v, at, 1, maxFine) }
	}
	r.object(n, at, fields, required...)
	if l.First > l.Last && l.Last > 0 {
		r.add(CodeLayoutInvalid, under(at, "first"), fmt.Sprintf("is %d, above last (%d); lower it", l.First, l.Last))
	}
	l.model.check(r, n, at)
	seen := map[int]bool{}
	for i, c := range l.coarse {
		if seen[c.window] {
			r.add(CodeLayoutInvalid, under(under(under(at, "coarse"), i), "window"),
				fmt.Sprintf("window %d stands here twice; merge the two", c.window))
		}
		seen[c.window] = c.window >= 0
	}
	return l
}

// positional reports that the bits of a value are its meaning.
func (l *Layout) positional() bool { return l.Kind == LayoutBits || l.Kind == LayoutFields }

// owns reports whether the row of a fine value is the layout's to write.
func (l *Layout) owns(value int) bool { return value == 0 || value >= l.First && value <= l.Last }

// member finds a member that is there; null is absent.
func (n *node) member(key string) *node {
	i := slices.IndexFunc(n.members, func(m member) bool { return m.key == key && m.value.kind != null })
	if i < 0 {
		return nil
	}
	return n.members[i].value
}

// within reads a whole number with a range; -1 stands for one that was refused.
func (r *reader) within(n *node, at string, least, most int64) int {
	i := r.whole(n, at, least, most)
	if i == nil {
		return -1
	}
	return int(*i)
}
