// Package skan owns Apple's install postbacks: their wire formats, the strings
// that Apple signs, the keys that Apple signs with, and the verdict on one body.
//
// It refuses anything else: no SQL, no HTTP, no clock, no notion of what a
// conversion value means (that is package schema).
package skan

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// Framework names the Apple framework that minted a postback.
type Framework string

// The two frameworks.
const (
	SKAdNetwork      Framework = "skadnetwork"
	AdAttributionKit Framework = "adattributionkit"
)

// Environment tells which trust a key carries. Development-signed postbacks can
// be minted for any app by any phone in Developer Mode.
type Environment string

// The two environments.
const (
	Production  Environment = "production"
	Development Environment = "development"
)

// Verdict is the outcome of checking one body.
type Verdict string

// The five verdicts of `skand verify`.
const (
	Valid       Verdict = "valid"       // signed by a production key
	Develop     Verdict = "development" // signed by a development key
	Invalid     Verdict = "invalid"     // well formed, but no trusted key signed it
	Malformed   Verdict = "malformed"   // breaks Apple's format; nothing was trusted
	Unsupported Verdict = "unsupported" // a version or kid this build does not know
)

// ConversionType is Apple's conversion-type; SKAdNetwork's redownload flag maps
// to ConversionDownload and ConversionRedownload.
type ConversionType string

// The conversion types. Apple also spells the last one "reengagement".
const (
	ConversionDownload     ConversionType = "download"
	ConversionRedownload   ConversionType = "redownload"
	ConversionReengagement ConversionType = "re-engagement"
)

// Coarse conversion values.
const (
	CoarseLow    = "low"
	CoarseMedium = "medium"
	CoarseHigh   = "high"
)

// Postback is one parsed postback with its values exactly as sent. A nil pointer
// or an empty string means that the member was absent (or null, which is the same).
type Postback struct {
	Framework Framework
	Version   string // SKAdNetwork "1.0" to "4.0"; "" for AdAttributionKit

	AdNetworkID      string // signed; as sent, see NetworkKey
	CampaignID       *int64 // signed; SKAdNetwork 1-3
	SourceIdentifier string // signed; 2-4 digits; SKAdNetwork 4, AdAttributionKit
	AppID            int64  // signed; advertised-item-identifier in AdAttributionKit
	ID               string // signed; transaction-id or postback-identifier, as sent
	ConversionType   ConversionType
	SourceAppID      *int64 // signed; publisher-item-identifier in AdAttributionKit; 0 = test
	SourceDomain     string // signed; SKAdNetwork 4 web ads
	FidelityType     *int   // signed; SKAdNetwork 2.2+
	DidWin           bool   // signed where sent; true for SKAdNetwork up to 2.2
	SequenceIndex    int    // signed; 0 for SKAdNetwork 1-3
	Marketplace      string // signed; AdAttributionKit
	ImpressionType   string // signed; AdAttributionKit

	// Unsigned: whoever relays a postback can change these.
	ConversionValue *int   // 0-63
	CoarseValue     string // low, medium, high
	CountryCode     string
	InteractionType string // AdAttributionKit: click, view

	Signature string // attribution-signature (base64 DER) or the compact JWS
}

// NetworkKey is the ad network id used for identity and look-up: lower case.
// Genuine upper-case ids exist, so a signature is checked over the id as sent.
func (p *Postback) NetworkKey() string { return strings.ToLower(p.AdNetworkID) }

// IsTest reports Apple's mark of a test postback: source app (or publisher item) 0.
func (p *Postback) IsTest() bool { return p.SourceAppID != nil && *p.SourceAppID == 0 }

// Identity names one conversion window of one install, once and for ever. It is
// built from signed members only; never from the signature or a hash of the
// body, for (r, n-s) verifies as well as (r, s) and a JWS has 16 spellings.
type Identity struct {
	AppID     int64     `json:"app_id"`
	Framework Framework `json:"framework"`
	NetworkID string    `json:"network_id"` // lower case
	ID        string    `json:"id"`         // lower case UUID
	Index     int       `json:"index"`
}

// Identity returns the identity of the postback.
func (p *Postback) Identity() Identity {
	return Identity{
		AppID: p.AppID, Framework: p.Framework, NetworkID: p.NetworkKey(),
		ID: strings.ToLower(p.ID), Index: p.SequenceIndex,
	}
}

// Hash is SHA-256 over the length-prefixed parts of the identity (32 bytes).
func (i Identity) Hash() []byte {
	h := sha256.New()
	var n [8]byte
	for _, s := range []string{string(i.Framework), i.NetworkID, i.ID} {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	binary.BigEndian.PutUint64(n[:], uint64(i.AppID))
	h.Write(n[:])
	binary.BigEndian.PutUint64(n[:], uint64(i.Index))
	h.Write(n[:])
	return h.Sum(nil)
}

// Result is the verdict on one body with everything that was learnt on the way.
type Result struct {
	Framework   Framework
	Version     string // as claimed, also when it is not supported
	Verdict     Verdict
	Reason      string // a stable snake_case code, "" when valid
	Field       string // the member at fault, "" if none
	Message     string // one line for people: what is wrong and what is expected
	NotObject   bool   // the body is not one JSON object: answer 400
	Key         string // name of the key that verified it, or the kid that is unknown
	Environment Environment
	Identity    *Identity // set only when the signature verified
	Postback    *Postback // set whenever it could be parsed
	Flags       []string  // contradictions of Apple's tier table; kept, not refused
}
