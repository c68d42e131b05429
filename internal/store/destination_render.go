package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"skand/forward"
)

// Destination is one destination as it stands; ErrNoDestination where there is none.
func (s *Store) Destination(ctx context.Context, id string) (r forward.Registered, err error) {
	if !fitsText(id) {
		return r, ErrNoDestination
	}
	err = s.main.in(ctx, func(t *tx) error {
		var ok bool
		r, ok, err = readDestination(ctx, t, id, "")
		if err == nil && !ok {
			err = ErrNoDestination
		}
		return err
	})
	return r, err
}

// Carried returns the newest deliveries that a filter picks with the values that they
// carry, newest first; those that retention has emptied carry none. Who asks is told
// of by the caller, for what a look is for stands there.
func (s *Store) Carried(ctx context.Context, f DeliveryFilter, limit int) ([]forward.Delivery, error) {
	listed, _, err := s.Deliveries(ctx, f, "", limit)
	if err != nil || len(listed) == 0 {
		return nil, err
	}
	place, ids := map[string]int{}, make([]string, len(listed))
	apps := map[int64]bool{}
	for i, d := range listed {
		place[d.ID], ids[i], apps[d.AppID] = i, d.ID, true
	}
	out := make([]forward.Delivery, len(listed))
	for app := range apps {
		text, args, err := sqlx.In(`SELECT `+claimedColumns+` FROM outbox WHERE app_id = ? AND id IN (?)`, app, ids)
		if err != nil {
			return nil, fmt.Errorf("read what deliveries carry: %w", err)
		}
		var rows []outboxRow
		if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), args...); err != nil {
			return nil, fmt.Errorf("read what deliveries carry: %w", err)
		}
		for _, r := range rows {
			d, err := s.delivery(r)
			if err != nil {
				return nil, err
			}
			d.Attempts = max(1, d.Attempts) // as the first would be
			out[place[r.ID]] = d
		}
	}
	kept := out[:0]
	for _, d := range out {
		if d.ID != "" { // else it was erased in between
			kept = append(kept, d)
		}
	}
	return kept, nil
}
