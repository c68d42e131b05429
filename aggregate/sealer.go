package aggregate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"skand/internal/clock"
)

// Sealer seals windows: each once, in order, one hour (seal_delay) after its end.
// One process at a time runs it (a lease of the job); should two, the ledger's
// unique key refuses the second.
type Sealer struct {
	Store     SealStore
	Published PublishedStore
	Noise     Noise // needed by apps that declare crossings; without it their windows wait
	Clock     clock.Clock
	Log       *slog.Logger
}

// Report is what one run did. Installs are those published in it.
type Report struct {
	Finished  int // releases prepared by an earlier run, published by this one
	Published int // releases prepared and published
	Carried   int // windows below k, closed in the ledger without a release
	Installs  int
}

// changedTries is how often a window is cut again when rows changed under it.
const changedTries = 5

// Run finishes what an earlier run left between its two phases, then seals every
// window that is due, of every dataset with unsealed rows. It goes on past one
// dataset's failure and returns all errors joined. It may be killed between any
// two instructions: until Prepare commits nothing has happened, and from then on
// every run ends in the same published bytes.
func (s *Sealer) Run(ctx context.Context) (Report, error) {
	var report Report
	var errs []error
	pending, err := s.Store.Pending(ctx)
	if err != nil {
		return report, fmt.Errorf("seal: list prepared releases: %w", err)
	}
	stuck := map[Dataset]bool{}
	for _, r := range pending {
		if stuck[r.Dataset] {
			continue // later windows wait for the one before them
		}
		err := s.finish(ctx, r)
		if err != nil {
			stuck[r.Dataset] = true
			errs = append(errs, fmt.Errorf("seal %s: %w", r.Dataset, err))
			continue
		}
		report.Finished++
		if r.Kind == ReleaseBase {
			report.Installs += r.Installs // a redecode has its base's
		}
	}
	open, err := s.Store.Open(ctx)
	if err != nil {
		return report, errors.Join(append(errs, fmt.Errorf("seal: list open datasets: %w", err))...)
	}
	for _, o := range open {
		if stuck[o.Dataset] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return report, errors.Join(append(errs, err)...)
		}
		err := s.sealDataset(ctx, o, &report)
		if err != nil {
			errs = append(errs, fmt.Errorf("seal %s: %w", o.Dataset, err))
		}
	}
	return report, errors.Join(errs...)
}

// sealDataset seals the dataset's due windows in order.
func (s *Sealer) sealDataset(ctx context.Context, o Open, report *Report) error {
	now := s.Clock.Now()
	for {
		at, found, err := s.Store.NextCounted(ctx, o.Dataset, o.LastEnd)
		if err != nil {
			return fmt.Errorf("next counted row: %w", err)
		}
		p, due, err := o.plan(at, found, now)
		if err != nil || !due {
			return err
		}
		r, err := s.sealWindow(ctx, o, p)
		if err != nil {
			return fmt.Errorf("window %s of %s: %w", p.window.Start.Format(time.DateOnly), p.settings.Window, err)
		}
		switch r.State {
		case StateCarried:
			report.Carried++
			o.CarriedStarts = append(o.CarriedStarts, p.window.Start)
		case StatePrepared:
			report.Published++
			report.Installs += r.Installs
			o.CarriedStarts = nil
		default:
			return nil // nothing new, and what waits is not enough yet
		}
		o.LastEnd = p.window.End
	}
}

// sealWindow cuts, prepares and publishes one window. The zero Release says that
// nothing was to be done.
func (s *Sealer) sealWindow(ctx context.Context, o Open, p plan) (Release, error) {
	var err error
	for range changedTries {
		var r Release
		r, err = s.cutAndPrepare(ctx, o, p)
		if errors.Is(err, ErrRowsChanged) {
			continue
		}
		if err != nil || r.State != StatePrepared {
			return r, err
		}
		err = s.finish(ctx, r)
		return r, err
	}
	return Release{}, err
}

func (s *Sealer) cutAndPrepare(ctx context.Context, o Open, p plan) (Release, error) {
	batch, err := s.Store.Counted(ctx, o.Dataset, p.taken)
	if err != nil {
		return Release{}, fmt.Errorf("load counted rows: %w", err)
	}
	published := Cut(o.Dataset, p.settings, batch)
	err = published.check(p.settings.K, p.settings.B, batch.Installs())
	if err != nil {
		return Release{}, fmt.Errorf("cut refused: %w", err)
	}
	if len(published.Rows) == 0 && p.waiting {
		return Release{}, nil
	}
	r := o.release(p, published, Digest(batch.Groups), s.Clock.Now())
	err = s.cross(ctx, &r)
	if err != nil {
		return Release{}, fmt.Errorf("cross: %w", err)
	}
	err = s.Store.Prepare(ctx, r)
	if err != nil {
		return Release{}, fmt.Errorf("prepare: %w", err)
	}
	s.Log.InfoContext(ctx, "window closed", "release", r.ID, "state", r.State, "rows", len(r.Rows))
	return r, nil
}

func (s *Sealer) finish(ctx context.Context, r Release) error {
	return finish(ctx, s.Store, s.Published, s.Log, r)
}

// marker is what the second phase needs of the main store; see SealStore.
type marker interface {
	MarkPublished(ctx context.Context, releaseID string) error
}

// finish is the second phase: idempotent, so it may be repeated for ever.
func finish(ctx context.Context, ledger marker, published PublishedStore, log *slog.Logger, r Release) error {
	err := published.Publish(ctx, r)
	if err != nil {
		return fmt.Errorf("publish %s: %w", r.ID, err)
	}
	err = ledger.MarkPublished(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("mark %s published: %w", r.ID, err)
	}
	log.InfoContext(ctx, "release published", "release", r.ID, "rows", len(r.Rows), "installs", r.Installs)
	return nil
}
