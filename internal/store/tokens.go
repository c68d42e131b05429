package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"skand/internal/auth"
)

var _ auth.TokenStore = (*Store)(nil)

// ErrNoSuchToken is returned for an id that no token has.
var ErrNoSuchToken = errors.New("no such token")

const selectToken = `SELECT token_id, name, role, scopes, apps, hash, created_at, created_by, expires_at, revoked_at FROM token`

// tokenRow is a token as a row; its scopes have commas between them.
type tokenRow struct {
	ID        string        `db:"token_id"`
	Name      string        `db:"name"`
	Role      string        `db:"role"`
	Scopes    string        `db:"scopes"`
	Apps      string        `db:"apps"`
	Hash      []byte        `db:"hash"`
	CreatedAt int64         `db:"created_at"`
	CreatedBy string        `db:"created_by"`
	ExpiresAt sql.NullInt64 `db:"expires_at"`
	RevokedAt sql.NullInt64 `db:"revoked_at"`
}

func (r tokenRow) token() (auth.Token, error) {
	scopes, err := auth.ParseScopes(r.Scopes)
	if err != nil {
		return auth.Token{}, fmt.Errorf("token %s: %w", r.ID, err)
	}
	apps, err := auth.ParseApps(r.Apps)
	if err != nil {
		return auth.Token{}, fmt.Errorf("token %s: %w", r.ID, err)
	}
	t := auth.Token{
		ID: r.ID, Name: r.Name, Role: auth.Role(r.Role), Scopes: scopes, Apps: apps, Hash: r.Hash,
		CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy,
	}
	if r.ExpiresAt.Valid {
		t.ExpiresAt = at(r.ExpiresAt.Int64)
	}
	if r.RevokedAt.Valid {
		t.RevokedAt = at(r.RevokedAt.Int64)
	}
	return t, nil
}

// CreateToken keeps a new token, and tells the audit log of its name and rights.
func (s *Store) CreateToken(ctx context.Context, t auth.Token) error {
	const insert = `INSERT INTO token
		(token_id, name, role, scopes, apps, hash, created_at, created_by, expires_at, revoked_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	names := make([]string, len(t.Scopes))
	for i, scope := range t.Scopes {
		names[i] = string(scope)
	}
	return s.main.in(ctx, func(x *tx) error {
		_, err := x.ExecContext(ctx, x.q(insert), t.ID, t.Name, string(t.Role), strings.Join(names, ","), auth.FormatApps(t.Apps),
			t.Hash, ms(t.CreatedAt), t.CreatedBy, never(t.ExpiresAt), never(t.RevokedAt))
		if err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		told := map[string]any{"name": t.Name, "role": t.Role, "scopes": names}
		if t.Apps != nil {
			told["apps"] = t.Apps
		}
		return audit(ctx, x, actor(ctx, t.CreatedBy), s.clock.Now(), act{ActTokenCreate, 0, "token " + t.ID, told})
	})
}

// never keeps a zero time as NULL.
func never(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: ms(t), Valid: !t.IsZero()}
}

// TokenByHash implements auth.TokenStore.
func (s *Store) TokenByHash(ctx context.Context, hash []byte) (auth.Token, error) {
	var row tokenRow
	err := s.main.r.GetContext(ctx, &row, s.main.q(selectToken+` WHERE hash = ?`), hash)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Token{}, auth.ErrBadToken
	}
	if err != nil {
		return auth.Token{}, fmt.Errorf("read token: %w", err)
	}
	return row.token()
}

// Tokens lists all tokens, the expired and revoked ones too, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]auth.Token, error) {
	var rows []tokenRow
	err := s.main.r.SelectContext(ctx, &rows, selectToken+` ORDER BY created_at, token_id`)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	list := make([]auth.Token, 0, len(rows))
	for _, row := range rows {
		t, err := row.token()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// RevokeToken ends a token now and for ever; one that is revoked already stays
// revoked since then. ErrNoSuchToken if there is none with that id.
func (s *Store) RevokeToken(ctx context.Context, id string) error {
	const revoke = `UPDATE token SET revoked_at = coalesce(revoked_at, ?) WHERE token_id = ?`
	return s.main.in(ctx, func(t *tx) error {
		done, err := t.ExecContext(ctx, t.q(revoke), ms(s.clock.Now()), id)
		if err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("revoke token %q: %w", id, ErrNoSuchToken)
		}
		return audit(ctx, t, actor(ctx, "store"), s.clock.Now(), act{ActTokenRevoke, 0, "token " + id, map[string]any{}})
	})
}

// RevokeTokensNamed ends every token of a name that is in force, and returns how
// many those were: names need not be unique, and who revokes one means all of them.
// ErrNoSuchToken if there never was one.
func (s *Store) RevokeTokensNamed(ctx context.Context, name string) (int, error) {
	const revoke = `UPDATE token SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL RETURNING token_id`
	if !fitsText(name) {
		return 0, fmt.Errorf("revoke token %q: %w", name, ErrNoSuchToken)
	}
	var ids []string
	err := s.main.in(ctx, func(t *tx) error {
		if err := t.SelectContext(ctx, &ids, t.q(revoke), ms(s.clock.Now()), name); err != nil {
			return fmt.Errorf("revoke token %q: %w", name, err)
		}
		for _, id := range ids {
			told := act{ActTokenRevoke, 0, "token " + id, map[string]any{"name": name}}
			if err := audit(ctx, t, actor(ctx, "skand token"), s.clock.Now(), told); err != nil {
				return err
			}
		}
		if len(ids) > 0 {
			return nil
		}
		var known bool
		if err := t.GetContext(ctx, &known, t.q(`SELECT EXISTS (SELECT 1 FROM token WHERE name = ?)`), name); err != nil {
			return fmt.Errorf("revoke token %q: %w", name, err)
		}
		if !known {
			return fmt.Errorf("revoke token %q: %w", name, ErrNoSuchToken)
		}
		return nil
	})
	return len(ids), err
}
