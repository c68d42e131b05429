package store

import (
	"context"

	"skand/conversion"
)

// tellReview hands over what is kept of an install that an operator has just rejected,
// so that the network that claimed it hears of it, and of its events, as rejected: also
// of what was sent before. Nothing more is sent of a released one than was held.
func (s *Store) tellReview(ctx context.Context, t *tx, r Review) error {
	if !r.Rejected {
		return nil
	}
	l := newLedger(s, t)
	in, err := l.Install(ctx, r.AppID, r.InstallID)
	if err != nil || in == nil {
		return err
	}
	if err := conversion.SendReviewed(ctx, l, in); err != nil {
		return err
	}
	return l.flush(ctx)
}
