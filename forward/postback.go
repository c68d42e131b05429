package forward

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/conversion"
	"skand/skan"
)

// PostbackCopy is the first verified copy of a postback, ready to be passed on.
type PostbackCopy struct {
	Copy        *conversion.Copy
	Environment skan.Environment
	// Now is when it began to count: long after it came, where its key or version was
	// not known at first.
	Now time.Time
	// Decoded is what its value says, and Events and Currency with it; nil where it was
	// not decoded when it came.
	Decoded  *conversion.Decoded
	Events   []string
	Currency string
}

// FromPostback makes a conversion of kind postback of it: Apple's members as sk_
// macros, its body byte for byte, and our decode. It is asked for copies that verified
// only, so no invalid signature is ever passed on. Its key is the identity, of which
// there is one: neither a duplicate nor a conflict nor a replay makes a second one.
func FromPostback(p PostbackCopy) Conversion {
	c, b := p.Copy, p.Copy.Result.Postback
	id := hex.EncodeToString(c.Result.Identity.Hash())
	at := c.ReceivedAt
	if c.Replayed {
		at = p.Now // its life begins when it may be believed
	}
	unix := strconv.FormatInt(c.ReceivedAt.Unix(), 10)
	f := map[string]string{
		"event_name": KindPostback, "event_id": id,
		"event_time": c.ReceivedAt.UTC().Format(time.RFC3339), "event_time_unix": unix,
		"app_id": strconv.FormatInt(b.AppID, 10), "network_id": b.NetworkKey(),
		"source_identifier": b.SourceIdentifier, "country": strings.ToUpper(b.CountryCode),
		"is_modeled": "false", "count": "1",
		"is_test": strconv.FormatBool(p.Environment == skan.Development || b.IsTest()),
		"sk_ts":   unix,
	}
	appleMembers(f, b)
	f["sk_payload"] = payload(c)
	p.decode(f)
	return Conversion{
		Kind: KindPostback, DedupKey: KindPostback + "/" + string(p.Environment) + "/" + id, AppID: b.AppID,
		NetworkID: b.NetworkKey(), OccurredAt: at, Fields: f,
	}
}

// appleMembers fills in what the body had; a member that this version of Apple's does
// not send has no value.
func appleMembers(f map[string]string, b *skan.Postback) {
	number := func(n *int64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatInt(*n, 10)
	}
	small := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	f["sk_version"] = b.Version
	f["sk_network_id"] = b.AdNetworkID
	f["sk_campaign_id"] = number(b.CampaignID)
	f["sk_source_identifier"] = b.SourceIdentifier
	f["sk_app_id"] = strconv.FormatInt(b.AppID, 10)
	f["sk_transaction_id"] = b.ID
	f["sk_source_app_id"] = number(b.SourceAppID)
	f["sk_source_domain"] = b.SourceDomain
	f["sk_fidelity_type"] = small(b.FidelityType)
	f["sk_conversion_value"] = small(b.ConversionValue)
	f["sk_coarse_conversion_value"] = b.CoarseValue
	f["sk_attribution_signature"] = b.Signature
	f["sk_invalid_signature"] = "false"
	kit := b.Framework == skan.AdAttributionKit
	if b.Version != "1.0" {
		f["sk_redownload"] = strconv.FormatBool(b.ConversionType == skan.ConversionRedownload)
	}
	if kit || b.Version >= "3" {
		f["sk_did_win"] = strconv.FormatBool(b.DidWin)
	}
	if kit || b.Version >= "4" {
		f["sk_postback_sequence_index"] = strconv.Itoa(b.SequenceIndex)
	}
}

// decode adds what we read from the value. A coarse level has no amount.
func (p *PostbackCopy) decode(f map[string]string) {
	if p.Decoded == nil {
		return
	}
	if len(p.Events) > 0 {
		f["event_name"] = strings.Join(slices.Compact(slices.Sorted(slices.Values(p.Events))), ",")
	}
	if p.Decoded.ValueKind != conversion.CountFine || p.Currency == "" {
		return
	}
	f["currency"] = p.Currency
	f["revenue"], f["revenue_min"] = p.Decoded.RevenueEst.String(), p.Decoded.RevenueMin.String()
	if p.Decoded.RevenueMax != nil {
		f["revenue_max"] = p.Decoded.RevenueMax.String()
	}
}
