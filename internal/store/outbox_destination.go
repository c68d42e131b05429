package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/forward"
	"skand/internal/apply"
)

type destinationRow struct {
	ID              string `db:"id"`
	AppID           int64  `db:"app_id"`
	Definition      string `db:"definition"`
	TemplateVersion int    `db:"template_version"`
	UpdatedAt       int64  `db:"updated_at"`

	KeyMissingAt sql.NullInt64 `db:"key_missing_at"`
	standingRow
}

const selectDestination = `SELECT id, app_id, definition, template_version, updated_at, key_missing_at, ` + standingColumns + ` FROM destination`

// Destinations implements forward.Outbox.
func (s *Store) Destinations(ctx context.Context) ([]forward.Registered, error) {
	var rows []destinationRow
	if err := s.main.r.SelectContext(ctx, &rows, selectDestination+` ORDER BY id`); err != nil {
		return nil, fmt.Errorf("read destinations: %w", err)
	}
	return registered(rows)
}

// destinations reads an app's destinations inside a transaction, for routing.
func destinations(ctx context.Context, t *tx, appID int64) ([]forward.Destination, error) {
	var rows []destinationRow
	if err := t.SelectContext(ctx, &rows, t.q(selectDestination+` WHERE app_id = ? ORDER BY id`), appID); err != nil {
		return nil, fmt.Errorf("read destinations: %w", err)
	}
	all, err := registered(rows)
	if err != nil {
		return nil, err
	}
	out := make([]forward.Destination, 0, len(all))
	for _, r := range all {
		out = append(out, r.Destination)
	}
	return out, nil
}

func registered(rows []destinationRow) ([]forward.Registered, error) {
	out := make([]forward.Registered, 0, len(rows))
	for _, row := range rows {
		r, err := row.registered()
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (row destinationRow) registered() (forward.Registered, error) {
	r := forward.Registered{
		TemplateVersion: row.TemplateVersion, UpdatedAt: at(row.UpdatedAt), KeyMissingAt: atOrZero(row.KeyMissingAt),
	}
	if err := json.Unmarshal([]byte(row.Definition), &r.Destination); err != nil {
		return r, fmt.Errorf("stored destination %q: %w", row.ID, err)
	}
	standing, err := row.standing()
	if err != nil {
		return r, fmt.Errorf("stored destination %q: %w", row.ID, err)
	}
	return r.With(standing), nil
}

// SaveDestination writes a destination, which the caller has validated, and
// reports whether it differs from what was there. A change ends what skand itself
// stopped, and deliveries that waited for it are due at once.
func (s *Store) SaveDestination(ctx context.Context, d forward.Destination, now time.Time) (changed bool, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		changed, err = saveDestination(ctx, t, d, now)
		return err
	})
	return changed, err
}

func saveDestination(ctx context.Context, t *tx, d forward.Destination, now time.Time) (changed bool, err error) {
	const upsert = `INSERT INTO destination (id, app_id, definition, enabled, disabled_reason, template_version, updated_at)
		VALUES (?, ?, ?, ?, '', 1, ?)
		ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, enabled = excluded.enabled,
			template_version = destination.template_version + 1, updated_at = excluded.updated_at`
	d = d.WithDefaults()
	definition, err := json.Marshal(d)
	if err != nil {
		return false, fmt.Errorf("save destination %q: %w", d.ID, err)
	}
	var old destinationRow
	err = t.GetContext(ctx, &old, t.q(selectDestination+` WHERE id = ?`+t.forUpdate()), d.ID)
	switch {
	case err == nil && old.AppID != d.AppID:
		return false, apply.Refuse(fmt.Errorf("destination %q: app_id: is %d and cannot change, for its deliveries belong to that app; use another id", d.ID, old.AppID))
	case err == nil && old.Definition == string(definition):
		return false, nil
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return false, fmt.Errorf("save destination %q: %w", d.ID, err)
	}
	existed := err == nil
	if _, err := t.ExecContext(ctx, t.q(upsert), d.ID, d.AppID, string(definition), d.Enabled, ms(now)); err != nil {
		return false, fmt.Errorf("save destination %q: %w", d.ID, err)
	}
	if err := keepVersion(ctx, t, d, string(definition), old.TemplateVersion+1, now); err != nil {
		return false, err
	}
	if !existed {
		return true, nil
	}
	was, err := old.registered()
	if err != nil {
		return false, err
	}
	if err := saveStanding(ctx, t, d.ID, was.Standing().Edited(now)); err != nil {
		return false, err
	}
	state, _ := was.State()
	_, err = dueAtOnce(ctx, t, d.AppID, d.ID, now, state != forward.DestinationActive)
	if err != nil {
		return false, err
	}
	return true, nil
}
