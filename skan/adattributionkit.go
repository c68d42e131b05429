package skan

import (
	"encoding/base64"
	"math"
	"strings"
)

// compact is a JWS in compact serialization that passed the checks jwx leaves
// out: jws.Verify would also take JSON serialization, any algorithm of its key,
// and the standard base64 alphabet.
type compact struct {
	raw       string // as received: Apple escapes the slash of its kid inside the header
	kid       string
	payload   []byte
	signature []byte
	canonical bool // header and payload are spelt as their bytes encode
}

const jwsMember = "jws-string"

// strictURL refuses stray bits in the last character.
var strictURL = base64.RawURLEncoding.Strict()

// hasLineBreak finds what Go's base64 decoders skip.
func hasLineBreak(s string) bool {
	return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}

// readCompact checks the three segments and the header; it fails on m.
func readCompact(m *members) *compact {
	raw := m.string(jwsMember, "a compact JWS", notEmpty)
	m.step(checkJWSParts, jwsMember)
	if m.fault != nil {
		return nil
	}
	header, rest, _ := strings.Cut(raw, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if header == "" || payload == "" || strings.Contains(signature, ".") || strings.Count(raw, ".") != 2 {
		m.fail(ReasonNotCompact, jwsMember, "expected three segments joined by points")
		return nil
	}
	c := &compact{raw: raw, canonical: true}
	headerJSON := c.segment(m, "header", header)
	c.payload = c.segment(m, "payload", payload)
	c.readHeader(m, headerJSON)
	if m.fault == nil {
		m.step(checkJWSSignature, jwsMember)
	}
	if m.fault == nil && signature == "" {
		m.fail(ReasonNotCompact, jwsMember, "the signature segment is empty")
	}
	c.readSignature(m, signature)
	return c
}

// segment decodes header or payload. jwx signs over their canonical spelling, so
// another one is noted: the signature must hold for the segments as received.
func (c *compact) segment(m *members, name, s string) []byte {
	m.step(checkJWSBase64, name)
	if m.fault != nil {
		return nil
	}
	out, err := strictURL.DecodeString(s)
	if err != nil {
		c.canonical = false
		out, err = base64.RawURLEncoding.DecodeString(s)
	}
	if err != nil || hasLineBreak(s) {
		m.fail(ReasonNotBase64, jwsMember, "the %s segment is not base64url without padding", name)
		return nil
	}
	return out
}

// readSignature accepts what jwx accepts of the base64url alphabet: with or
// without padding, and any of the spellings of the last character. A signature
// that is spelt anew is the same postback again: identity never looks at it.
func (c *compact) readSignature(m *members, s string) {
	if m.fault != nil {
		return
	}
	encoding := base64.RawURLEncoding
	if strings.HasSuffix(s, "=") {
		encoding = base64.URLEncoding
	}
	out, err := encoding.DecodeString(s)
	if err != nil || hasLineBreak(s) {
		m.fail(ReasonNotBase64, jwsMember, "the signature segment is not base64url")
		return
	}
	c.signature = out
}

// readHeader takes alg ES256 and a kid, and nothing that changes the meaning of
// the other segments.
func (c *compact) readHeader(m *members, header []byte) {
	m.step(checkJWSHeader, jwsMember)
	if m.fault != nil {
		return
	}
	obj, f := decodeObject(header)
	if f != nil {
		m.fail(ReasonHeader, jwsMember, "the header is not one strict JSON object: %s", f.message)
		return
	}
	if m.trace != nil {
		m.trace.header = string(header)
	}
	h := members{obj: obj, trace: m.trace}
	alg := h.string("alg", `"ES256"`, notEmpty)
	h.step(checkAlgorithm, "alg")
	switch {
	case h.fault != nil:
	case alg != "ES256":
		h.fail(ReasonAlgorithm, "alg", `expected "ES256", got %q`, alg)
	case obj.has("crit") || obj.has("b64"):
		h.fail(ReasonExtension, jwsMember, "crit and b64 are not used by Apple")
	}
	c.kid = h.string("kid", "the name of a key", notEmpty)
	m.fault = h.fault
}

// parseAdAttributionKit reads the claims and, from the outer object, the
// unsigned members. It returns the reader of the claims for its loose boolean.
func parseAdAttributionKit(outer *members, c *compact) (*Postback, string) {
	outer.step(checkJWSPayload, jwsMember)
	obj, f := decodeObject(c.payload)
	if f != nil {
		outer.fail(ReasonPayload, jwsMember, "the payload is not one strict JSON object: %s", f.message)
		return nil, ""
	}
	if outer.trace != nil {
		outer.trace.payload = string(c.payload)
	}
	m := &members{obj: obj, trace: outer.trace}
	p := &Postback{Framework: AdAttributionKit, Signature: c.raw}
	readClaims(m, p)
	if m.fault != nil {
		outer.fault = m.fault
	}
	readOuter(outer, p)
	return p, m.loose
}

// readClaims reads what the JWS signs. It fails on m.
func readClaims(m *members, p *Postback) {
	p.ImpressionType = m.string("impression-type", `"app-impression"`,
		func(s string) bool { return s == "app-impression" })
	p.AdNetworkID = m.string("ad-network-identifier", "letters, digits, points and dashes", isNetworkID)
	p.SourceIdentifier = m.string("source-identifier", "a string of 2 to 4 digits", isSourceIdentifier)
	p.AppID = m.int("advertised-item-identifier", 0, math.MaxInt64)
	p.ConversionType = readConversionType(m)
	p.ID = m.string("postback-identifier", "a UUID", isUUID)
	p.DidWin = m.bool("did-win")
	p.SequenceIndex = int(m.int("postback-sequence-index", 0, 2))
	p.SourceAppID = m.optInt("publisher-item-identifier", 0, math.MaxInt64)
	p.Marketplace = m.optString("marketplace-identifier", "letters, digits, points and dashes", isNetworkID)
}

// readOuter reads what stands beside the JWS, unsigned. It fails on m.
func readOuter(m *members, p *Postback) {
	readUnsigned(m, p)
	p.InteractionType = m.optString("ad-interaction-type", `"click" or "view"`, isInteraction)
}

// readConversionType folds Apple's two spellings of re-engagement into one.
func readConversionType(m *members) ConversionType {
	s := m.string("conversion-type", `"download", "redownload" or "re-engagement"`, func(s string) bool {
		switch s {
		case "download", "redownload", "re-engagement", "reengagement":
			return true
		}
		return false
	})
	if s == "reengagement" {
		return ConversionReengagement
	}
	return ConversionType(s)
}
