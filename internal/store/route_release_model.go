package store

import (
	"context"

	"skand/aggregate"
	"skand/forward"
)

// enqueueModel routes what a model's release tells of named networks, in the transaction
// that writes its line of the ledger; counts is the release that it was made from, whole.
//
// The first model of a window whose measures waited is told to everybody; where it has
// no number, the observed figures are. Later figures, and those of windows that were
// told as observed, go only where they take the place of what was told before.
func (s *Store) enqueueModel(ctx context.Context, t *tx, model, counts aggregate.Release) error {
	if !forward.Tells(model) {
		return nil
	}
	w, err := windowTold(ctx, t, model)
	if err != nil {
		return err
	}
	how := forward.ModelTelling{Telling: forward.Telling{Revision: w.before, At: model.SealedAt}, First: w.told == toldWaits}
	told := w.told
	switch {
	case how.First && forward.HasNumbers(model):
		told = toldModeled
	case how.First:
		told = toldObserved
	}
	how.Events = told == toldModeled
	if told != w.told {
		if err := setTold(ctx, t, model, told); err != nil {
			return err
		}
	}
	return s.enqueueFigures(ctx, t, counts, func(names forward.CampaignNames) []forward.Conversion {
		return forward.FromModel(model, counts, names, how)
	})
}
