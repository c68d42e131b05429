package conversion

import (
	"context"
	"fmt"
	"time"

	"skand/skan"
)

// Stored is a copy as it was kept, for judging it again.
type Stored struct {
	AppID      int64 // that it is kept under
	ID         string
	Source     Source
	Relay      string
	Client     string
	ReceivedAt time.Time
	Body       []byte
	State      State
}

// ReplayFilter picks stored copies.
type ReplayFilter struct {
	States []State // Unsupported, Quarantined
	// Trusting: only what a development key signed for an app that trusts such keys
	// by now. States is not read then.
	Trusting bool
}

// ReplayStore is where copies are judged again.
type ReplayStore interface {
	Receipts
	// Replayable lists stored copies in the order of arrival, after the cursor that
	// the page before gave; "" begins.
	Replayable(ctx context.Context, f ReplayFilter, cursor string, limit int) (page []Stored, next string, err error)
}

// Replayed is what a replay did, by the state that each copy has now.
type Replayed struct {
	Read   int           `json:"read"`
	States map[State]int `json:"states"`
}

const replayBatch = 200

// Replay verifies stored bodies again, after a key or a version was added or an app
// began to trust development keys. What verifies now claims its identity and counts
// from now on, in the window that is open; what does not stays as it was. With dry
// nothing is stored, and the states are what verification alone tells.
func Replay(ctx context.Context, store ReplayStore, v Verifier, f ReplayFilter, dry bool) (Replayed, error) {
	done := Replayed{States: map[State]int{}}
	cursor := ""
	for {
		page, next, err := store.Replayable(ctx, f, cursor, replayBatch)
		if err != nil {
			return done, fmt.Errorf("replay: %w", err)
		}
		copies := make([]Copy, len(page))
		for i, s := range page {
			copies[i] = Copy{
				ID: s.ID, Source: s.Source, Relay: s.Relay, Client: s.Client, ReceivedAt: s.ReceivedAt,
				Replayed: true, StoredApp: s.AppID, Body: s.Body, Result: again(v, s),
			}
		}
		done.Read += len(page)
		if err := keepReplayed(ctx, store, copies, dry, &done); err != nil {
			return done, err
		}
		if next == "" {
			return done, nil
		}
		cursor = next
	}
}

func again(v Verifier, s Stored) skan.Result {
	if s.Source == Relay {
		return v.VerifyRelayed(s.Body)
	}
	return v.Verify(s.Body)
}

func keepReplayed(ctx context.Context, store ReplayStore, copies []Copy, dry bool, done *Replayed) error {
	if dry {
		for i := range copies {
			st := Stand(&copies[i].Result, true)
			if st.Claims {
				st.State = Accepted
			}
			done.States[st.State]++
		}
		return nil
	}
	outcomes, err := store.Save(ctx, copies)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	for _, o := range outcomes {
		done.States[o.State]++
	}
	return nil
}
