// Package conversion owns what happened: the copies of postbacks that arrived and
// which of them counts, what their values decode to, and the consented clicks,
// installs and events with their attribution. It is the only place where the two
// sides meet. It refuses SQL and HTTP, and knows nothing of cohorts or networks'
// endpoints.
package conversion

import (
	"context"
	"time"

	"skand/skan"
)

// Source tells how a copy reached us. No path is authenticated by Apple, so the
// source only ranks copies: see Rank.
type Source string

// The sources, best first.
const (
	Developer Source = "developer" // Apple's copy to the developer's well-known path
	Network   Source = "network"   // Apple's copy to the URL a network registered
	Relay     Source = "relay"     // passed on by a network or a vendor
)

// Rank orders sources: a lower rank is nearer to Apple, and its unsigned values count.
func (s Source) Rank() int {
	switch s {
	case Developer:
		return 0
	case Network:
		return 1
	default:
		return 2
	}
}

// State is what became of one copy. Each copy has exactly one.
type State string

// The states a receiver answers with.
const (
	Accepted    State = "accepted"    // first copy of its identity; it counts
	Duplicate   State = "duplicate"   // a copy that says the same as the one that counts
	Conflict    State = "conflict"    // a copy with other unsigned values; never a second count
	Quarantined State = "quarantined" // kept, not believed
	Unsupported State = "unsupported" // kept until this version or key is known
	Dropped     State = "dropped"     // only counted: a flood of what does not verify
)

// Copy is one body as it arrived, with the verdict on it.
type Copy struct {
	ID         string // UUID, ours
	Source     Source
	Relay      string    // who relayed it, "" unless Source is Relay
	Client     string    // the sender's network (/24 or /48), "" for archives
	ReceivedAt time.Time // the arrival; in archives, as recorded there
	Archived   bool      // came with its own arrival time, from an archive
	Replayed   bool      // is stored already, and is judged again
	StoredApp  int64     // of a replayed copy: the app that it is stored under
	Body       []byte    // byte for byte
	Result     skan.Result
}

// Outcome is the answer to one copy.
type Outcome struct {
	State  State  `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// AlreadyImported is the reason of an archived copy that had been taken in before.
const AlreadyImported = "already_imported"

// Receipts keeps copies durably.
type Receipts interface {
	// Save keeps every copy with its state, claims identities and counts first
	// copies, in one transaction that is durable when it returns. The outcomes are
	// in the order of the copies. On an error nothing was kept. An archived copy that
	// is kept under its ID already changes nothing: duplicate, already_imported.
	Save(ctx context.Context, copies []Copy) ([]Outcome, error)
}

// AppID of the copy; 0 where no app could be read from it.
func (c *Copy) AppID() int64 {
	if c.Result.Postback == nil {
		return 0
	}
	return c.Result.Postback.AppID
}

// Standing says whether a verdict lets a copy claim its identity, and in which
// environment it counts.
type Standing struct {
	Claims      bool
	Environment skan.Environment
	State       State  // when it does not claim
	Reason      string // likewise
}

// Stand judges a verdict. What does not verify never holds an identity, and what a
// development key signed does only for an app that opted in: any phone in
// Developer Mode can mint such postbacks for any app.
func Stand(r *skan.Result, trustsDevelopment bool) Standing {
	switch r.Verdict {
	case skan.Valid:
		return Standing{Claims: true, Environment: skan.Production}
	case skan.Develop:
		if trustsDevelopment {
			return Standing{Claims: true, Environment: skan.Development}
		}
		return Standing{State: Quarantined, Reason: "development_not_trusted"}
	case skan.Unsupported:
		return Standing{State: Unsupported, Reason: r.Reason}
	default:
		return Standing{State: Quarantined, Reason: r.Reason}
	}
}
