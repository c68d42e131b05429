package forward

import (
	"context"
	"time"
)

// Registered is a destination as the store keeps it, and how it stands.
type Registered struct {
	Destination     Destination
	TemplateVersion int    // raised by every edit; stands in the attempt log
	DisabledReason  string // set when skand (410, 72 h without success) or an operator disabled it
	DisabledBy      string // the operator; "" = skand itself
	PausedReason    string // set when ten deliveries in a row were held
	Breaker         Breaker
	Since           time.Time // when its state became what it is; zero: never changed
	KeyMissingAt    time.Time // when it last had no secret to sign with; zero: never
	UpdatedAt       time.Time
}

// DestinationState says in one word how a destination stands.
type DestinationState string

// The states, in the order in which they hide each other.
const (
	DestinationOff      DestinationState = "off"      // enabled: false; nothing is enqueued for it
	DestinationDisabled DestinationState = "disabled" // by skand or by an operator
	DestinationPaused   DestinationState = "paused"   // until it is edited or resumed
	DestinationOpen     DestinationState = "open"     // the breaker: one probe at a time
	DestinationActive   DestinationState = "active"
)

// Standing is the part that outcomes and operators change.
func (r Registered) Standing() Standing {
	return Standing{
		Breaker: r.Breaker, PausedReason: r.PausedReason, DisabledReason: r.DisabledReason,
		DisabledBy: r.DisabledBy, Since: r.Since,
	}
}

// With returns r in another standing.
func (r Registered) With(s Standing) Registered {
	r.Breaker, r.PausedReason, r.DisabledReason, r.DisabledBy, r.Since = s.Breaker, s.PausedReason, s.DisabledReason, s.DisabledBy, s.Since
	return r
}

// State returns the state and, where there is one, its reason.
func (r Registered) State() (state DestinationState, reason string) {
	switch {
	case !r.Destination.Enabled:
		return DestinationOff, ""
	case r.DisabledReason != "":
		return DestinationDisabled, r.DisabledReason
	case r.PausedReason != "":
		return DestinationPaused, r.PausedReason
	case r.Breaker.Open():
		return DestinationOpen, "ten requests in a row failed"
	}
	return DestinationActive, ""
}

// Active reports whether deliveries are attempted at all, if only as probes.
func (r Registered) Active() bool {
	state, _ := r.State()
	return state == DestinationActive || state == DestinationOpen
}

// Ready reports whether something may be claimed now.
func (r Registered) Ready(now time.Time) bool {
	return r.Destination.Enabled && r.Standing().Ready(now)
}

// Due tells how a destination's queue stands. Zero times: there is none.
type Due struct {
	DestinationID string
	Next          time.Time // when the earliest pending row is due, or its lease lapses
	Oldest        time.Time // when the oldest row that waits (pending, held, gone) was first due
}

// Expired counts deliveries that ran out of time at one destination.
type Expired struct {
	DestinationID string
	Rows          int
}

// Want asks for deliveries of a destination: up to Limit that are pending and due at
// Now and have not expired, under a lease until Now+Lease.
type Want struct {
	DestinationID string
	Limit         int
	Now           time.Time
	Lease         time.Duration
}

// Settled is what a settlement did besides.
type Settled struct {
	// Fenced are the deliveries that were claimed anew (or settled) since: the lease had
	// lapsed, and the outcome belongs to the later claim. Their attempts are logged all
	// the same, for they were made.
	Fenced []string
	// Turned are the destinations whose state has changed, as they stand now.
	Turned []Registered
	// Claimed are the deliveries that were asked for, earliest first for each destination.
	Claimed []Delivery
	// Unread names rows that cannot be read, as Claim's error does.
	Unread error
}

// Outbox is the queue that the deliverer works. Implementations keep time in
// integer milliseconds; every method is one transaction.
type Outbox interface {
	// Destinations returns all destinations, by id, also those that are disabled.
	Destinations(ctx context.Context) ([]Registered, error)
	// Due returns one entry for every destination that has a row waiting.
	Due(ctx context.Context) ([]Due, error)
	// Claim takes up to limit deliveries that are pending and due at now and have
	// not expired, earliest first. Each gets a lease until now+lease, a new fence, the
	// destination's turn and one attempt more. No two claims hold one row before its
	// lease lapses. A destination that is not active has nothing to claim; one whose
	// breaker is open has a single row, when its probe is due, for one claim of all.
	// Rows that cannot be read are put back for a while, uncharged, and named in an
	// error beside those that can.
	Claim(ctx context.Context, destinationID string, limit int, now time.Time, lease time.Duration) ([]Delivery, error)
	// Exchange settles and then claims, in one transaction, each of which may be empty.
	// It writes the attempts and, where the fence is the current one, the new states, and
	// folds what they say of their destinations into how these stand. Held and gone of an
	// earlier turn are due at once, unless the destination stands still: what they
	// complain of has been answered since. Then it claims what is wanted as Claim does, of
	// destinations that are active after all that; one whose breaker is open has its
	// probes from Claim alone.
	Exchange(ctx context.Context, done []Settlement, wants []Want) (Settled, error)
	// Release gives unfinished claims back: pending, due at the given time, their
	// attempt not charged. Rows whose fence has moved on are left alone.
	Release(ctx context.Context, claimed []Delivery, due time.Time) error
	// KeyMissing notes when a destination had no secret to sign with.
	KeyMissing(ctx context.Context, destinationID string, at time.Time) error
	// Expire ends what waits (pending without a lease, held, gone) at its time.
	Expire(ctx context.Context, now time.Time) ([]Expired, error)
}
