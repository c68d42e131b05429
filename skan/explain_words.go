package skan

import (
	"fmt"
	"strconv"
	"strings"
)

var flagSentence = map[string]string{
	FlagLoserWithValue:   "did-win is false, and Apple gives losing postbacks no value: somebody added one",
	FlagLoserWithSource:  "did-win is false, and Apple names no source in losing postbacks",
	FlagLoserLaterWindow: "did-win is false, and Apple sends losing postbacks for the first window only",
	FlagLaterFine:        "Apple sends coarse values only in the second and third postback: somebody added a fine one",
	FlagLaterDigits:      "Apple sends two digits only in the second and third postback",
	FlagLaterSource:      "Apple names no source in the second and third postback",
	FlagCoarseDigits:     "Apple sends a coarse value with two digits only: somebody exchanged the value",
	FlagCoarseSource:     "Apple names a source with fine values only: somebody exchanged the value",
	FlagRelayRewritten:   "a relay added source-app-id 0; without it the signature holds",
}

const maxShown = 256

// shown is the value of a member as it was sent, cut where it is long.
func (s *traced) shown() *string {
	if s.check != checkMember || !s.present || s.skipped {
		return nil
	}
	text := s.value.text
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return &text
}

// signs tells whether Apple's signature stands over a member.
func signs(res Result, s *traced) *bool {
	if s.check != checkMember || s.field == jwsMember || s.field == "attribution-signature" {
		return nil
	}
	signed := true
	switch s.field {
	case "conversion-value", "coarse-conversion-value", "country-code", "ad-interaction-type":
		signed = false
	case "version", "redownload": // of 1.0, where relays add them
		signed = res.Framework != SKAdNetwork || res.Version != "1.0"
	}
	return &signed
}

// passed says in words what a check found.
func (x *Explanation) passed(s *traced) string {
	switch s.check {
	case checkObject:
		return fmt.Sprintf("one JSON object of %d bytes, without a duplicate member or anything after it", x.Bytes)
	case checkFramework:
		if x.Result.Framework == AdAttributionKit {
			return "the members are those of AdAttributionKit"
		}
		return "the members are those of SKAdNetwork"
	case checkRelay:
		return "the signature does not hold with source-app-id 0, which relays are known to add; looked at without it"
	case checkVersion:
		return "SKAdNetwork " + x.Result.Version + " is known to this build"
	case checkMember:
		return s.member()
	case checkOneSource:
		return "source-app-id and source-domain are not both there"
	case checkOneValue:
		return "conversion-value and coarse-conversion-value are not both there"
	case checkBase64:
		return "attribution-signature is standard base64"
	case checkSignedString:
		return x.strung()
	case checkKey:
		return x.chosen()
	case checkSignature:
		return "the ECDSA signature over SHA-256 of the signed string holds under the key " + x.holder()
	case checkTypes:
		return "every boolean was sent as true or false, so what is stored is what was signed"
	case checkEnvironment:
		return x.holder() + " is a production key"
	}
	return jwsPassed[s.check][s.field]
}

var jwsPassed = map[string]map[string]string{
	checkJWSParts:     {jwsMember: "jws-string has three segments: header, payload, signature"},
	checkJWSBase64:    {"header": "the header segment is base64url", "payload": "the payload segment is base64url"},
	checkJWSHeader:    {jwsMember: "the header is one JSON object without a duplicate member"},
	checkAlgorithm:    {"alg": "the algorithm is ES256, and nothing in the header changes what is signed"},
	checkJWSSignature: {jwsMember: "the signature segment is base64url"},
	checkJWSPayload:   {jwsMember: "the payload is one JSON object without a duplicate member"},
	checkCanonical:    {jwsMember: "header and payload are spelt as their bytes encode, without stray bits"},
}

func (s *traced) member() string {
	if !s.present {
		return s.field + " is absent, as Apple's format allows"
	}
	text := *s.shown()
	if s.value.kind == kindString {
		text = strconv.Quote(text)
	}
	return fmt.Sprintf("%s is %s; expected %s", s.field, text, s.want)
}

func (x *Explanation) strung() string {
	names := make([]string, len(x.Signed.Parts))
	for i, p := range x.Signed.Parts {
		names[i] = p.Field
	}
	return fmt.Sprintf("%d values in the order of %s, joined by U+2063: %s", len(names), x.Result.Version, strings.Join(names, ", "))
}

func (x *Explanation) chosen() string {
	names := make([]string, len(x.Keys))
	for i, k := range x.Keys {
		names[i] = fmt.Sprintf("%s (%s)", k.Name, k.Environment)
	}
	if x.Result.Framework == AdAttributionKit {
		return fmt.Sprintf("the kid names the %s key %s", x.Keys[0].Curve, names[0])
	}
	curve, when := "P-256", "2.1 and later are"
	if usesP192(x.Result.Version) {
		curve, when = "P-192", "1.0 and 2.0 are"
	}
	return fmt.Sprintf("SKAdNetwork %s signed on %s; tried in this order: %s", when, curve, strings.Join(names, ", "))
}

// holder names the key under which the signature holds.
func (x *Explanation) holder() string {
	for _, k := range x.Keys {
		if k.Signed {
			return k.Name
		}
	}
	return ""
}
