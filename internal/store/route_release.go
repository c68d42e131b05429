package store

import (
	"context"
	"fmt"

	"skand/aggregate"
	"skand/forward"
)

// What a base release's line says of its measures: whether, and as what, they were told
// to destinations. Installs are told when the window is sealed, whatever it says.
const (
	toldAtOnce   = ""         // observed, when the window was sealed
	toldWaits    = "waits"    // not yet: a model is to come
	toldObserved = "observed" // as observed, for no model came, or it had no number
	toldModeled  = "modeled"  // as a model estimates them
)

// enqueueRelease routes what a release of counts reports of named networks, in the
// transaction that writes its line of the ledger. What can be modelled waits for the
// model where one is to come.
func (s *Store) enqueueRelease(ctx context.Context, t *tx, r aggregate.Release) error {
	if !forward.Tells(r) {
		return nil
	}
	how := forward.Telling{At: r.SealedAt}
	if r.Kind == aggregate.ReleaseRedecode {
		w, err := windowTold(ctx, t, r)
		if err != nil {
			return err
		}
		if w.told == toldWaits || w.told == toldModeled {
			// The model reads it, or did not know it: a count of its own must not take
			// the place of the estimate of all.
			return nil
		}
		how.Revision = w.before
	} else if s.patience > 0 {
		how.Part = forward.PartInstalls
		if err := setTold(ctx, t, r, toldWaits); err != nil {
			return err
		}
	}
	return s.enqueueFigures(ctx, t, r, func(names forward.CampaignNames) []forward.Conversion {
		return forward.FromRelease(r, names, how)
	})
}

// enqueueFigures routes figures of a release of counts.
func (s *Store) enqueueFigures(ctx context.Context, t *tx, counts aggregate.Release, figures func(forward.CampaignNames) []forward.Conversion) error {
	dests, err := destinations(ctx, t, counts.Dataset.AppID)
	if err != nil || len(dests) == 0 {
		return err
	}
	names, err := campaignNames(ctx, t, counts)
	if err != nil {
		return err
	}
	conversions := figures(names)
	if len(conversions) == 0 {
		return nil
	}
	return s.enqueueTo(ctx, t, dests, conversions)
}

// toldWindow is where a window stands with destinations.
type toldWindow struct {
	told   string // of its base release
	before int    // lines that the ledger has of it but the one that asks
}

const toldWindowSQL = `SELECT told FROM release_ledger WHERE app_id = ? AND release_id = ?`

const releasesBeforeSQL = `
SELECT COUNT(*) FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND window_start = ? AND view = ? AND release_id <> ?`

// windowTold reads it, and keeps others from telling the window meanwhile. The line of
// r is in the ledger already.
func windowTold(ctx context.Context, t *tx, r aggregate.Release) (toldWindow, error) {
	var w toldWindow
	base := aggregate.BaseReleaseID(r)
	err := t.GetContext(ctx, &w.told, t.q(toldWindowSQL+t.forUpdate()), r.Dataset.AppID, base)
	if err != nil {
		return w, fmt.Errorf("what was told of %s: %w", base, err)
	}
	err = t.GetContext(ctx, &w.before, t.q(releasesBeforeSQL), append(key(r.Dataset), ms(r.Window.Start), r.View, r.ID)...)
	if err != nil {
		return w, fmt.Errorf("releases before %s: %w", r.ID, err)
	}
	return w, nil
}

// setTold marks the base release of r's window.
func setTold(ctx context.Context, t *tx, r aggregate.Release, told string) error {
	base := aggregate.BaseReleaseID(r)
	_, err := t.ExecContext(ctx, t.q(`UPDATE release_ledger SET told = ? WHERE app_id = ? AND release_id = ?`), told, r.Dataset.AppID, base)
	if err != nil {
		return fmt.Errorf("mark %s as told: %w", base, err)
	}
	return nil
}
