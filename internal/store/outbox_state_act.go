package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/forward"
)

// What an operator does to a destination, as the audit log calls it.
const (
	ActDestinationResume  = "destination.resume"
	ActDestinationEnable  = "destination.enable"
	ActDestinationDisable = "destination.disable"
)

const disabledUntold = "an operator disabled it"

var (
	// ErrNoDestination says that no destination has the id.
	ErrNoDestination = errors.New("no such destination")
	// ErrDestinationDisabled says that a resumption is not enough.
	ErrDestinationDisabled = errors.New("the destination is disabled")
	// ErrDestinationOff says that the definition itself has enabled: false.
	ErrDestinationOff = errors.New("the destination's definition has enabled: false")
)

// DestinationStanding is how a destination stands, as operators see it.
type DestinationStanding struct {
	State        forward.DestinationState `json:"state"` // active, open, paused, disabled, off
	Reason       string                   `json:"reason"`
	Since        *time.Time               `json:"since"`                    // null: never changed
	NextProbe    *time.Time               `json:"next_probe"`               // of an open breaker
	DisabledBy   string                   `json:"disabled_by,omitempty"`    // the operator; absent: skand
	KeyMissingAt *time.Time               `json:"key_missing_at,omitempty"` // when its secret was last missing
}

func standingOf(r forward.Registered) DestinationStanding {
	s := DestinationStanding{Since: timeOrNil(r.Since), DisabledBy: r.DisabledBy, KeyMissingAt: timeOrNil(r.KeyMissingAt)}
	s.State, s.Reason = r.State()
	if s.State == forward.DestinationOpen {
		s.NextProbe = timeOrNil(r.Breaker.ProbeAt)
	}
	return s
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// DestinationActed is what an operator's act did.
type DestinationActed struct {
	ID string `json:"id"`
	DestinationStanding
	Deliveries int `json:"deliveries"` // that waited for it and are due now
}

// ActOnDestination resumes, enables or disables a destination (one of the acts above)
// and tells the audit log. Resuming ends a pause and closes the breaker; enabling also
// ends what disabled it. Both make due at once what waited for it. Doing it twice is no
// error. reason is the operator's, for disabling; "" says only that it was one.
func (s *Store) ActOnDestination(ctx context.Context, id, action, reason string) (done DestinationActed, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		done, err = s.actOnDestination(ctx, t, id, action, reason)
		return err
	})
	if err != nil {
		return DestinationActed{}, fmt.Errorf("%s %q: %w", action, id, err)
	}
	return done, nil
}

func (s *Store) actOnDestination(ctx context.Context, t *tx, id, action, reason string) (done DestinationActed, err error) {
	if !fitsText(id) {
		return done, ErrNoDestination
	}
	r, ok, err := readDestination(ctx, t, id, t.forUpdate())
	if err == nil && !ok {
		err = ErrNoDestination
	}
	if err != nil {
		return done, err
	}
	by, now := actor(ctx, "store"), at(ms(s.clock.Now()))
	was, standing := r, r.Standing()
	switch {
	case action == ActDestinationDisable && r.DisabledBy != "": // it is
	case action == ActDestinationDisable:
		reason = cmp.Or(reason, disabledUntold)
		standing = standing.Disabled(by.Who, reason, now)
	case !r.Destination.Enabled:
		return done, ErrDestinationOff
	case action == ActDestinationEnable:
		standing = standing.Enabled(now)
	case r.DisabledReason != "":
		return done, ErrDestinationDisabled
	default:
		standing = standing.Resumed(now)
	}
	r = r.With(standing)
	if err := saveStanding(ctx, t, id, standing); err != nil {
		return done, err
	}
	if action != ActDestinationDisable {
		if done.Deliveries, err = dueAtOnce(ctx, t, r.Destination.AppID, id, now, true); err != nil {
			return done, err
		}
	}
	done.ID, done.DestinationStanding = id, standingOf(r)
	before, why := was.State()
	return done, audit(ctx, t, by, now, act{action, r.Destination.AppID, "destination " + id, map[string]any{
		"was": before, "was_reason": why, "state": done.State, "reason": reason, "deliveries": done.Deliveries,
	}})
}

// destinationDefinitions is the part of Definitions that destinations have more of.
func (s *Store) destinationDefinitions(ctx context.Context, cursor string, limit int) ([]Definition, string, error) {
	var rows []destinationRow
	err := s.main.r.SelectContext(ctx, &rows, s.main.q(selectDestination+` WHERE id > ?`+onlyGranted(ctx, "app_id")+` ORDER BY id LIMIT ?`), cursor, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list destinations: %w", err)
	}
	all, err := registered(rows)
	if err != nil {
		return nil, "", fmt.Errorf("list destinations: %w", err)
	}
	out := make([]Definition, len(all))
	for i, r := range all {
		standing := standingOf(r)
		out[i] = Definition{
			ID: r.Destination.ID, UpdatedAt: r.UpdatedAt, Definition: json.RawMessage(rows[i].Definition), DestinationStanding: &standing,
		}
	}
	out, next := page(out, limit, func(d Definition) string { return d.ID })
	return out, next, nil
}
