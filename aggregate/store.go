package aggregate

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Open is a dataset that has counted rows not yet sealed.
type Open struct {
	Dataset Dataset
	History []SettingsAt // the app's, in order of EffectiveFrom
	Lab     bool         // the data store was created with --lab
	// LastEnd is the end of the dataset's last window in the ledger, published or
	// carried; zero if there is none. The ledger outlives the app, so this does too.
	LastEnd time.Time
	// CarriedStarts are the window starts of the ledger lines `carried` since the
	// last release that was not, ascending; empty if there are none.
	CarriedStarts []time.Time
}

// SealStore is the main store as the sealer needs it. Counted rows are those that
// Counted documents; every count here is of rows with no sealed_in.
type SealStore interface {
	CrossingStore

	// Open lists the datasets that have at least one unsealed counted row, ordered
	// by app, index, kind and environment.
	Open(ctx context.Context) ([]Open, error)

	// NextCounted is the earliest counted_at >= from of an unsealed counted row of
	// the dataset; ok is false if there is none. One indexed look-up.
	NextCounted(ctx context.Context, d Dataset, from time.Time) (at time.Time, ok bool, err error)

	// Counted groups the dataset's unsealed counted rows with counted_at in
	// [taken.Start, taken.End). A zero Start is no bound. The database groups them,
	// so that a million installs are a few thousand groups.
	Counted(ctx context.Context, d Dataset, taken Window) (Batch, error)

	// Prepare inserts the ledger line and does the following in ONE transaction of
	// the main store. It returns *InTheWayError if the ledger holds the key
	// (app, dataset, window, view, kind, model version) already. State carried: only
	// the line; no row is marked. State prepared: it groups the rows of r.Taken
	// again as Counted does (and Crossed, of r.CrossedViews) and returns ErrRowsChanged
	// unless Digest (with DigestCrossed) gives r.Digest; writes r.Charges beside the line;
	// marks exactly those rows sealed_in = r.ID; and keeps r as JSON in the line.
	Prepare(ctx context.Context, r Release) error

	// Pending lists prepared releases that are not marked published, redecodes among
	// them, oldest window first, whole as they were prepared.
	Pending(ctx context.Context) ([]Release, error)

	// MarkPublished turns the line to `published` and drops the kept JSON of the
	// rows. Idempotent.
	MarkPublished(ctx context.Context, releaseID string) error
}

// PublishedStore is the other, physically separate database.
type PublishedStore interface {
	// Publish writes the release and its rows, ordered by Row.Key, in one
	// transaction. A release id that is there already is left as it is: nil.
	Publish(ctx context.Context, r Release) error
}

// ErrRowsChanged says that rows were counted, or re-decoded, between the cut and
// Prepare; the window is cut again.
var ErrRowsChanged = errors.New("counted rows changed since they were cut")

// InTheWayError refuses a second release: a window is published once.
type InTheWayError struct {
	Release  string // the id that was refused
	Window   Window
	InTheWay string // the release id that holds the place
	State    string // its state
}

func (e *InTheWayError) Error() string {
	return fmt.Sprintf("release %s refused: window %s to %s is held by %s (%s); a window is published once and never changed",
		e.Release, e.Window.Start.UTC().Format(time.RFC3339), e.Window.End.UTC().Format(time.RFC3339), e.InTheWay, e.State)
}
