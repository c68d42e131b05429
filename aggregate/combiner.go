package aggregate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"skand/internal/clock"
)

// CombineStore is the main store, and what is published, as Combiner needs them.
type CombineStore interface {
	marker

	// Combinable lists, oldest first, the periods that are over, in which both sides
	// have nothing left to seal or to publish, and that have no line in the ledger;
	// of apps with a deterministic release, from the period of the first one on.
	Combinable(ctx context.Context, now time.Time) ([]Combinable, error)

	// PrepareCombined inserts the ledger line; *InTheWayError where there is one.
	PrepareCombined(ctx context.Context, r Release) error
}

// Combinable is one period of one app, with what both sides have published of it.
type Combinable struct {
	AppID    int64
	Period   Window
	B        int // of the releases, the greatest
	Lab      bool
	Settings Settings
	Sides    Sides
}

// Combiner publishes `combined`, each period once. It runs after the sealers.
type Combiner struct {
	Store     CombineStore
	Published PublishedStore
	Clock     clock.Clock
	Log       *slog.Logger
}

// Run publishes what is due and says how many periods it has closed. A period of which
// nothing can be told is closed without a release. What a killed run has prepared, the
// sealer publishes.
func (c *Combiner) Run(ctx context.Context) (int, error) {
	now := c.Clock.Now()
	due, err := c.Store.Combinable(ctx, now)
	if err != nil {
		return 0, fmt.Errorf("combine: %w", err)
	}
	done := 0
	var errs []error
	for _, p := range due {
		if err := c.close(ctx, p, now); err != nil {
			errs = append(errs, fmt.Errorf("combine app %d, %s: %w", p.AppID, p.Period.Start.Format(time.DateOnly), err))
			continue
		}
		done++
	}
	return done, errors.Join(errs...)
}

func (c *Combiner) close(ctx context.Context, p Combinable, now time.Time) error {
	rows := Combine(p.Sides)
	if err := checkCombined(rows, p.Sides.K); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	d := CombinedDataset(p.AppID)
	r := Release{
		ID:      fmt.Sprintf("%s.%s.4weeks.%s.%s.0", d, p.Period.Start.Format(time.DateOnly), ViewCombined, ReleaseBase),
		Dataset: d, View: ViewCombined, Kind: ReleaseBase,
		Window: p.Period, WindowStart: p.Period.Start, Taken: p.Period,
		K: p.Sides.K, B: p.B, SealedAt: now, Lab: p.Lab, Settings: p.Settings, State: StatePrepared, Combined: rows,
	}
	if len(rows) == 0 {
		r.State = StateCarried
	}
	for _, row := range rows {
		r.Installs += row.Combined.Est
	}
	if err := c.Store.PrepareCombined(ctx, r); err != nil || len(rows) == 0 {
		return err
	}
	return finish(ctx, c.Store, c.Published, c.Log, r)
}
