package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
	"skand/internal/apply"
	"skand/skan"
)

// Change is one thing that an apply did, or would do.
type Change struct {
	What   string `json:"what"`   // "app 525463029"
	Action string `json:"action"` // create, update, same, warn
	Detail string `json:"detail,omitempty"`
	appID  int64  // the app that it concerns; 0: no single one
}

// ActionWarn is the action of a Change that is none: what deserves a look.
const ActionWarn = "warn"

// errDryRun rolls a dry run back.
var errDryRun = errors.New("dry run")

// Apply stores a bundle in one transaction and tells what changed. It is
// idempotent. A dry run stores nothing and tells the same. by is who applies where
// nobody authenticated, as of a command on the store itself.
func (s *Store) Apply(ctx context.Context, b *apply.Bundle, by string, dry bool) ([]Change, error) {
	var changes []Change
	err := s.main.in(ctx, func(t *tx) error {
		a := &applier{s: s, t: t, who: actor(ctx, by), now: s.clock.Now()}
		if err := a.all(ctx, b); err != nil {
			return err
		}
		if err := a.audit(ctx); err != nil {
			return err
		}
		changes = a.changes
		if dry {
			return errDryRun
		}
		return s.publishNames(ctx, b.Networks)
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	return changes, nil
}

type applier struct {
	s       *Store
	t       *tx
	who     Actor
	now     time.Time
	appID   int64 // whose part of the bundle is at work; 0: no app's
	changes []Change
}

func (a *applier) note(what, action, detail string) {
	a.changes = append(a.changes, Change{What: what, Action: action, Detail: detail, appID: a.appID})
}

// audit tells of what changed: a line for each app, and one for what is no single
// app's. A bundle that changed nothing was no write.
func (a *applier) audit(ctx context.Context) error {
	changed := map[int64][]Change{}
	for _, c := range a.changes {
		if c.Action != "same" && c.Action != ActionWarn {
			changed[c.appID] = append(changed[c.appID], c)
		}
	}
	for _, appID := range slices.Sorted(maps.Keys(changed)) {
		object := "configuration"
		if appID != 0 {
			object = fmt.Sprintf("app %d", appID)
		}
		err := audit(ctx, a.t, a.who, a.now, act{ActApply, appID, object, map[string]any{"changes": changed[appID]}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) all(ctx context.Context, b *apply.Bundle) error {
	allow, err := allowPrivate(ctx, a.t)
	if err != nil {
		return err
	}
	if err := b.Check(allow); err != nil {
		return err
	}
	if b.Forward != nil {
		if err := a.forward(ctx, b.Forward); err != nil {
			return err
		}
	}
	for i := range b.Networks {
		if err := a.network(ctx, &b.Networks[i]); err != nil {
			return err
		}
	}
	if err := a.rates(ctx, b.Rates); err != nil {
		return err
	}
	for i := range b.Apps {
		if err := a.app(ctx, &b.Apps[i]); err != nil {
			return err
		}
	}
	for i, k := range b.TrustedKeys {
		if k.Environment == string(skan.Production) && !a.s.lab {
			return apply.Refuse(fmt.Errorf("trusted_keys[%d].environment: production keys other than Apple's work only in a lab (a data store created with --lab); use development", i))
		}
		if err := a.trustedKey(ctx, k); err != nil {
			return err
		}
	}
	if err := a.keysFit(ctx, b); err != nil {
		return err
	}
	for _, d := range b.Destinations {
		_, known, err := definition(ctx, a.t, "destination", "id", d.ID)
		if err != nil {
			return err
		}
		changed, err := saveDestination(ctx, a.t, d, a.now)
		if err != nil {
			return err
		}
		a.appID = d.AppID
		a.note("destination "+d.ID, action(known, changed), "")
		for _, w := range d.Warnings() {
			a.note("destination "+d.ID, ActionWarn, strings.TrimPrefix(w, fmt.Sprintf("destination %q: ", d.ID)))
		}
		if err := a.secrets(ctx, d, b); err != nil {
			return err
		}
	}
	return nil
}

func action(known, changed bool) string {
	switch {
	case !known:
		return "create"
	case changed:
		return "update"
	default:
		return "same"
	}
}

// definition reads the stored definition of a configured thing. table and column
// are names of ours, never a user's.
func definition(ctx context.Context, t *tx, table, column string, id any) (string, bool, error) {
	var text string
	err := t.GetContext(ctx, &text, t.q(`SELECT definition FROM `+table+` WHERE `+column+` = ?`), id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look up %s %v: %w", table, id, err)
	}
	return text, true, nil
}

func (a *applier) forward(ctx context.Context, f *apply.Forward) error {
	value, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	var old string
	err = a.t.GetContext(ctx, &old, `SELECT value FROM forward_setting WHERE name = 'forward'`)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("forward: %w", err)
	}
	known := err == nil
	const text = `INSERT INTO forward_setting (name, value) VALUES ('forward', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	if _, err := a.t.ExecContext(ctx, a.t.q(text), string(value)); err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	a.note("forward", action(known, old != string(value)), "")
	return nil
}

func allowPrivate(ctx context.Context, t *tx) ([]netip.Prefix, error) {
	var text string
	err := t.GetContext(ctx, &text, `SELECT value FROM forward_setting WHERE name = 'forward'`)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the allow-list: %w", err)
	}
	var f apply.Forward
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return nil, fmt.Errorf("read the allow-list: %w", err)
	}
	return f.Prefixes()
}

// AllowPrivate lists the private networks that destinations may be in.
func (s *Store) AllowPrivate(ctx context.Context) ([]netip.Prefix, error) {
	var out []netip.Prefix
	err := s.main.in(ctx, func(t *tx) error {
		var err error
		out, err = allowPrivate(ctx, t)
		return err
	})
	return out, err
}

func (a *applier) network(ctx context.Context, n *apply.Network) error {
	def, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("network %s: %w", n.NetworkID, err)
	}
	old, known, err := definition(ctx, a.t, "network", "network_id", n.NetworkID)
	if err != nil {
		return err
	}
	a.note("network "+n.NetworkID, action(known, old != string(def)), "")
	const text = `INSERT INTO network (network_id, definition, updated_at) VALUES (?, ?, ?)
		ON CONFLICT (network_id) DO UPDATE SET definition = excluded.definition, updated_at = excluded.updated_at`
	if _, err := a.t.ExecContext(ctx, a.t.q(text), n.NetworkID, string(def), ms(a.now)); err != nil {
		return fmt.Errorf("network %s: %w", n.NetworkID, err)
	}
	if _, err := a.t.ExecContext(ctx, a.t.q(`DELETE FROM network_alias WHERE network_id = ?`), n.NetworkID); err != nil {
		return fmt.Errorf("network %s: aliases: %w", n.NetworkID, err)
	}
	for _, alias := range n.Aliases {
		const text = `INSERT INTO network_alias (alias, network_id) VALUES (?, ?)
			ON CONFLICT (alias) DO UPDATE SET network_id = excluded.network_id`
		if _, err := a.t.ExecContext(ctx, a.t.q(text), strings.ToLower(alias), n.NetworkID); err != nil {
			return fmt.Errorf("network %s: alias %s: %w", n.NetworkID, alias, err)
		}
	}
	return a.shortForm(ctx, n)
}

// shortForm keeps the history: a change applies from the next week, which is the
// next window not yet begun of every app.
func (a *applier) shortForm(ctx context.Context, n *apply.Network) error {
	want := n.ShortForm
	if want == "" {
		want = aggregate.ShortLast
	}
	var now string
	const latest = `SELECT short_form FROM network_setting WHERE network_id = ? ORDER BY effective_from DESC LIMIT 1`
	err := a.t.GetContext(ctx, &now, a.t.q(latest), n.NetworkID)
	from := int64(0)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return fmt.Errorf("network %s: short_form: %w", n.NetworkID, err)
	case now == want:
		return nil
	default:
		boundary := aggregate.WindowAt(aggregate.Week, a.now).End
		from = ms(boundary)
		a.note("network "+n.NetworkID+" short_form", "update", "from "+boundary.Format(time.RFC3339))
	}
	const text = `INSERT INTO network_setting (network_id, effective_from, short_form) VALUES (?, ?, ?)
		ON CONFLICT (network_id, effective_from) DO UPDATE SET short_form = excluded.short_form`
	if _, err := a.t.ExecContext(ctx, a.t.q(text), n.NetworkID, from, want); err != nil {
		return fmt.Errorf("network %s: short_form: %w", n.NetworkID, err)
	}
	return nil
}

func (a *applier) trustedKey(ctx context.Context, k apply.TrustedKey) error {
	var old apply.TrustedKey
	row := a.t.QueryRowxContext(ctx, a.t.q(`SELECT name, kid, spki, environment FROM trusted_key WHERE name = ?`), k.Name)
	err := row.Scan(&old.Name, &old.KID, &old.SPKI, &old.Environment)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("trusted key %s: %w", k.Name, err)
	}
	a.note("trusted key "+k.Name, action(err == nil, old != k), "")
	const text = `INSERT INTO trusted_key (name, kid, spki, environment, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET kid = excluded.kid, spki = excluded.spki,
			environment = excluded.environment, updated_at = excluded.updated_at`
	if _, err := a.t.ExecContext(ctx, a.t.q(text), k.Name, k.KID, k.SPKI, k.Environment, ms(a.now)); err != nil {
		return fmt.Errorf("trusted key %s: %w", k.Name, err)
	}
	return nil
}

// keysFit refuses keys that can't stand beside those of earlier bundles, such as a
// kid that is taken: the verifier could be built no more.
func (a *applier) keysFit(ctx context.Context, b *apply.Bundle) error {
	if len(b.TrustedKeys) == 0 {
		return nil
	}
	keys, err := trustedKeys(ctx, a.t)
	if err != nil {
		return err
	}
	if _, err := skan.AppleKeys().With(keys...); err != nil {
		return apply.Refuse(fmt.Errorf("trusted_keys: %w", err))
	}
	return nil
}

// TrustedKeys lists the keys that are trusted beside Apple's.
func (s *Store) TrustedKeys(ctx context.Context) ([]skan.TrustedKey, error) {
	return trustedKeys(ctx, s.main.r)
}

func trustedKeys(ctx context.Context, from sqlx.QueryerContext) ([]skan.TrustedKey, error) {
	var rows []struct {
		Name        string `db:"name"`
		KID         string `db:"kid"`
		SPKI        string `db:"spki"`
		Environment string `db:"environment"`
	}
	if err := sqlx.SelectContext(ctx, from, &rows, `SELECT name, kid, spki, environment FROM trusted_key ORDER BY name`); err != nil {
		return nil, fmt.Errorf("list trusted keys: %w", err)
	}
	keys := make([]skan.TrustedKey, len(rows))
	for i, r := range rows {
		keys[i] = skan.TrustedKey{Name: r.Name, KID: r.KID, SPKI: r.SPKI, Environment: skan.Environment(r.Environment)}
	}
	return keys, nil
}

// compact is JSON without white space, for comparing documents.
func compact(b []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return string(b)
	}
	return out.String()
}
