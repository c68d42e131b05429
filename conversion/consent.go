package conversion

import (
	"cmp"
	"slices"
	"time"
)

// ConsentReport is a change of what a person allows, as their app reports it. A member
// that is absent stays what it was.
type ConsentReport struct {
	ID           string    `json:"id,omitempty"` // "": that of (install, time)
	AppID        int64     `json:"app_id"`
	InstallID    string    `json:"install_id"`
	Time         time.Time `json:"time"`
	ATTStatus    string    `json:"att_status,omitempty"`
	Limited      *bool     `json:"limited_data_sharing,omitempty"`
	GDPRApplies  *bool     `json:"gdpr_applies,omitempty"`
	GDPRPurposes []int     `json:"gdpr_purposes,omitempty"` // nil: not spoken of

	Arrival Arrived `json:"-"`
}

// Arrive marks the moment at which an item came.
func (c *ConsentReport) Arrive(now time.Time) { arrive(&c.Arrival, &c.Time, now) }

// GDPRNone says that the GDPR does not apply, where "" says nothing.
const GDPRNone = "none"

// Change is what the report says of each member.
func (c *ConsentReport) Change() ConsentChange {
	ch := ConsentChange{At: c.Time, ATTStatus: c.ATTStatus, Limited: c.Limited}
	switch {
	case c.GDPRApplies != nil && !*c.GDPRApplies:
		ch.GDPR = GDPRNone
	case c.GDPRApplies != nil || c.GDPRPurposes != nil:
		ch.GDPR = Consent{GDPRApplies: true, Purposes: c.GDPRPurposes}.GDPR()
	}
	return ch
}

// ConsentChange is one line of the history of a person's consent. Of the purposes it
// keeps whether those that we need were among them.
type ConsentChange struct {
	At        time.Time
	ATTStatus string // "": not spoken of
	Limited   *bool  // nil: not spoken of
	GDPR      string // none, allowed or refused; "": not spoken of
}

// change is what an install's own report says of consent. There `false` is what an app
// sends that knows nothing of it, so it lifts nothing that was said before.
func (i *Install) change() ConsentChange {
	ch := ConsentChange{At: i.Time, ATTStatus: i.ATTStatus, GDPR: i.Consent().GDPR()}
	if !i.ConsentTime.IsZero() {
		ch.At = i.ConsentTime
	}
	if i.Limited {
		ch.Limited = &i.Limited
	}
	return ch
}

// silent reports whether a line speaks of nothing.
func (c ConsentChange) silent() bool { return c.ATTStatus == "" && c.Limited == nil && c.GDPR == "" }

// strictness of each answer; of two at one moment the stricter stands.
var (
	attStrictness  = map[string]int{"authorized": 1, "not_determined": 2, "denied": 3, "restricted": 4}
	gdprStrictness = map[string]int{GDPRNone: 1, GDPRAllowed: 2, GDPRRefused: 3}
)

// StandingConsent is the consent that stands by a history, each member by the latest line
// that speaks of it, whatever the order in which they came; at is when it last changed.
func StandingConsent(history []ConsentChange) (c Consent, at time.Time) {
	h := slices.SortedStableFunc(slices.Values(history), func(a, b ConsentChange) int {
		return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli())
	})
	var att, limited, gdpr int64 = -1 << 62, -1 << 62, -1 << 62
	state := ""
	for _, l := range h {
		ms := l.At.UnixMilli()
		if l.ATTStatus != "" && (ms > att || attStrictness[l.ATTStatus] > attStrictness[c.ATTStatus]) {
			c.ATTStatus, att = l.ATTStatus, ms
		}
		if l.Limited != nil && (ms > limited || *l.Limited) {
			c.Limited, limited = *l.Limited, ms
		}
		if l.GDPR != "" && (ms > gdpr || gdprStrictness[l.GDPR] > gdprStrictness[state]) {
			state, gdpr = l.GDPR, ms
		}
		if !l.silent() {
			at = l.At
		}
	}
	switch state {
	case GDPRAllowed:
		c.GDPRApplies, c.Purposes = true, []int{purposeDevice, purposeMeasure}
	case GDPRRefused:
		c.GDPRApplies = true
	}
	return c, at
}

// stand gives the install the consent that stands.
func (i *Install) stand(history []ConsentChange) {
	c, at := StandingConsent(history)
	if c.GDPR() != i.Consent().GDPR() { // the same answer keeps all the purposes it came with
		i.GDPRPurposes = c.Purposes
	}
	i.ATTStatus, i.Limited, i.GDPRApplies, i.ConsentTime = c.ATTStatus, c.Limited, c.GDPRApplies, at
}
