package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/conversion"
	"skand/skan"
)

// Save implements conversion.Receipts.
func (s *Store) Save(ctx context.Context, copies []conversion.Copy) ([]conversion.Outcome, error) {
	outcomes := make([]conversion.Outcome, len(copies))
	err := s.main.in(ctx, func(t *tx) error {
		for i := range copies {
			o, err := saveCopy(ctx, t, &copies[i], s.clock.Now())
			if err != nil {
				return err
			}
			outcomes[i] = o
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("keep postbacks: %w", err)
	}
	return outcomes, nil
}

func saveCopy(ctx context.Context, t *tx, c *conversion.Copy, now time.Time) (conversion.Outcome, error) {
	trusts := false
	if c.Result.Verdict == skan.Develop {
		var err error
		trusts, err = trustsDevelopment(ctx, t, c.AppID())
		if err != nil {
			return conversion.Outcome{}, err
		}
	}
	st := conversion.Stand(&c.Result, trusts)
	if !st.Claims {
		return conversion.Outcome{State: st.State, Reason: st.Reason}, insertCopy(ctx, t, c, st.State, st.Reason, nil)
	}
	o := conversion.Outcome{State: conversion.Accepted}
	first, err := claimIdentity(ctx, t, c, st.Environment)
	if err != nil {
		return o, err
	}
	var differs []string
	if first {
		if err := insertCounted(ctx, t, c, st.Environment, now); err != nil {
			return o, err
		}
	} else {
		m, err := meet(ctx, t, c, st.Environment)
		if err != nil {
			return o, err
		}
		o.State, differs = m.State, m.Differs
		if m.TakeOver {
			o.Reason = "better_source"
		}
	}
	return o, insertCopy(ctx, t, c, o.State, o.Reason, differs)
}

func trustsDevelopment(ctx context.Context, t *tx, appID int64) (bool, error) {
	var trusts bool
	err := t.GetContext(ctx, &trusts, t.q(`SELECT trust_development FROM app WHERE app_id = ?`), appID)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up app %d: %w", appID, err)
	}
	return trusts, nil
}

const claimIdentitySQL = `
INSERT INTO postback_identity (app_id, environment, identity, first_seen) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING RETURNING first_seen`

// claimIdentity reports whether this copy is the first of its identity, ever.
// RETURNING is what counts; a concurrent claim of the same one waits here.
func claimIdentity(ctx context.Context, t *tx, c *conversion.Copy, env skan.Environment) (bool, error) {
	var seen int64
	err := t.GetContext(ctx, &seen, t.q(claimIdentitySQL),
		c.AppID(), env, c.Result.Identity.Hash(), ms(c.ReceivedAt))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claim identity: %w", err)
	}
	return true, nil
}

const insertCountedSQL = `
INSERT INTO counted_postback (app_id, environment, identity, copy_id, source, counted_at, received_at,
  framework, version, network_id, sequence_index, kind, id_kind, source_id, redownload,
  fine, coarse, country, interaction,
  value_kind, state, flags, schema_version, payer, revenue_min, revenue_est)
VALUES (:app_id, :environment, :identity, :copy_id, :source, :counted_at, :received_at,
  :framework, :version, :network_id, :sequence_index, :kind, :id_kind, :source_id, :redownload,
  :fine, :coarse, :country, :interaction,
  '', '', '', 0, FALSE, '0', '0')`

func insertCounted(ctx context.Context, t *tx, c *conversion.Copy, env skan.Environment, now time.Time) error {
	p := c.Result.Postback
	kind := conversion.KindOf(p)
	countedAt := now
	if c.Archived {
		open, err := windowOpen(ctx, t, p, kind, env, c.ReceivedAt)
		if err != nil {
			return err
		}
		if open {
			countedAt = c.ReceivedAt
		}
	}
	v := conversion.ValuesOf(p)
	idKind, id := conversion.Identifier(p)
	_, err := sqlx.NamedExecContext(ctx, t, insertCountedSQL, map[string]any{
		"app_id": p.AppID, "environment": env, "identity": c.Result.Identity.Hash(), "copy_id": c.ID,
		"source": c.Source, "counted_at": ms(countedAt), "received_at": ms(c.ReceivedAt),
		"framework": p.Framework, "version": p.Version, "network_id": p.NetworkKey(),
		"sequence_index": p.SequenceIndex, "kind": kind, "id_kind": idKind, "source_id": id,
		"redownload": p.ConversionType == skan.ConversionRedownload,
		"fine":       v.Fine, "coarse": v.Coarse, "country": v.Country, "interaction": v.Interaction,
	})
	if err != nil {
		return fmt.Errorf("count postback: %w", err)
	}
	return nil
}

const sealedUntilSQL = `
SELECT COALESCE(MAX(window_end), 0) FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND release_kind = 'base'`

// windowOpen reports whether the window of an archived arrival is not sealed yet;
// if it is, the postback counts now, in the next open window.
func windowOpen(ctx context.Context, t *tx, p *skan.Postback, kind conversion.Kind, env skan.Environment, arrived time.Time) (bool, error) {
	var until int64
	err := t.GetContext(ctx, &until, t.q(sealedUntilSQL), p.AppID, p.SequenceIndex, kind, env)
	if err != nil {
		return false, fmt.Errorf("look up sealed windows: %w", err)
	}
	return ms(arrived) >= until, nil
}

type countedValues struct {
	Source      conversion.Source `db:"source"`
	Fine        *int              `db:"fine"`
	Coarse      string            `db:"coarse"`
	Country     string            `db:"country"`
	Interaction string            `db:"interaction"`
	SealedIn    *string           `db:"sealed_in"`
}

const countedValuesSQL = `
SELECT source, fine, coarse, country, interaction, sealed_in FROM counted_postback
WHERE app_id = ? AND environment = ? AND identity = ?`

const takeOverSQL = `
UPDATE counted_postback SET copy_id = ?, source = ?, received_at = ?, fine = ?, coarse = ?, country = ?,
  interaction = ?, decoded_at = NULL
WHERE app_id = ? AND environment = ? AND identity = ? AND sealed_in IS NULL`

const raiseSQL = `
UPDATE counted_postback SET source = ? WHERE app_id = ? AND environment = ? AND identity = ? AND sealed_in IS NULL`

// meet compares a later copy with the one that counts, under its lock, and lets
// the better source's values count while the window is open.
func meet(ctx context.Context, t *tx, c *conversion.Copy, env skan.Environment) (conversion.Meeting, error) {
	key := []any{c.AppID(), env, c.Result.Identity.Hash()}
	var row countedValues
	err := t.GetContext(ctx, &row, t.q(countedValuesSQL+t.forUpdate()), key...)
	if errors.Is(err, sql.ErrNoRows) {
		// Retention has taken the counted row; the identity stays, so this is a replay.
		return conversion.Meeting{State: conversion.Duplicate}, nil
	}
	if err != nil {
		return conversion.Meeting{}, fmt.Errorf("look up counted postback: %w", err)
	}
	counted := conversion.Values{Fine: row.Fine, Coarse: row.Coarse, Country: row.Country, Interaction: row.Interaction}
	v := conversion.ValuesOf(c.Result.Postback)
	m := conversion.Meet(counted, row.Source, row.SealedIn != nil, v, c.Source)
	switch {
	case m.TakeOver:
		args := append([]any{c.ID, c.Source, ms(c.ReceivedAt), v.Fine, v.Coarse, v.Country, v.Interaction}, key...)
		_, err = t.ExecContext(ctx, t.q(takeOverSQL), args...)
	case m.Raise:
		_, err = t.ExecContext(ctx, t.q(raiseSQL), append([]any{c.Source}, key...)...)
	}
	if err != nil {
		return m, fmt.Errorf("let the better copy count: %w", err)
	}
	return m, nil
}

const insertCopySQL = `
INSERT INTO postback (app_id, received_at, id, source, relay, client, state, reason, field, framework,
  version, verdict, key_name, flags, identity, differs, body)
VALUES (:app_id, :received_at, :id, :source, :relay, :client, :state, :reason, :field, :framework,
  :version, :verdict, :key_name, :flags, :identity, :differs, :body)`

func insertCopy(ctx context.Context, t *tx, c *conversion.Copy, state conversion.State, reason string, differs []string) error {
	r := &c.Result
	var identity []byte
	if r.Identity != nil {
		identity = r.Identity.Hash()
	}
	_, err := sqlx.NamedExecContext(ctx, t, insertCopySQL, map[string]any{
		"app_id": c.AppID(), "received_at": ms(c.ReceivedAt), "id": c.ID, "source": c.Source, "relay": plain(c.Relay),
		"client": c.Client, "state": state, "reason": reason, "field": r.Field, "framework": r.Framework,
		"version": plain(r.Version), "verdict": r.Verdict, "key_name": plain(r.Key), "flags": strings.Join(r.Flags, " "),
		"identity": identity, "differs": strings.Join(differs, " "), "body": c.Body,
	})
	if err != nil {
		return fmt.Errorf("keep copy: %w", err)
	}
	return nil
}

// plain makes what a stranger wrote (a version, a kid) fit for a text column:
// PostgreSQL refuses NUL, and nobody needs more than a line of it.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > 128 {
		s = strings.ToValidUTF8(s[:128], "")
	}
	return s
}
