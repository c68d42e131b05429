package skan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// separator is U+2063, which Apple puts between the signed values.
const separator = "\u2063"

// Message returns the string that Apple signs for a SKAdNetwork postback, in
// UTF-8: the signed values in the order of its version, joined by U+2063; an
// absent optional value leaves no empty slot. An error names the member that is
// missing or holds the separator. AdAttributionKit has no such string: its
// signature covers the JWS segments as sent.
func Message(p *Postback) ([]byte, error) {
	if p.Framework != SKAdNetwork {
		return nil, fmt.Errorf("signed string: framework %q has none; only skadnetwork", p.Framework)
	}
	lv, known := level(p.Version)
	if !known {
		return nil, fmt.Errorf("signed string: unknown SKAdNetwork version %q", p.Version)
	}
	if err := complete(p, lv); err != nil {
		return nil, fmt.Errorf("signed string of %s: %w", p.Version, err)
	}
	return appendMessage(make([]byte, 0, 192), p, lv, nil), nil
}

// appendMessage is Message of a postback that is complete. Where each value begins is
// noted in slots, unless that is nil.
func appendMessage(b []byte, p *Postback, lv int, slots *[]slot) []byte {
	if lv >= 20 {
		b = append(slotted(b, slots, "version"), p.Version...)
	}
	b = append(slotted(b, slots, "ad-network-id"), p.AdNetworkID...)
	if lv >= 40 {
		b = append(slotted(b, slots, "source-identifier"), p.SourceIdentifier...)
	} else {
		b = strconv.AppendInt(slotted(b, slots, "campaign-id"), *p.CampaignID, 10)
	}
	b = strconv.AppendInt(slotted(b, slots, "app-id"), p.AppID, 10)
	b = append(slotted(b, slots, "transaction-id"), p.ID...)
	if lv >= 20 {
		b = strconv.AppendBool(slotted(b, slots, "redownload"), p.ConversionType == ConversionRedownload)
	}
	switch {
	case lv >= 20 && p.SourceAppID != nil:
		b = strconv.AppendInt(slotted(b, slots, "source-app-id"), *p.SourceAppID, 10)
	case lv >= 40 && p.SourceDomain != "":
		b = append(slotted(b, slots, "source-domain"), p.SourceDomain...)
	}
	if lv >= 22 {
		b = strconv.AppendInt(slotted(b, slots, "fidelity-type"), int64(*p.FidelityType), 10)
	}
	if lv >= 30 {
		b = strconv.AppendBool(slotted(b, slots, "did-win"), p.DidWin)
	}
	if lv >= 40 {
		b = strconv.AppendInt(slotted(b, slots, "postback-sequence-index"), int64(p.SequenceIndex), 10)
	}
	return b
}

// slot is where the value of a member begins in the signed string.
type slot struct {
	field string
	at    int
}

// slotted begins the next value: what is there already is cut off by the separator.
func slotted(b []byte, slots *[]slot, field string) []byte {
	if len(b) > 0 {
		b = append(b, separator...)
	}
	if slots != nil {
		*slots = append(*slots, slot{field, len(b)})
	}
	return b
}

// complete checks that every mandatory value is there and none can shift fields.
func complete(p *Postback, lv int) error {
	switch {
	case p.AdNetworkID == "":
		return errors.New("ad-network-id is missing")
	case p.ID == "":
		return errors.New("transaction-id is missing")
	case lv < 40 && p.CampaignID == nil:
		return errors.New("campaign-id is missing")
	case lv >= 40 && p.SourceIdentifier == "":
		return errors.New("source-identifier is missing")
	case lv >= 22 && p.FidelityType == nil:
		return errors.New("fidelity-type is missing")
	case lv >= 40 && p.SourceAppID != nil && p.SourceDomain != "":
		return errors.New("source-app-id and source-domain are both set")
	}
	for _, s := range [...]string{p.AdNetworkID, p.ID, p.SourceIdentifier, p.SourceDomain} {
		if strings.Contains(s, separator) {
			return fmt.Errorf("value %q holds the separator U+2063", s)
		}
	}
	return nil
}
