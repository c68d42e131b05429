package forward

import "time"

// Tally is what became of the deliveries that were written in a span of time, as the
// figures of docs/delivery-log.md are made from it. What is neither delivered, refused
// nor expired waits.
type Tally struct {
	Eligible  int64 // deliveries written: one for each conversion and destination
	Delivered int64
	Refused   int64
	Expired   int64
	Responses Responses // from the writing of a delivery to its 2xx answer
}

// Add puts another span's deliveries to these.
func (t *Tally) Add(o Tally) {
	t.Eligible += o.Eligible
	t.Delivered += o.Delivered
	t.Refused += o.Refused
	t.Expired += o.Expired
	t.Responses.Merge(o.Responses)
}

// Waiting is how many of them have no end yet.
func (t Tally) Waiting() int64 { return max(0, t.Eligible-t.Delivered-t.Refused-t.Expired) }

// share is part of whole; nil where there is no whole, for nothing is no rate of 0.
func share(part, whole int64) *float64 {
	if whole <= 0 {
		return nil
	}
	v := float64(part) / float64(whole)
	return &v
}

// DeliveryRate is delivered / eligible conversions; the field's target is 0.98.
func (t Tally) DeliveryRate() *float64 { return share(t.Delivered, t.Eligible) }

// DropRate is expired or refused / eligible.
func (t Tally) DropRate() *float64 { return share(t.Expired+t.Refused, t.Eligible) }

// Tries counts the attempts that ended in one class with one status.
type Tries struct {
	Class    Class
	Status   int // 0: no answer
	Attempts int64
	Retries  int64 // of them, those after the first attempt of their delivery
}

// Attempted is all attempts of a span.
type Attempted struct {
	Attempts int64           `json:"attempts"`
	Retries  int64           `json:"retries"`
	ByClass  map[Class]int64 `json:"by_class"`
	ByStatus map[int]int64   `json:"by_status"` // 0: no answer
}

// Add counts some more.
func (a *Attempted) Add(t Tries) {
	if a.ByClass == nil {
		a.ByClass, a.ByStatus = map[Class]int64{}, map[int]int64{}
	}
	a.Attempts += t.Attempts
	a.Retries += t.Retries
	a.ByClass[t.Class] += t.Attempts
	a.ByStatus[t.Status] += t.Attempts
}

// RetryRate is attempts after the first / attempts.
func (a Attempted) RetryRate() *float64 { return share(a.Retries, a.Attempts) }

// Deduplicated is how many reports of conversions came in, and how many of them said
// what was known.
type Deduplicated struct {
	Received   int64    `json:"received"` // the repeated ones included
	Duplicates int64    `json:"duplicates"`
	Share      *float64 `json:"share"` // duplicates / received
}

// NewDeduplicated counts from conversions that are kept once each, and from repeats.
func NewDeduplicated(kept, repeats int64) Deduplicated {
	received := kept + repeats
	return Deduplicated{Received: received, Duplicates: repeats, Share: share(repeats, received)}
}

// Discrepancy is how far the deliveries that were written are from the conversions that
// should have caused them. A share that is not 0 is a fault of ours, or of the settings.
type Discrepancy struct {
	From        time.Time `json:"from"` // the later of the span's begin and the last edit
	Conversions int64     `json:"conversions"`
	Deliveries  int64     `json:"deliveries"`
	Share       *float64  `json:"share"` // (conversions - deliveries) / conversions
}

// NewDiscrepancy compares.
func NewDiscrepancy(from time.Time, conversions, deliveries int64) Discrepancy {
	return Discrepancy{From: from, Conversions: conversions, Deliveries: deliveries, Share: share(conversions-deliveries, conversions)}
}

// Untold says why the conversions that d ought to hear of can't be counted without
// routing each of them again; "" where counting is enough.
func (d Destination) Untold() string {
	switch {
	case d.NetworkID == "":
		return "without a network it hears of people who allow it only"
	case d.Scope == ScopeNetworkAgency || d.Agency:
		return "what an agency hears of is decided by each conversion"
	case d.Filter != nil:
		return "it has a filter"
	case d.Consent != nil:
		return "it has rules by consent"
	case d.EventWindow != 0:
		return "it has an event window"
	}
	for _, kind := range d.Kinds {
		if kind != KindInstall && kind != KindEvent {
			return "of kind " + kind + " nothing is counted"
		}
	}
	return ""
}
