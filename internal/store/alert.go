package store

import (
	"context"
	"fmt"
	"time"

	"skand/forward"
)

// keyMissedFor is how long after its secret was missed last a destination is still said
// to miss it: it is tried again every minute.
const keyMissedFor = 10 * time.Minute

// rateGrace leaves the youngest hour out of a rate: what was written just now waits.
const rateGrace = time.Hour

// Snapshots is how every destination stands, as alerts are judged from it.
func (s *Store) Snapshots(ctx context.Context, bounds forward.Thresholds) ([]forward.Snapshot, error) {
	all, err := s.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	out := make([]forward.Snapshot, 0, len(all))
	for _, r := range all {
		d := r.Destination
		if !mayApp(ctx, d.AppID) {
			continue
		}
		one := forward.Snapshot{DestinationID: d.ID, Enabled: d.Enabled && r.DisabledBy == ""}
		switch state, reason := r.State(); state {
		case forward.DestinationDisabled:
			one.Disabled, one.DisabledSince = reason, r.Since
		case forward.DestinationPaused:
			one.Paused, one.PausedSince = reason, r.Since
		case forward.DestinationOpen:
			one.Failing, one.FailingSince = true, r.Breaker.FailingSince
		}
		if !r.KeyMissingAt.IsZero() && now.Sub(r.KeyMissingAt) < keyMissedFor {
			one.KeyMissing, one.KeyMissedSince = "it has no secret to sign with: "+secretName(d), r.KeyMissingAt
		}
		if err := s.fillSnapshot(ctx, d, bounds, now, &one); err != nil {
			return nil, fmt.Errorf("how destination %s stands: %w", d.ID, err)
		}
		out = append(out, one)
	}
	return out, nil
}

func secretName(d forward.Destination) string {
	switch {
	case d.SecretEnv != "":
		return d.SecretEnv + " is not set"
	case d.OAuth != nil:
		return d.OAuth.SecretEnv + " is not set"
	}
	return "none was given"
}

func (s *Store) fillSnapshot(ctx context.Context, d forward.Destination, bounds forward.Thresholds, now time.Time, one *forward.Snapshot) (err error) {
	const held = `SELECT COUNT(*) AS n, MIN(created_at) AS since FROM outbox WHERE app_id = ? AND destination_id = ? AND state = 'held'`
	var row struct {
		N     int64  `db:"n"`
		Since *int64 `db:"since"`
	}
	if err := s.main.r.GetContext(ctx, &row, s.main.q(held), d.AppID, d.ID); err != nil {
		return err
	}
	if one.Held = row.N; row.Since != nil {
		one.HeldSince = at(*row.Since)
	}
	if one.OldestDue, err = s.oldestDue(ctx, d.AppID, d.ID); err != nil {
		return err
	}
	to := hourOf(ms(now.Add(-rateGrace)))
	hours, err := s.hours(ctx, d.AppID, d.ID, to-bounds.Span.Milliseconds(), to)
	if err != nil {
		return err
	}
	for _, h := range hours {
		one.Tally.Add(h.Tally)
	}
	return nil
}

// Alerts judges how every destination stands now, and tells which alarms of the model stand.
func (s *Store) Alerts(ctx context.Context, bounds forward.Thresholds) ([]forward.Alert, error) {
	all, err := s.Snapshots(ctx, bounds)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	model, err := s.modelAlerts(ctx)
	if err != nil {
		return nil, err
	}
	return append(forward.Alerts(all, bounds, s.clock.Now()), model...), nil
}
