package conversion

import (
	"slices"
	"strings"
)

// ATTAuthorized is the one App Tracking Transparency status that lets an app track.
const ATTAuthorized = "authorized"

// Consent is what a person allowed, as their app reports it.
type Consent struct {
	ATTStatus   string // authorized, denied, restricted, not_determined; "" when unknown
	Limited     bool   // Limited Data Sharing, the person's opt-out of sale and sharing
	GDPRApplies bool
	Purposes    []int // of IAB Europe's TCF that the person consented to
}

// The purposes without which identifiers have no ground under the GDPR: storing on
// and reading from the device (an idfa is read there), and measuring advertising.
const (
	purposeDevice  = 1
	purposeMeasure = 7
)

// The states of consent under the GDPR; "" where it does not apply.
const (
	GDPRAllowed = "allowed"
	GDPRRefused = "refused"
)

// GDPR says whether the purposes that we need were consented to; "" where the GDPR
// does not apply.
func (c Consent) GDPR() string {
	switch {
	case !c.GDPRApplies:
		return ""
	case slices.Contains(c.Purposes, purposeDevice) && slices.Contains(c.Purposes, purposeMeasure):
		return GDPRAllowed
	default:
		return GDPRRefused
	}
}

// Permit is what consent allows to be done. What is not mentioned here is always
// allowed: keeping the facts of an install without identifiers, and a keyed hash of
// its idfv, without which nobody could be erased or known again.
type Permit struct {
	// Identifiers: idfa, idfv and ip may be stored (sealed), and leave to
	// destinations that ask for them.
	Identifiers bool
	// Match: the idfa may be hashed, and touches found by it.
	Match bool
	// Forward: anything at all may leave.
	Forward bool
}

// Permit of what a person allowed. Identifiers need every consent there is; the
// absence of an answer is a refusal. Limited Data Sharing keeps everything in the house.
func (c Consent) Permit() Permit {
	tracked := c.ATTStatus == ATTAuthorized && !c.Limited && c.GDPR() != GDPRRefused
	return Permit{Identifiers: tracked, Match: tracked, Forward: !c.Limited}
}

// permit of an install: what is not there can't be matched.
func (i *Install) permit() Permit {
	p := i.Consent().Permit()
	p.Match = p.Match && KnownIDFA(i.IDFA) != ""
	return p
}

// KnownIDFA is an idfa that names a device, in the form that equal ones share, or "".
// Apple gives out zeros where there is none: they would make strangers one person.
func KnownIDFA(idfa string) string {
	idfa = strings.ToLower(strings.TrimSpace(idfa))
	if strings.Trim(idfa, "0-") == "" {
		return ""
	}
	return idfa
}
