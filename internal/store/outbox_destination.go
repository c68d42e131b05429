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
	DisabledReason  string `db:"disabled_reason"`
	TemplateVersion int    `db:"template_version"`
	UpdatedAt       int64  `db:"updated_at"`
}

const selectDestination = `SELECT id, app_id, definition, disabled_reason, template_version, updated_at FROM destination`

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
		r := forward.Registered{
			TemplateVersion: row.TemplateVersion, DisabledReason: row.DisabledReason, UpdatedAt: at(row.UpdatedAt),
		}
		if err := json.Unmarshal([]byte(row.Definition), &r.Destination); err != nil {
			return nil, fmt.Errorf("stored destination %q: %w", row.ID, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// SaveDestination writes a destination, which the caller has validated, and
// reports whether it differs from what was there. A change clears what skand
// itself disabled, and deliveries that were held or gone are due at once.
func (s *Store) SaveDestination(ctx context.Context, d forward.Destination, now time.Time) (changed bool, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		changed, err = saveDestination(ctx, t, d, now)
		return err
	})
	return changed, err
}

func saveDestination(ctx context.Context, t *tx, d forward.Destination, now time.Time) (changed bool, err error) {
	const (
		upsert = `INSERT INTO destination (id, app_id, definition, enabled, disabled_reason, template_version, updated_at)
			VALUES (?, ?, ?, ?, '', 1, ?)
			ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, enabled = excluded.enabled,
				disabled_reason = '', template_version = destination.template_version + 1, updated_at = excluded.updated_at`
		resume = `UPDATE outbox SET state = 'pending', due_at = ?, settled_at = NULL
			WHERE app_id = ? AND destination_id = ? AND state IN ('held', 'gone')`
	)
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
	if _, err := t.ExecContext(ctx, t.q(upsert), d.ID, d.AppID, string(definition), d.Enabled, ms(now)); err != nil {
		return false, fmt.Errorf("save destination %q: %w", d.ID, err)
	}
	if _, err := t.ExecContext(ctx, t.q(resume), ms(now), d.AppID, d.ID); err != nil {
		return false, fmt.Errorf("release what destination %q held: %w", d.ID, err)
	}
	return true, nil
}
