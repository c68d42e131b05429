package skan

// CheckStatus is what became of one check.
type CheckStatus string

// A check is skipped because an earlier one has failed, never for another reason.
const (
	CheckPass    CheckStatus = "pass"
	CheckFail    CheckStatus = "fail"
	CheckSkipped CheckStatus = "skipped"
)

// The checks, by stable names. A member's has the member in Field; only checkMember,
// and base64 of a JWS (header, payload), come more than once.
const (
	checkObject       = "object"        // one JSON object
	checkFramework    = "framework"     // whose members these are
	checkRelay        = "relay"         // without what relays are known to add
	checkVersion      = "version"       // known to this build
	checkMember       = "member"        // there if it must be; its type, form and bounds
	checkMembers      = "members"       // all of them, where the version that says which is not known
	checkOneSource    = "one_source"    // not both app and site
	checkOneValue     = "one_value"     // not both fine and coarse
	checkBase64       = "base64"        // of attribution-signature
	checkSignedString = "signed_string" // put together
	checkKey          = "key"           // there is one that may have signed
	checkSignature    = "signature"     // ECDSA
	checkTypes        = "types"         // what is stored is what was signed
	checkEnvironment  = "environment"   // production or development
	checkJWSParts     = "jws_parts"     // three segments
	checkJWSBase64    = "jws_base64"    // of header, payload
	checkJWSHeader    = "jws_header"    // one strict object
	checkAlgorithm    = "jws_algorithm" // ES256, and nothing that changes what is signed
	checkJWSSignature = "jws_signature" // base64 of the third segment
	checkJWSPayload   = "jws_payload"   // one strict object
	checkCanonical    = "jws_canonical" // no stray bits
)

// Check is one step of a verification, in the order in which it was made.
type Check struct {
	Name     string      `json:"check"`
	Field    string      `json:"field"` // the member, or "" where it is about the whole
	Status   CheckStatus `json:"status"`
	Reason   string      `json:"reason"`   // of the one that failed: as in Result, else ""
	Sentence string      `json:"sentence"` // for people: what was found
	Value    *string     `json:"value"`    // of a member: as sent, at most 256 bytes of it; nil if absent
	Signed   *bool       `json:"signed"`   // of a member: whether Apple signs it; nil: the question makes no sense
}

// SignedPart is one value of the signed string with the member that it is of.
type SignedPart struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// VisibleSeparator stands for U+2063 in SignedString.Text: nobody can see that one.
const VisibleSeparator = "⟨U+2063⟩"

// SignedString is what a signature stands over.
type SignedString struct {
	Parts  []SignedPart `json:"parts"`  // in their order; of a JWS its two segments as sent
	Text   string       `json:"text"`   // the parts joined by VisibleSeparator; of a JWS by a point
	Bytes  int          `json:"bytes"`  // of the string itself
	SHA256 string       `json:"sha256"` // of the string itself, in hex: what ECDSA signs
}

// KeyTried is a key that may have signed, in the order in which they were tried.
type KeyTried struct {
	Name        string      `json:"name"`
	Curve       string      `json:"curve"`
	Environment Environment `json:"environment"`
	Signed      bool        `json:"signed"` // the signature holds under this one
}

// Note is a flag of the Result in words.
type Note struct {
	Flag     string `json:"flag"`
	Sentence string `json:"sentence"`
}

// Explanation is a verdict with how it came about. The first check that failed has the
// Result's reason; those before it passed and those after it were skipped. A valid
// postback has none that failed.
type Explanation struct {
	Result  Result        `json:"-"` // what Verify says, or VerifyRelayed
	Bytes   int           `json:"bytes"`
	Checks  []Check       `json:"checks"`
	Signed  *SignedString `json:"signed_string"` // nil: it did not come to that
	Keys    []KeyTried    `json:"keys"`          // empty: it did not come to that
	Header  string        `json:"jws_header"`    // JSON as sent; "" for SKAdNetwork
	Payload string        `json:"jws_payload"`   // likewise
	Notes   []Note        `json:"notes"`         // contradictions that refuse nothing
}

// Explain is Verify, step by step. It is the same verifier that takes the steps, so the
// two can't differ; it costs some microseconds more.
func (v *Verifier) Explain(body []byte) Explanation {
	tr := &trace{}
	return tr.explain(v.verify(body, tr), len(body))
}

// ExplainRelayed is VerifyRelayed, step by step. Where the second attempt is the one
// that counts, it alone is told.
func (v *Verifier) ExplainRelayed(body []byte) Explanation {
	tr := &trace{}
	return tr.explain(v.verifyRelayed(body, tr), len(body))
}

func (t *trace) explain(res Result, size int) Explanation {
	x := Explanation{
		Result: res, Bytes: size, Signed: t.signed, Keys: []KeyTried{}, Header: t.header, Payload: t.payload, Notes: []Note{},
	}
	for _, k := range t.keys {
		x.Keys = append(x.Keys, KeyTried{k.Name, k.Curve, k.Environment, k == t.holder})
	}
	for _, f := range res.Flags {
		x.Notes = append(x.Notes, Note{f, flagSentence[f]})
	}
	failed := -1
	if res.Verdict != Valid {
		failed = t.last()
	}
	t.complete(res)
	for i := range t.steps {
		s := &t.steps[i]
		c := Check{Name: s.check, Field: s.field, Status: CheckPass, Value: s.shown(), Signed: signs(res, s)}
		switch {
		case i == failed:
			c.Status, c.Reason, c.Sentence = CheckFail, res.Reason, res.Message
		case s.skipped:
			c.Status, c.Sentence = CheckSkipped, "not looked at, for an earlier check failed"
		default:
			c.Sentence = x.passed(s)
		}
		x.Checks = append(x.Checks, c)
	}
	return x
}

// last is the check at which the verdict fell.
func (t *trace) last() int {
	for i := len(t.steps) - 1; i >= 0; i-- {
		if !t.steps[i].skipped {
			return i
		}
	}
	return -1
}
