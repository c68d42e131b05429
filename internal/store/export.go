package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/forward"
	"skand/internal/apply"
)

// Export reads, at one moment, everything that apply writes, as the bundle that
// apply would call the same. Of an app's schemas it holds the newest version, which
// is the one that apply compares with. There is no secret in it: what a
// destination signs with is named by its environment variable.
func (s *Store) Export(ctx context.Context) (*apply.Bundle, error) {
	var opts *sql.TxOptions // SQLite reads a snapshot as it is
	if s.main.dialect == postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	t, err := s.main.r.BeginTxx(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	defer func() { _ = t.Rollback() }() // it has only read
	b := &apply.Bundle{}
	if b.Apps, err = exportApps(ctx, t, s.clock.Now()); err != nil {
		return nil, err
	}
	if b.Networks, err = exportDefinitions[apply.Network](ctx, t, "network"); err != nil {
		return nil, err
	}
	if b.Destinations, err = exportDefinitions[forward.Destination](ctx, t, "destination"); err != nil {
		return nil, err
	}
	keys, err := trustedKeys(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		b.TrustedKeys = append(b.TrustedKeys, apply.TrustedKey{Name: k.Name, KID: k.KID, SPKI: k.SPKI, Environment: string(k.Environment)})
	}
	if b.Forward, err = exportForward(ctx, t); err != nil {
		return nil, err
	}
	if b.Rates, err = exportRates(ctx, t); err != nil {
		return nil, err
	}
	// By bytes, whatever the language of the database: the same store, the same files.
	slices.SortFunc(b.Networks, func(x, y apply.Network) int { return strings.Compare(x.NetworkID, y.NetworkID) })
	slices.SortFunc(b.Destinations, func(x, y forward.Destination) int { return strings.Compare(x.ID, y.ID) })
	slices.SortFunc(b.TrustedKeys, func(x, y apply.TrustedKey) int { return strings.Compare(x.Name, y.Name) })
	return b, nil
}

// exportDefinitions reads the stored definitions of a table, which is a name of ours.
func exportDefinitions[T any](ctx context.Context, from sqlx.QueryerContext, table string) ([]T, error) {
	var texts []string
	if err := sqlx.SelectContext(ctx, from, &texts, `SELECT definition FROM `+table); err != nil {
		return nil, fmt.Errorf("export %ss: %w", table, err)
	}
	out := make([]T, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, fmt.Errorf("export: stored %s %.80s: %w", table, text, err)
		}
	}
	return out, nil
}

// newestSchemasSQL is the newest version of every app.
const newestSchemasSQL = `
SELECT v.app_id, v.effective_from, v.document FROM schema_version v
WHERE v.version = (SELECT MAX(n.version) FROM schema_version n WHERE n.app_id = v.app_id)`

// exportApps gives each app with its newest schema. When that takes effect is said
// only while it lies ahead: a time that has passed would make apply refuse the
// files as soon as somebody edits the schema in them.
func exportApps(ctx context.Context, from sqlx.QueryerContext, now time.Time) ([]apply.App, error) {
	apps, err := exportDefinitions[apply.App](ctx, from, "app")
	if err != nil {
		return nil, err
	}
	var rows []struct {
		AppID         int64  `db:"app_id"`
		EffectiveFrom int64  `db:"effective_from"`
		Document      string `db:"document"`
	}
	if err := sqlx.SelectContext(ctx, from, &rows, newestSchemasSQL); err != nil {
		return nil, fmt.Errorf("export schemas: %w", err)
	}
	place := make(map[int64]int, len(apps))
	for i := range apps {
		apps[i].Schema, apps[i].SchemaEffectiveFrom = nil, nil
		place[apps[i].AppID] = i
	}
	for _, r := range rows {
		i, known := place[r.AppID]
		if !known {
			continue // nothing is published for an app that is not described
		}
		apps[i].Schema = json.RawMessage(r.Document)
		if effective := at(r.EffectiveFrom); effective.After(now) {
			apps[i].SchemaEffectiveFrom = &effective
		}
	}
	slices.SortFunc(apps, func(x, y apply.App) int { return cmp.Compare(x.AppID, y.AppID) })
	return apps, nil
}

func exportForward(ctx context.Context, from sqlx.QueryerContext) (*apply.Forward, error) {
	var text string
	err := sqlx.GetContext(ctx, from, &text, `SELECT value FROM forward_setting WHERE name = 'forward'`)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("export forward: %w", err)
	}
	f := &apply.Forward{}
	if err := json.Unmarshal([]byte(text), f); err != nil {
		return nil, fmt.Errorf("export forward: %w", err)
	}
	return f, nil
}

// appDefinition is an app as it is kept beside its schema versions. The document
// and the time it takes effect belong to the version, not to the app.
func appDefinition(app apply.App) (string, error) {
	app.Schema, app.SchemaEffectiveFrom = nil, nil
	text, err := json.Marshal(app)
	return string(text), err
}

// sameApp compares a stored definition, which may still hold the effective time of
// a version, with a new one.
func sameApp(was, wanted string) bool {
	if was == wanted {
		return true
	}
	var app apply.App
	if json.Unmarshal([]byte(was), &app) != nil {
		return false
	}
	text, err := appDefinition(app)
	return err == nil && text == wanted
}
