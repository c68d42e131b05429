package forward

import (
	"context"
	"time"
)

// Registered is a destination as the store keeps it.
type Registered struct {
	Destination     Destination
	TemplateVersion int    // raised by every edit; stands in the attempt log
	DisabledReason  string // set when skand itself disabled it (410); "" otherwise
	UpdatedAt       time.Time
}

// Active reports whether deliveries are attempted at all.
func (r Registered) Active() bool { return r.Destination.Enabled && r.DisabledReason == "" }

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

// Outbox is the queue that the deliverer works. Implementations keep time in
// integer milliseconds; every method is one transaction.
type Outbox interface {
	// Destinations returns all destinations, by id, also those that are disabled.
	Destinations(ctx context.Context) ([]Registered, error)
	// Due returns one entry for every destination that has a row waiting.
	Due(ctx context.Context) ([]Due, error)
	// Claim takes up to limit deliveries that are pending and due at now and have
	// not expired, earliest first. Each gets a lease until now+lease, a new fence
	// and one attempt more. No two claims hold one row before its lease lapses. A
	// destination that is not active has nothing to claim.
	Claim(ctx context.Context, destinationID string, limit int, now time.Time, lease time.Duration) ([]Delivery, error)
	// Settle writes the attempt and, if the fence is the current one, the new state;
	// otherwise it returns ErrFenced (the attempt is logged all the same, for it
	// was made). State gone disables the destination. Held and gone under an older
	// template version than the current one stay pending: the edit has answered.
	Settle(ctx context.Context, s Settlement) error
	// Release gives unfinished claims back: due at once, their attempt not charged.
	// Rows whose fence has moved on are left alone.
	Release(ctx context.Context, claimed []Delivery, now time.Time) error
	// Expire ends what waits (pending without a lease, held, gone) at its time.
	Expire(ctx context.Context, now time.Time) ([]Expired, error)
}
