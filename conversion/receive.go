package conversion

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"skand/skan"
)

// Verifier checks one body. It never fails: what it can't check it says so.
type Verifier interface {
	Verify(body []byte) skan.Result
	// VerifyRelayed also tries without members that relays are known to add.
	VerifyRelayed(body []byte) skan.Result
}

// Receiver takes bodies in: verdict first, for it needs no store, then one durable
// commit, and only then an answer.
type Receiver struct {
	// Verifier is asked for every body, so that a key added while we run counts at once.
	Verifier func() Verifier
	Store    Receipts
	Now      func() time.Time
}

// Arrival is one body with the way it came.
type Arrival struct {
	Source     Source
	Relay      string
	Client     string
	Body       []byte
	ReceivedAt time.Time // zero: now; set for archives
	ID         string    // "": a new one; archives give one that stays the same
}

// Receive checks and keeps one body. NotObject in the result means that nothing
// was kept, for there is nothing to keep: the caller answers 400. An error means
// that nothing is known to be kept: the caller answers 500 and Apple repeats.
func (r *Receiver) Receive(ctx context.Context, a Arrival) (Outcome, skan.Result, error) {
	outcomes, results, err := r.ReceiveAll(ctx, []Arrival{a})
	if err != nil {
		return Outcome{}, skan.Result{}, err
	}
	return outcomes[0], results[0], nil
}

// ReceiveAll checks and keeps several bodies in one commit. The answers are in the
// order of the arrivals; one that is not an object has an empty outcome.
func (r *Receiver) ReceiveAll(ctx context.Context, arrivals []Arrival) ([]Outcome, []skan.Result, error) {
	results := make([]skan.Result, len(arrivals))
	copies := make([]Copy, 0, len(arrivals))
	place := make([]int, 0, len(arrivals))
	v := r.Verifier()
	now := r.Now()
	for i, a := range arrivals {
		if a.Source == Relay {
			results[i] = v.VerifyRelayed(a.Body)
		} else {
			results[i] = v.Verify(a.Body)
		}
		if results[i].NotObject {
			continue
		}
		c := Copy{
			ID: uuid.NewString(), Source: a.Source, Relay: a.Relay, Client: a.Client,
			ReceivedAt: now, Body: a.Body, Result: results[i],
		}
		if !a.ReceivedAt.IsZero() {
			c.ReceivedAt, c.Archived = a.ReceivedAt, true
		}
		if a.ID != "" {
			c.ID = a.ID
		}
		copies = append(copies, c)
		place = append(place, i)
	}
	outcomes := make([]Outcome, len(arrivals))
	if len(copies) == 0 {
		return outcomes, results, nil
	}
	kept, err := r.Store.Save(ctx, copies)
	if err != nil {
		return nil, nil, fmt.Errorf("receive: %w", err)
	}
	for j, i := range place {
		outcomes[i] = kept[j]
	}
	return outcomes, results, nil
}
