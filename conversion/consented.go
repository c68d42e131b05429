package conversion

import (
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"
)

// Click is an ad interaction that a network reported.
type Click struct {
	ID           string    `json:"id"`
	NetworkID    string    `json:"network_id"`
	AppID        int64     `json:"app_id"`
	Time         time.Time `json:"time"`
	CampaignID   string    `json:"campaign_id,omitempty"`
	CampaignName string    `json:"campaign_name,omitempty"`
	AdgroupID    string    `json:"adgroup_id,omitempty"`
	CreativeID   string    `json:"creative_id,omitempty"`
	Interaction  string    `json:"interaction,omitempty"` // click (default) or view
	IDFA         string    `json:"idfa,omitempty"`        // hashed to be matched, and never kept itself
	IP           string    `json:"ip,omitempty"`          // not kept
	UserAgent    string    `json:"user_agent,omitempty"`  // not kept

	Arrival Arrived `json:"-"`
}

// Install is a first launch that the app reported.
type Install struct {
	ID           string    `json:"id"`
	AppID        int64     `json:"app_id"`
	Time         time.Time `json:"time"`
	ClickID      string    `json:"click_id,omitempty"`
	IDFA         string    `json:"idfa,omitempty"`
	IDFV         string    `json:"idfv,omitempty"`
	IP           string    `json:"ip,omitempty"`
	Country      string    `json:"country,omitempty"`
	ATTStatus    string    `json:"att_status,omitempty"` // authorized, denied, restricted, not_determined
	Limited      bool      `json:"limited_data_sharing,omitempty"`
	GDPRApplies  bool      `json:"gdpr_applies,omitempty"`
	GDPRPurposes []int     `json:"gdpr_purposes,omitempty"` // of IAB Europe's TCF, consented to
	ConsentTime  time.Time `json:"consent_time,omitzero"`   // when it was asked; zero: at the install
	Reinstall    bool      `json:"reinstall,omitempty"`

	Arrival Arrived `json:"-"`
}

// Event is something that a user did after the install.
type Event struct {
	ID         string           `json:"id,omitempty"` // "": that of (install, name, time)
	AppID      int64            `json:"app_id"`
	InstallID  string           `json:"install_id"`
	Name       string           `json:"name"`
	Time       time.Time        `json:"time"`
	Revenue    *decimal.Decimal `json:"revenue,omitempty"`
	Currency   string           `json:"currency,omitempty"`
	Properties json.RawMessage  `json:"properties,omitempty"`

	Arrival Arrived `json:"-"`
}

// Arrived is when an item came, and the time that it reported where its clock was
// ahead of ours.
type Arrived struct {
	At       time.Time // zero: now, by the clock of the store
	Reported time.Time // zero: as it is kept
}

// arrive takes a time that is ahead for now: what is told has happened. Windows and
// days count by our clock, so nothing lies in a day that has not come.
func arrive(a *Arrived, when *time.Time, now time.Time) {
	a.At = now
	if when.After(now) {
		a.Reported, *when = *when, now
	}
}

// Arrive marks the moment at which an item came.
func (c *Click) Arrive(now time.Time) { arrive(&c.Arrival, &c.Time, now) }

// Arrive marks the moment at which an item came.
func (i *Install) Arrive(now time.Time) {
	arrive(&i.Arrival, &i.Time, now)
	if i.ConsentTime.After(now) {
		i.ConsentTime = now
	}
}

// Arrive marks the moment at which an item came.
func (e *Event) Arrive(now time.Time) { arrive(&e.Arrival, &e.Time, now) }

// Consent of the install, as it stands.
func (i *Install) Consent() Consent {
	return Consent{ATTStatus: i.ATTStatus, Limited: i.Limited, GDPRApplies: i.GDPRApplies, Purposes: i.GDPRPurposes}
}

// permitted takes away what may not be kept of an install.
func (i *Install) permitted() {
	if !i.Consent().Permit().Identifiers {
		i.IDFA, i.IDFV, i.IP = "", "", ""
	}
	if KnownIDFA(i.IDFA) == "" {
		i.IDFA = ""
	}
}

// Device is an install's device as the store knows it again: keyed hashes, "" where
// there is no identifier or none that may be matched.
type Device struct {
	IDFA string
	IDFV string
}

// KeptInstall is an install as it is kept: with the consent that stands, without what
// that does not permit, and with its decision.
type KeptInstall struct {
	Install
	Device   Device
	Decision Decision
	IsTest   bool   // of a device of the app's own people: forwarded as such, never counted
	Review   string // what a person said of its flags: "", released or rejected
	// ReviewReason is the short code that a rejection gave, such as click_flooding.
	ReviewReason string
}

// KeptEvent is an event with what the app's settings say of it.
type KeptEvent struct {
	Event
	Flags      []string
	RevenueApp *decimal.Decimal // in the app's currency; nil: none, or no rate says
}

// Uncounted is the flag for which the event is none as the app's catalogue means it,
// or "": what falls below its minimum or out of its window is kept, and sent to nobody
// as a conversion.
func (e *KeptEvent) Uncounted() string {
	for _, f := range e.Flags {
		if f == FlagBelowMinimum || f == FlagOutsideWindow {
			return f
		}
	}
	return ""
}

// AttributedBefore is a decision by click id as versions kept it that decided by
// nothing else and wrote down no more than that. click is nil if it is gone.
func AttributedBefore(in *Install, click *Click, networkID string) Decision {
	d := Decision{Attributed: true, ClickID: in.ClickID, NetworkID: networkID, Method: ReasonClickID, Reason: ReasonClickID}
	if click != nil {
		t := Touch{Interaction: click.Interaction}
		d.CampaignID, d.Interaction, d.TouchTime = click.CampaignID, interactionOf(&t), click.Time
	}
	return d
}

// KeepBefore is an install as it would have been kept, had it come today.
func KeepBefore(in Install, d Decision) KeptInstall {
	kept := KeptInstall{Install: in, Decision: d}
	kept.permitted()
	return kept
}
