// Package forward owns what leaves the house: destinations, the routing of
// conversions to them, URL templates, outcome classes, the retry schedule and
// the deliverer that works the outbox.
//
// The promise is at least once, unordered, under a stable id, until a delivery
// expires; delivered means that the receiver answered 2xx. The package refuses
// to decide what happened (package conversion) and what may be published
// (package aggregate), holds no SQL and makes no transport of its own: the
// caller hands it a client that guards the addresses it dials.
package forward

import (
	"encoding/json"
	"net/http"
	"time"
)

// Kinds of conversions. A destination lists those that it takes.
const (
	KindInstall  = "install"
	KindEvent    = "event"
	KindModeled  = "modeled"
	KindPostback = "postback" // a copy of what Apple sent
	KindRejected = "rejected" // an install or event that is not billed, and why
)

// AttAuthorized is the only att_status under which identifiers may leave.
const AttAuthorized = "authorized"

// Conversion is what may leave the house, as the conversion and aggregate side
// hand it over.
type Conversion struct {
	Kind        string // install, event, modeled, postback
	DedupKey    string // the stable id of the thing; one delivery per destination and key
	AppID       int64
	NetworkID   string    // attributed network, or the one that a postback names; "" = organic
	OccurredAt  time.Time // expiry counts from here
	InstalledAt time.Time // the launch that it belongs to; zero: not known
	ClickedAt   time.Time // the click or view that led there; zero: none, or not known
	Fields      map[string]string
	Att         string   // att_status of the phone, "" when unknown
	Refused     bool     // under the GDPR: as good as no ATT
	Limited     bool     // Limited Data Sharing: nothing leaves
	Subject     string   // the install that it is about, for erasure; "" = nobody's
	Flags       []string // what about the install looks like fraud
	Review      string   // what an operator said of the install: "", released, rejected
	Rejection   string   // why it is not billed; "" = it is. NetworkID then is who claimed it
	Again       bool     // a figure of something of which one was told before
}

// Delivery is one conversion on its way to one destination.
type Delivery struct {
	ID            string // UUID, constant over retries: {delivery_id}
	DestinationID string
	AppID         int64
	DedupKey      string
	Subject       string // of the conversion
	HoldReason    string // the flags for which it waits until DueAt, unless it is released; "" = it is not held
	Kind          string
	EventName     string            // the receiver's name of the event
	Consent       string            // authorized, denied; "" of what is nobody's
	Fields        map[string]string // macro name -> value; absent or "" = no value
	CreatedAt     time.Time
	DueAt         time.Time
	ExpiresAt     time.Time
	Attempts      int   // counted at claim, so the first attempt is 1
	Fence         int64 // raised by every claim; settling needs the current one
	Turn          int64 // of the destination, when it was claimed
}

// State is where a delivery stands.
type State string

// The states. Pending rows are due at their time; held and gone rows wait until
// the destination is edited; delivered, refused and expired are final.
const (
	StatePending   State = "pending"
	StateDelivered State = "delivered"
	StateHeld      State = "held"
	StateRefused   State = "refused"
	StateExpired   State = "expired"
	StateGone      State = "gone"
)

// States lists every state, for filters and for counts.
func States() []State {
	return []State{StatePending, StateDelivered, StateHeld, StateRefused, StateExpired, StateGone}
}

// Attempt is one line of the attempt log. It never holds the rendered URL, for
// tokens and identifiers stand in it.
type Attempt struct {
	DeliveryID      string        `json:"delivery_id"`
	AppID           int64         `json:"app_id"`
	Attempt         int           `json:"attempt"`
	At              time.Time     `json:"at"`
	Duration        time.Duration `json:"-"`
	Class           Class         `json:"class"`
	Status          int           `json:"status"` // 0: no answer
	Reason          string        `json:"reason"`
	Answer          string        `json:"answer"` // first KiB, secrets redacted
	TemplateVersion int           `json:"template_version"`
}

// MarshalJSON adds the duration in whole milliseconds.
func (a Attempt) MarshalJSON() ([]byte, error) {
	type members Attempt
	return json.Marshal(struct {
		members
		Milliseconds int64 `json:"duration_ms"`
	}{members(a), a.Duration.Milliseconds()})
}

// Settlement is the end of one attempt.
type Settlement struct {
	Attempt       Attempt
	DestinationID string
	Fence         int64 // of the claim
	Turn          int64 // of the claim
	State         State
	DueAt         time.Time     // only when State is pending
	RetryAfter    time.Duration // what the receiver asked for
}

// Outcome is what the settlement says of its destination.
func (s Settlement) Outcome() Outcome {
	a := s.Attempt
	o := Outcome{Class: a.Class, Answered: a.Status != 0, Turn: s.Turn, Reason: a.Reason, RetryAfter: s.RetryAfter}
	if a.Class == ClassRetry && a.Status == http.StatusUnauthorized {
		o.Class, o.Answered = "", false // a token had run out: the next attempt will tell
	}
	return o
}
