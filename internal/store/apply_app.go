package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/aggregate"
	"skand/internal/apply"
)

func (a *applier) app(ctx context.Context, app *apply.App) error {
	a.appID = app.AppID
	defer func() { a.appID = 0 }()
	what := fmt.Sprintf("app %d", app.AppID)
	def, err := appDefinition(*app)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	old, known, err := definition(ctx, a.t, "app", "app_id", app.AppID)
	if err != nil {
		return err
	}
	a.note(what, action(known, !sameApp(old, def)), "")
	const text = `INSERT INTO app (app_id, definition, trust_development, updated_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (app_id) DO UPDATE SET definition = excluded.definition,
			trust_development = excluded.trust_development, updated_at = excluded.updated_at`
	if _, err := a.t.ExecContext(ctx, a.t.q(text), app.AppID, def, app.TrustDevelopment, ms(a.now)); err != nil {
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
		if history[len(history)-1].Equal(want) {
			return nil
		}
		current := aggregate.InForce(history, a.now)
		boundary := aggregate.NextEffective(current, want, a.now)
		if _, err := a.t.ExecContext(ctx, a.t.q(`DELETE FROM app_setting WHERE app_id = ? AND effective_from > ?`), appID, ms(a.now)); err != nil {
			return fmt.Errorf("settings of app %d: %w", appID, err)
		}
		if current.Equal(want) {
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

// schema publishes a version if the document differs from the newest one.
func (a *applier) schema(ctx context.Context, app *apply.App) error {
	what := fmt.Sprintf("schema of app %d", app.AppID)
	doc, err := app.Document()
	if err != nil || doc == nil {
		return err
	}
	done, err := publish(ctx, a.t, newVersion{
		appID: app.AppID, document: doc, from: app.SchemaEffectiveFrom, by: a.who, action: ActPublish, why: "applied",
	}, a.now)
	var same *SameVersion
	var bad *BadEffective
	switch {
	case errors.As(err, &same):
		a.note(what, "same", versionName(same.Version))
	case errors.As(err, &bad):
		return apply.Refuse(fmt.Errorf("%s: schema_effective_from: %w", what, bad))
	case err != nil:
		return err
	default:
		a.note(what, action(done.Version > 1, true), fmt.Sprintf("%s, from %s", versionName(done.Version), done.EffectiveFrom.Format(time.RFC3339)))
	}
	return nil
}
