package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Fate is what became of a conversion of ours. Each has one.
type Fate int

// The fates, by precedence: a conversion that several would fit has the first.
const (
	FateDelivered Fate = iota // the network answered 2xx
	FateRefused               // written for the network, and not delivered: refused, expired, or it still waits
	FateOutside               // later than the event's window, so that nobody was to be told
	FateUnsent                // no destination of the network takes it
	FateClaimable             // not ours: organic, as its click of this network was too old by our window
)

// Counted are N conversions that are alike in all but their revenue.
type Counted struct {
	Event       string // as the network is told; our own name where it is not
	CampaignID  string // of the touch that won
	At          time.Time
	Fate        Fate
	DeliveredAt time.Time // first 2xx
	Old         bool      // delivered when it was older than the network takes
	Unsure      bool      // FateRefused, but a try had no answer: the network may have counted it
	Copies      int       // requests beyond the first that may have reached the network, for each
	Twin        bool      // of one install, event and second with another one: a network may count one
	Untold      bool      // its revenue was not sent along
	Unpriced    string    // its revenue can't be said in the upload's currency, and why
	Why         string    // what kept it back: waiting, expired, refused, event_map, window, …
	N           int64
	Revenue     decimal.Decimal // of all N, in the upload's currency
}

type countedKey struct {
	event, campaign           string
	at, delivered             int64
	fate                      Fate
	old, unsure, twin, untold bool
	copies, sign              int
	unpriced, why             string
}

// Tally gathers conversions. What lies in one quarter of an hour is one line of it, for
// no zone has a border within one: a day of a large app stays small.
type Tally struct {
	lines map[countedKey]*Counted
}

// Add takes a conversion.
func (t *Tally) Add(c Counted) {
	c.Event = strings.TrimSpace(c.Event)
	c.At, c.DeliveredAt = quarter(c.At), quarter(c.DeliveredAt)
	k := countedKey{
		event: c.Event, campaign: c.CampaignID, at: c.At.UnixMilli(), fate: c.Fate, old: c.Old, unsure: c.Unsure,
		twin: c.Twin, untold: c.Untold, copies: c.Copies, sign: c.Revenue.Sign(), unpriced: c.Unpriced, why: c.Why,
	}
	if !c.DeliveredAt.IsZero() {
		k.delivered = c.DeliveredAt.UnixMilli()
	}
	if known := t.lines[k]; known != nil {
		known.N += c.N
		known.Revenue = known.Revenue.Add(c.Revenue)
		return
	}
	if t.lines == nil {
		t.lines = map[countedKey]*Counted{}
	}
	t.lines[k] = &c
}

func quarter(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.UTC().Truncate(grain)
}

// Counted is what was gathered, in an order of its own.
func (t *Tally) Counted() []Counted {
	out := make([]Counted, 0, len(t.lines))
	for _, c := range t.lines {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Counted) int {
		return cmp.Or(strings.Compare(a.Event, b.Event), strings.Compare(a.CampaignID, b.CampaignID), a.At.Compare(b.At),
			a.DeliveredAt.Compare(b.DeliveredAt), cmp.Compare(a.Fate, b.Fate), strings.Compare(a.Why, b.Why))
	})
	return out
}
