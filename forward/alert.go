package forward

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// AlertKind is what is wrong with a destination. Each has its page in docs/playbooks.
type AlertKind string

// The alerts.
const (
	AlertFailing      AlertKind = "failing"       // the breaker is open: nothing but failures
	AlertHeld         AlertKind = "held"          // it is paused, or something waits for its repair
	AlertDisabled     AlertKind = "disabled"      // skand itself has disabled it
	AlertOldestDue    AlertKind = "oldest_due"    // something waits for longer than it should
	AlertDeliveryRate AlertKind = "delivery_rate" // too little of what should arrive does
	AlertKeyMissing   AlertKind = "key_missing"   // it has no secret to sign with
	AlertModelDrift   AlertKind = "model_drift"   // of an app: intervals of known values no longer hold
)

// AlertKinds lists every kind that a destination may have.
func AlertKinds() []AlertKind {
	return []AlertKind{AlertFailing, AlertHeld, AlertDisabled, AlertOldestDue, AlertDeliveryRate, AlertKeyMissing}
}

// Thresholds are when alerts begin.
type Thresholds struct {
	OldestDue    time.Duration // the oldest delivery has been due for longer
	DeliveryRate float64       // the delivery rate of the span is below
	Span         time.Duration // of the delivery rate: so long up to an hour ago
	Least        int64         // deliveries in the span, below which a rate says nothing
}

// DefaultThresholds are the field's targets.
func DefaultThresholds() Thresholds {
	return Thresholds{OldestDue: 15 * time.Minute, DeliveryRate: .98, Span: 24 * time.Hour, Least: 50}
}

// Snapshot is how a destination stands at a moment. Zero times: it is not so, or since
// when is not known.
type Snapshot struct {
	DestinationID string
	Enabled       bool // by its operator; of what is switched off nothing is said

	Failing        bool
	FailingSince   time.Time
	Paused         string // why, "" where it is not
	PausedSince    time.Time
	Disabled       string
	DisabledSince  time.Time
	KeyMissing     string
	KeyMissedSince time.Time
	Held           int64 // deliveries that wait for its repair
	HeldSince      time.Time
	OldestDue      time.Time // when the oldest waiting delivery was first due
	Tally          Tally     // of the span that the thresholds name
}

// Alert is something that a person should look at.
type Alert struct {
	ID            string     `json:"id"` // kind/destination: the same while it lasts
	Kind          AlertKind  `json:"kind"`
	DestinationID string     `json:"destination"`   // "" of an app's alert
	AppID         string     `json:"app,omitempty"` // of an app's alert
	Since         *time.Time `json:"since"`         // null: not known
	Says          string     `json:"says"`
	Do            string     `json:"do"`
	Playbook      string     `json:"playbook"` // the page in docs
}

// Alerts judges snapshots, destination by destination. It is pure: the same snapshots
// at the same time give the same alerts. Waiting in the future (a delay, a retry, a
// hold) is no lateness until it is due.
func Alerts(all []Snapshot, bounds Thresholds, now time.Time) []Alert {
	var out []Alert
	for _, s := range all {
		if s.Enabled {
			out = append(out, s.alerts(bounds, now)...)
		}
	}
	slices.SortFunc(out, func(a, b Alert) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (s Snapshot) alerts(bounds Thresholds, now time.Time) (out []Alert) {
	add := func(kind AlertKind, since time.Time, do, format string, args ...any) {
		a := Alert{
			ID: string(kind) + "/" + s.DestinationID, Kind: kind, DestinationID: s.DestinationID,
			Says: fmt.Sprintf(format, args...), Do: do, Playbook: "playbooks/delivery-" + kind.page() + ".md",
		}
		if !since.IsZero() {
			since = since.UTC()
			a.Since = &since
		}
		out = append(out, a)
	}
	if s.Disabled != "" {
		add(AlertDisabled, s.DisabledSince, "ask the receiver, then edit or enable the destination: what waits is sent", "skand disabled it: %s", s.Disabled)
	}
	if s.Failing {
		add(AlertFailing, s.FailingSince, "look at the newest attempts; deliveries wait and are sent once a probe succeeds", "its receiver fails: only probes are sent")
	}
	switch {
	case s.Paused != "":
		add(AlertHeld, s.PausedSince, "repair the URL or the token, then edit or resume the destination", "it is paused: %s", s.Paused)
	case s.Held > 0:
		add(AlertHeld, s.HeldSince, "repair the URL or the token, then edit or resume the destination", "%d deliveries wait for its repair", s.Held)
	}
	if s.KeyMissing != "" {
		add(AlertKeyMissing, s.KeyMissedSince, "set the secret; deliveries wait until it is there", "%s", s.KeyMissing)
	}
	if late := now.Sub(s.OldestDue); !s.OldestDue.IsZero() && late > bounds.OldestDue {
		add(AlertOldestDue, s.OldestDue, "look at the destination's state and its newest attempts", "a delivery has been due for %s, longer than %s", late.Truncate(time.Second), bounds.OldestDue)
	}
	if rate := s.Tally.DeliveryRate(); rate != nil && s.Tally.Eligible >= bounds.Least && *rate < bounds.DeliveryRate {
		add(AlertDeliveryRate, time.Time{}, "look at what was refused or expired, repair it, then replay", "%.1f %% of %d deliveries arrived, the target is %g %%",
			100**rate, s.Tally.Eligible, 100*bounds.DeliveryRate)
	}
	return out
}

func (k AlertKind) page() string {
	switch k {
	case AlertOldestDue:
		return "oldest-due"
	case AlertDeliveryRate:
		return "rate"
	case AlertKeyMissing:
		return "key-missing"
	}
	return string(k)
}
