package skan

import (
	"encoding/base64"
	"math"
)

// level orders the versions of SKAdNetwork, so that "2.2 and later" is a comparison.
func level(version string) (int, bool) {
	switch version {
	case "1.0":
		return 10, true
	case "2.0":
		return 20, true
	case "2.1":
		return 21, true
	case "2.2":
		return 22, true
	case "3.0":
		return 30, true
	case "4.0":
		return 40, true
	}
	return 0, false
}

// usesP192 tells the versions that Apple signs with the old curve.
func usesP192(version string) bool { return version == "1.0" || version == "2.0" }

// readVersion returns the claimed version. Absent means 1.0; relays add "1.0".
func readVersion(m *members) string {
	v := m.optString("version", `a string such as "4.0"`, notEmpty)
	if m.fault != nil {
		return ""
	}
	if v == "" {
		return "1.0"
	}
	if !isVersion(v) {
		m.fail(ReasonVersionFormat, "version", `expected a string such as "4.0"`)
	}
	return v
}

// parseSKAdNetwork reads the members that the version defines. Members of other
// versions are like unknown ones: not signed, so not believed; they stay in the
// raw body. It fails on m.
func parseSKAdNetwork(m *members, version string) *Postback {
	lv, _ := level(version)
	p := &Postback{Framework: SKAdNetwork, Version: version, DidWin: true}
	p.AdNetworkID = m.string("ad-network-id", "letters, digits, points and dashes", isNetworkID)
	if lv >= 40 {
		p.SourceIdentifier = m.string("source-identifier", "a string of 2 to 4 digits", isSourceIdentifier)
	} else {
		n := m.int("campaign-id", 0, math.MaxInt64)
		p.CampaignID = &n
	}
	p.AppID = m.int("app-id", 0, math.MaxInt64)
	p.ID = m.string("transaction-id", "a UUID", isUUID)
	p.ConversionType = ConversionDownload
	if lv >= 20 {
		m.require("redownload", "true or false")
	}
	if m.optBool("redownload") {
		p.ConversionType = ConversionRedownload
	}
	m.step(checkOneSource, "source-domain")
	if m.obj.has("source-app-id") && m.obj.has("source-domain") {
		m.fail(ReasonBothSources, "source-domain", "Apple sends source-app-id or source-domain, never both")
	}
	if lv >= 20 {
		p.SourceAppID = m.optInt("source-app-id", 0, math.MaxInt64)
	}
	if lv >= 22 {
		m.require("fidelity-type", "0 or 1")
		p.FidelityType = m.optSmall("fidelity-type", 1)
	}
	if lv >= 30 {
		p.DidWin = m.bool("did-win")
	}
	if lv >= 40 {
		p.SourceDomain = m.optString("source-domain", "a host name", isHostName)
		p.SequenceIndex = int(m.int("postback-sequence-index", 0, 2))
	}
	readUnsigned(m, p)
	if lv < 20 {
		p.ConversionValue = nil
	}
	if lv < 40 {
		p.CoarseValue = ""
	}
	p.Signature = m.string("attribution-signature", "a base64 string", notEmpty)
	return p
}

// readUnsigned reads what neither framework signs, with its types enforced.
func readUnsigned(m *members, p *Postback) {
	p.ConversionValue = m.optSmall("conversion-value", 63)
	p.CoarseValue = m.optString("coarse-conversion-value", `"low", "medium" or "high"`, isCoarse)
	m.step(checkOneValue, "coarse-conversion-value")
	if p.ConversionValue != nil && p.CoarseValue != "" {
		m.fail(ReasonFineAndCoarse, "coarse-conversion-value",
			"Apple sends conversion-value or coarse-conversion-value, never both")
	}
	p.CountryCode = m.optString("country-code", "two letters", isCountry)
}

// decodeDER undoes the base64 of attribution-signature: standard alphabet,
// padded, without the line breaks that Go's decoder would skip.
func decodeDER(m *members, signature string) []byte {
	m.step(checkBase64, "attribution-signature")
	if m.fault != nil {
		return nil
	}
	der, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || hasLineBreak(signature) {
		m.fail(ReasonNotBase64, "attribution-signature", "expected standard base64 with padding")
		return nil
	}
	return der
}
