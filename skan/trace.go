package skan

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
)

// trace is what the verifier tells of its steps while it takes them, so that an
// explanation can't say other than what was done. A nil trace hears nothing: that is
// the receiver's, and costs it a comparison a step.
type trace struct {
	steps           []traced
	header, payload string // of the JWS, as sent
	signed          *SignedString
	keys            []*key
	holder          *key // of the one that signed
}

// traced is one step: a check of the whole, or the read of one member.
type traced struct {
	check    string
	field    string
	want     string // of a member: what Apple's format has there
	value    value
	present  bool
	required bool
	skipped  bool // the verifier had given up before
}

// begin says that a check is being made. The last one that has begun when the verdict
// falls is the one that decided it.
func (t *trace) begin(check, field string) {
	if t != nil {
		t.steps = append(t.steps, traced{check: check, field: field})
	}
}

// step is begin within a parser, which goes on after a fault without looking.
func (m *members) step(check, field string) {
	if m.trace != nil {
		m.trace.steps = append(m.trace.steps, traced{check: check, field: field, skipped: m.fault != nil})
	}
}

// reads says that a member is being read.
func (m *members) reads(name, want string) {
	if m.trace != nil {
		m.trace.read(m, name, want).want = want
	}
}

// demands says that a member must be there. Its read follows and is the same step.
func (t *trace) demands(m *members, name, want string) { t.read(m, name, want).required = true }

func (t *trace) read(m *members, name, want string) *traced {
	if n := len(t.steps); n > 0 && t.steps[n-1].check == checkMember && t.steps[n-1].field == name {
		return &t.steps[n-1]
	}
	s := traced{check: checkMember, field: name, want: want, skipped: m.fault != nil}
	s.value, s.present = m.obj.get(name)
	t.steps = append(t.steps, s)
	return &t.steps[len(t.steps)-1]
}

const wantedBool = "true or false"

func wantedInt(low, high int64) string {
	if high == math.MaxInt64 {
		return "an integer of " + strconv.FormatInt(low, 10) + " or more"
	}
	return "an integer from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(high, 10)
}

// signs notes what the signature of a SKAdNetwork postback stands over.
func (t *trace) signs(p *Postback) {
	if t == nil {
		return
	}
	lv, _ := level(p.Version)
	var slots []slot
	b := appendMessage(nil, p, lv, &slots)
	s := signedString(string(b))
	for i, at := range slots {
		end := len(b)
		if i+1 < len(slots) {
			end = slots[i+1].at - len(separator)
		}
		s.Parts = append(s.Parts, SignedPart{at.field, string(b[at.at:end])})
	}
	t.signed = s
}

// signsSegments is signs of a JWS.
func (t *trace) signsSegments(signing string) {
	if t == nil {
		return
	}
	header, payload, _ := strings.Cut(signing, ".")
	t.signed = signedString(signing)
	t.signed.Parts = []SignedPart{{"header", header}, {"payload", payload}}
}

func signedString(s string) *SignedString {
	sum := sha256.Sum256([]byte(s))
	return &SignedString{
		Text: strings.ReplaceAll(s, separator, VisibleSeparator), Bytes: len(s), SHA256: hex.EncodeToString(sum[:]),
	}
}

// tries notes which keys may have signed.
func (t *trace) tries(keys []*key) {
	if t != nil {
		t.keys = keys
	}
}

// holds notes under which key the signature holds, also where the verdict then is that
// somebody has rewritten a type.
func (t *trace) holds(k *key) {
	if t != nil {
		t.holder = k
	}
}

// another is a trace of a second attempt on the same object.
func (t *trace) another() *trace {
	if t == nil {
		return nil
	}
	return &trace{steps: append(slices.Clone(t.steps[:1]), traced{check: checkRelay, field: "source-app-id"})}
}

// becomes forgets the first attempt: the second one's verdict stands.
func (t *trace) becomes(second *trace) {
	if t != nil {
		*t = *second
	}
}

func (t *trace) has(check, field string) bool {
	return slices.ContainsFunc(t.steps, func(s traced) bool { return s.check == check && s.field == field })
}

// later adds checks that the verifier did not come to.
func (t *trace) later(checks ...[2]string) {
	for _, c := range checks {
		if !t.has(c[0], c[1]) {
			t.steps = append(t.steps, traced{check: c[0], field: c[1], skipped: true})
		}
	}
}

// unread adds the members that a parser would have read, by asking it: with a fault
// set from the beginning it looks at nothing.
func (t *trace) unread(first string, parse func(*members, *Postback)) {
	if !t.has(checkMember, first) {
		parse(&members{obj: &object{}, fault: &fault{}, trace: t}, &Postback{})
	}
}

// complete adds everything that was left out once a check had failed.
func (t *trace) complete(res Result) {
	switch res.Framework {
	case AdAttributionKit:
		t.later([2]string{checkMember, jwsMember}, [2]string{checkJWSParts, jwsMember},
			[2]string{checkJWSBase64, "header"}, [2]string{checkJWSBase64, "payload"}, [2]string{checkJWSHeader, jwsMember},
			[2]string{checkMember, "alg"}, [2]string{checkAlgorithm, "alg"}, [2]string{checkMember, "kid"},
			[2]string{checkJWSSignature, jwsMember}, [2]string{checkKey, "kid"}, [2]string{checkJWSPayload, jwsMember})
		t.unread("impression-type", readClaims)
		t.unread("conversion-value", readOuter)
		t.later([2]string{checkCanonical, jwsMember}, [2]string{checkSignature, jwsMember})
	case SKAdNetwork:
		t.later([2]string{checkVersion, "version"})
		if !t.has(checkMember, "ad-network-id") {
			t.later([2]string{checkMembers, ""}) // which they are hangs on the version
		}
		t.later([2]string{checkBase64, "attribution-signature"}, [2]string{checkSignedString, ""},
			[2]string{checkKey, "version"}, [2]string{checkSignature, "attribution-signature"})
	default:
		t.later([2]string{checkFramework, ""}, [2]string{checkMembers, ""}, [2]string{checkKey, ""}, [2]string{checkSignature, ""})
		return
	}
	for _, check := range []string{checkTypes, checkEnvironment} {
		if !slices.ContainsFunc(t.steps, func(s traced) bool { return s.check == check }) {
			t.later([2]string{check, ""})
		}
	}
}
