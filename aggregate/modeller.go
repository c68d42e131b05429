package aggregate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"skand/aggregate/model"
	"skand/internal/clock"
	"skand/schema"
)

// ModelStore is the main store, and the reading side of the published one, as Modeller
// needs them. None of it reads counted rows.
type ModelStore interface {
	marker

	// Pending is SealStore's.
	Pending(ctx context.Context) ([]Release, error)

	// Modelable lists the datasets that have windows due for this version of the model,
	// each app's index 0 first: windows whose newest release of the counts is published
	// and that have neither this version nor two others. A window of index 1 or 2 is due
	// when those of index 0 up to its end are sealed.
	Modelable(ctx context.Context, version int, s ModelSettings) ([]Modelable, error)

	// ReadModelable reads back what was published of the windows of a fit.
	ReadModelable(ctx context.Context, f ModelFit) (ModelReading, error)

	// PrepareModel inserts the ledger line with the whole release in it, and in the same
	// transaction what is forwarded of it; counts is the release of the counts that was
	// modelled. It returns *InTheWayError if the ledger holds the key, or two versions
	// of the model, already.
	PrepareModel(ctx context.Context, r, counts Release) error
}

// Modelable is a dataset with windows that are due.
type Modelable struct {
	Dataset Dataset
	Lab     bool
	// Windows are lines of the newest published release of the counts, window by window
	// in order, without gaps: all that are due, and as many before them as a fit reads.
	Windows []ModelableWindow
	First   []Release // of index 1 and 2: the same of index 0, as far back as installs may lie
}

// ModelableWindow is a window of which counts are published.
type ModelableWindow struct {
	Counts Release // its line
	Due    bool
}

// ModelReading is what a fit reads: published rows, published cohorts of people who
// consented, and what the schema says. Nothing else comes into a modelled number.
type ModelReading struct {
	Documents map[int]*schema.Document // that may have decoded the windows, in their currency
	Windows   []Release                // whole, as the fit's
	First     []Release
	Consented []ConsentedWindow
	Checks    map[string][]ModelCheck // of windows modelled before, by the id of the counts' base release
}

// ModelSettings are those of the model and how much a fit reads.
type ModelSettings struct {
	// Weeks and Days bound the windows of one fit. What is older says little of today,
	// and a month has to be within it, or its roll-up would have no draws.
	Weeks, Days int
	Model       model.Settings
	Later       model.LaterSettings
	Drift       model.DriftSettings
}

// DefaultModelSettings are the settings that are documented.
func DefaultModelSettings() ModelSettings {
	return ModelSettings{Weeks: 12, Days: 45, Model: model.Defaults(), Later: model.LaterDefaults(), Drift: model.DriftDefaults()}
}

// Validate names the first setting that makes no sense.
func (s ModelSettings) Validate() error {
	switch {
	case s.Weeks <= reachWeeks || s.Weeks > 104:
		return fmt.Errorf("model settings: weeks is %d; it must be between %d and 104, for a month must be within a fit", s.Weeks, reachWeeks+1)
	case s.Days <= reachDays || s.Days > 400:
		return fmt.Errorf("model settings: days is %d; it must be between %d and 400, for a month must be within a fit", s.Days, reachDays+1)
	}
	if least := leastDraws * resplits; min(s.Model.Draws, s.Later.Draws) < least {
		return fmt.Errorf("model settings: draws are %d, and %d of index 1 and 2; each must be at least %d", s.Model.Draws, s.Later.Draws, least)
	}
	return errors.Join(s.Model.Validate(), s.Later.Validate(), s.Drift.Validate())
}

// leastDraws is how many each split of what was withheld has to have.
const leastDraws = 10

// Windows is how many windows of the kind a fit reads.
func (s ModelSettings) Windows(kind WindowKind) int {
	if kind == Day {
		return s.Days
	}
	return s.Weeks
}

// Modeller publishes releases of the model, one for each window of each dataset and
// version, in the two phases of a base release. It runs after the sealers and may be
// killed between any two instructions: what it then has prepared the next run of it, or
// of the Sealer, publishes in the same bytes.
type Modeller struct {
	Store     ModelStore
	Published PublishedStore
	Clock     clock.Clock
	Log       *slog.Logger
	Settings  ModelSettings
}

// Run publishes what is due and says how many releases there were. It goes on past one
// dataset's failure and returns all errors joined.
func (m *Modeller) Run(ctx context.Context) (int, error) {
	if err := m.Settings.Validate(); err != nil {
		return 0, fmt.Errorf("model: %w", err)
	}
	done, err := m.finishPending(ctx)
	if err != nil {
		return done, err
	}
	due, err := m.Store.Modelable(ctx, ModelVersion, m.Settings)
	if err != nil {
		return done, fmt.Errorf("model: %w", err)
	}
	var errs []error
	for _, d := range due {
		for _, f := range m.Settings.Plan(d) {
			if err := ctx.Err(); err != nil {
				return done, errors.Join(append(errs, err)...)
			}
			n, err := m.fit(ctx, f)
			done += n
			if err != nil {
				errs = append(errs, fmt.Errorf("model %s: %w", d.Dataset, err))
				break // later windows wait for those before them
			}
		}
	}
	return done, errors.Join(errs...)
}

// finishPending publishes what a killed run has prepared.
func (m *Modeller) finishPending(ctx context.Context) (int, error) {
	pending, err := m.Store.Pending(ctx)
	if err != nil {
		return 0, fmt.Errorf("model: list prepared releases: %w", err)
	}
	done := 0
	for _, r := range pending {
		if r.Kind != ReleaseModel {
			continue
		}
		if err := finish(ctx, m.Store, m.Published, m.Log, r); err != nil {
			return done, fmt.Errorf("model: %w", err)
		}
		done++
	}
	return done, nil
}

// fit reads, computes and publishes one fit. Between reading and publishing nothing is
// held open.
func (m *Modeller) fit(ctx context.Context, f ModelFit) (int, error) {
	reading, err := m.Store.ReadModelable(ctx, f)
	if err != nil {
		return 0, fmt.Errorf("read what was published: %w", err)
	}
	releases, err := f.Releases(reading, m.Settings, m.Clock.Now())
	if err != nil {
		return 0, err
	}
	done := 0
	for i, at := range f.due() {
		if err := m.Store.PrepareModel(ctx, releases[i], reading.Windows[at]); err != nil {
			return done, fmt.Errorf("prepare: %w", err)
		}
		if err := finish(ctx, m.Store, m.Published, m.Log, releases[i]); err != nil {
			return done, err
		}
		done++
	}
	m.Log.InfoContext(ctx, "windows modelled", "dataset", f.Dataset.String(), "releases", done, "read", len(f.Windows))
	return done, nil
}
