package aggregate

import (
	"context"
	"fmt"
	"log/slog"

	"skand/internal/clock"
)

// RedecodeStore is the main store, and the reading side of the published one, as a
// redecode needs them. None of it reads counted rows.
type RedecodeStore interface {
	// Base is a release by its id with the ledger's state; what it published is read
	// back where it is a published base release of view cohort. Rows are ordered by
	// Key. It returns *RedecodeRefused (RefusedUnknown) if there is none.
	Base(ctx context.Context, releaseID string) (Release, error)

	// Decodes describes the versions of the base's app: those that may have decoded
	// it, as Counted does, and the one given. It returns *RedecodeRefused
	// (RefusedVersion) if there is none of that number.
	Decodes(ctx context.Context, base Release, version int) (Decodes, error)

	// PrepareRedecode inserts the ledger line with the whole release in it and tells
	// the audit log, in one transaction; it returns *InTheWayError if the window was
	// decoded again before. What it enqueues goes only where a later figure takes the
	// place of the first: to all others the figures of a window are sent once.
	PrepareRedecode(ctx context.Context, r Release) error

	// MarkPublished is SealStore's.
	MarkPublished(ctx context.Context, releaseID string) error
}

// Redecoder publishes redecodes, in the two phases of a base release: should it be
// killed between them, the next run of the Sealer ends in the same bytes.
type Redecoder struct {
	Store     RedecodeStore
	Published PublishedStore
	Clock     clock.Clock
	Log       *slog.Logger
}

// Redecode reads the base release by the app's schema version and publishes what it
// then says. It returns *RedecodeRefused or *InTheWayError where that may not be.
func (d *Redecoder) Redecode(ctx context.Context, releaseID string, version int) (Release, error) {
	base, err := d.Store.Base(ctx, releaseID)
	if err != nil {
		return Release{}, fmt.Errorf("redecode %s: %w", releaseID, err)
	}
	decodes, err := d.Store.Decodes(ctx, base, version)
	if err != nil {
		return Release{}, fmt.Errorf("redecode %s: %w", releaseID, err)
	}
	again, err := Redecode(base, decodes, d.Clock.Now())
	if err != nil {
		return Release{}, err
	}
	err = d.Store.PrepareRedecode(ctx, again)
	if err != nil {
		return Release{}, fmt.Errorf("prepare redecode: %w", err)
	}
	return again, finish(ctx, d.Store, d.Published, d.Log, again)
}
