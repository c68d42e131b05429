package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"skand/aggregate"
	"skand/internal/apply"
)

func (a *applier) app(ctx context.Context, app *apply.App) error {
	what := fmt.Sprintf("app %d", app.AppID)
	lean := *app
	lean.Schema = nil // kept as versions of its own
	def, err := json.Marshal(lean)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	old, known, err := definition(ctx, a.t, "app", "app_id", app.AppID)
	if err != nil {
		return err
	}
	a.note(what, action(known, old != string(def)), "")
	const text = `INSERT INTO app (app_id, definition, trust_development, updated_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (app_id) DO UPDATE SET definition = excluded.definition,
			trust_development = excluded.trust_development, updated_at = excluded.updated_at`
	if _, err := a.t.ExecContext(ctx, a.t.q(text), app.AppID, string(def), app.TrustDevelopment, ms(a.now)); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := a.settings(ctx, app.AppID, app.Settings()); err != nil {
		return err
	}
	return a.schema(ctx, app)
}

// settings keeps the history: the first holds from the beginning, a change from
// the next window not yet begun. A change that had not come into force is replaced.
func (a *applier) settings(ctx context.Context, appID int64, want aggregate.Settings) error {
	history, err := settingsHistory(ctx, a.t, appID)
	if err != nil {
		return err
	}
	from := int64(0)
	if len(history) > 0 {
		if history[len(history)-1].Settings == want {
			return nil
		}
		current := aggregate.InForce(history, a.now)
		boundary := aggregate.NextEffective(current, want, a.now)
		if _, err := a.t.ExecContext(ctx, a.t.q(`DELETE FROM app_setting WHERE app_id = ? AND effective_from > ?`), appID, ms(a.now)); err != nil {
			return fmt.Errorf("settings of app %d: %w", appID, err)
		}
		if current == want {
			a.note(fmt.Sprintf("app %d settings", appID), "update", "the change that was waiting is withdrawn")
			return nil
		}
		from = ms(boundary)
		a.note(fmt.Sprintf("app %d settings", appID), "update", "from "+boundary.Format(time.RFC3339)+", the next window not yet begun")
	}
	value, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("settings of app %d: %w", appID, err)
	}
	const text = `INSERT INTO app_setting (app_id, effective_from, settings) VALUES (?, ?, ?)`
	if _, err := a.t.ExecContext(ctx, a.t.q(text), appID, from, string(value)); err != nil {
		return fmt.Errorf("settings of app %d: %w", appID, err)
	}
	return nil
}

func settingsHistory(ctx context.Context, t *tx, appID int64) ([]aggregate.SettingsAt, error) {
	var rows []struct {
		From     int64  `db:"effective_from"`
		Settings string `db:"settings"`
	}
	const text = `SELECT effective_from, settings FROM app_setting WHERE app_id = ? ORDER BY effective_from`
	if err := t.SelectContext(ctx, &rows, t.q(text), appID); err != nil {
		return nil, fmt.Errorf("settings of app %d: %w", appID, err)
	}
	history := make([]aggregate.SettingsAt, len(rows))
	for i, r := range rows {
		history[i].EffectiveFrom = at(r.From)
		if err := json.Unmarshal([]byte(r.Settings), &history[i].Settings); err != nil {
			return nil, fmt.Errorf("settings of app %d: %w", appID, err)
		}
	}
	return history, nil
}

// undecodeSQL lets a first schema decode what was kept without one. Sealed rows
// stay as they are, and so do those of windows that were carried.
const undecodeSQL = `
UPDATE counted_postback SET decoded_at = NULL
WHERE app_id = ? AND schema_version = 0 AND sealed_in IS NULL AND counted_at >= COALESCE((
  SELECT MAX(l.window_end) FROM release_ledger l
  WHERE l.app_id = counted_postback.app_id AND l.sequence_index = counted_postback.sequence_index
    AND l.kind = counted_postback.kind AND l.environment = counted_postback.environment), 0)`

// schema publishes a version if the document differs from the current one.
func (a *applier) schema(ctx context.Context, app *apply.App) error {
	what := fmt.Sprintf("schema of app %d", app.AppID)
	doc, err := app.Document()
	if err != nil || doc == nil {
		return err
	}
	text, err := doc.Canonical()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	versions, err := schemaVersions(ctx, a.t, app.AppID)
	if err != nil {
		return err
	}
	from := a.now
	if app.SchemaEffectiveFrom != nil {
		from = *app.SchemaEffectiveFrom
	}
	next := 1
	if n := len(versions); n > 0 {
		current, err := versions[n-1].Document.Canonical()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if compact(current) == compact(text) {
			a.note(what, "same", fmt.Sprintf("version %d", versions[n-1].Version))
			return nil
		}
		if !from.After(versions[n-1].EffectiveFrom) {
			return apply.Refuse(fmt.Errorf("%s: schema_effective_from: %s is not after version %d, which takes effect at %s; give a later time",
				what, from.Format(time.RFC3339), versions[n-1].Version, versions[n-1].EffectiveFrom.Format(time.RFC3339)))
		}
		if from.Before(a.now) {
			return apply.Refuse(fmt.Errorf("%s: schema_effective_from: %s is in the past; postbacks have been decoded since: give now or a later time",
				what, from.Format(time.RFC3339)))
		}
		next = versions[n-1].Version + 1
	}
	const insert = `INSERT INTO schema_version (app_id, version, effective_from, published_at, published_by, document) VALUES (?, ?, ?, ?, ?, ?)`
	if _, err := a.t.ExecContext(ctx, a.t.q(insert), app.AppID, next, ms(from), ms(a.now), a.by, string(text)); err != nil {
		return fmt.Errorf("publish %s: %w", what, err)
	}
	a.note(what, action(next > 1, true), fmt.Sprintf("version %d, from %s", next, from.Format(time.RFC3339)))
	if _, err := a.t.ExecContext(ctx, a.t.q(undecodeSQL), app.AppID); err != nil {
		return fmt.Errorf("decode again with %s: %w", what, err)
	}
	return nil
}
