package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// healthKept is how long the hours of delivery health are kept: a year to compare
	// with, and a month to look at it. They hold numbers and no person.
	healthKept = 400 * 24 * time.Hour
	// replayKept is how long a finished replay is known by its key.
	replayKept = 30 * 24 * time.Hour
)

// forgetOldHealth deletes counts of hours that nobody asks for any more, and the keys of
// replays that ended long ago.
func (s *Store) forgetOldHealth(ctx context.Context) error {
	now := s.clock.Now()
	var errs []error
	for _, old := range []struct {
		text   string
		before time.Time
	}{
		{`DELETE FROM delivery_hour WHERE hour < ?`, now.Add(-healthKept)},
		{`DELETE FROM attempt_hour WHERE hour < ?`, now.Add(-healthKept)},
		{`DELETE FROM conversion_repeat WHERE hour < ?`, now.Add(-healthKept)},
		{`DELETE FROM delivery_replay WHERE finished_at IS NOT NULL AND finished_at < ?`, now.Add(-replayKept)},
	} {
		if _, err := s.main.w.ExecContext(ctx, s.main.q(old.text), ms(old.before)); err != nil {
			errs = append(errs, fmt.Errorf("delete old delivery health: %w", err))
		}
	}
	return errors.Join(errs...)
}
