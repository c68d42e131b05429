package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"skand/internal/auth"
)

const sessionColumns = `s.session_id, s.hash, s.account_id AS owner, s.created_at, s.seen_at, s.method, s.client, s.agent`

type sessionRow struct {
	ID        string `db:"session_id"`
	Hash      []byte `db:"hash"`
	Owner     string `db:"owner"`
	CreatedAt int64  `db:"created_at"`
	SeenAt    int64  `db:"seen_at"`
	Method    string `db:"method"`
	Client    string `db:"client"`
	Agent     string `db:"agent"`
}

func (r sessionRow) session() auth.Session {
	return auth.Session{
		ID: r.ID, Hash: r.Hash, Account: r.Owner, CreatedAt: at(r.CreatedAt), SeenAt: at(r.SeenAt),
		Method: r.Method, Client: r.Client, Agent: r.Agent,
	}
}

// SessionByHash implements auth.SessionStore.
func (s *Store) SessionByHash(ctx context.Context, hash []byte) (auth.Session, auth.Account, error) {
	var row struct {
		sessionRow
		accountRow
	}
	text := `SELECT ` + sessionColumns + `, ` + accountColumns + ` FROM session s JOIN account a ON a.account_id = s.account_id WHERE s.hash = ?`
	err := s.main.r.GetContext(ctx, &row, s.main.q(text), hash)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Session{}, auth.Account{}, auth.ErrNoSession
	}
	if err != nil {
		return auth.Session{}, auth.Account{}, fmt.Errorf("read session: %w", err)
	}
	a, err := row.account()
	return row.session(), a, err
}

// BeginSession implements auth.SessionStore.
func (s *Store) BeginSession(ctx context.Context, one auth.Session, a auth.Account, rehashed string, l auth.Lifetime) error {
	const insert = `INSERT INTO session (session_id, hash, account_id, created_at, seen_at, method, client, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	const seen = `UPDATE account SET signed_in_at = ?, password = ? WHERE account_id = ?`
	const sweep = `DELETE FROM session WHERE created_at <= ? OR seen_at <= ?`
	ctx = ActingAs(ctx, Actor{Who: a.Email, Role: string(a.Role)})
	return s.main.in(ctx, func(t *tx) error {
		now, err := readAccount(ctx, t, `a.account_id = ?`, t.forUpdate(), a.ID)
		if errors.Is(err, auth.ErrNoAccount) || err == nil && (now.Disabled || now.Password != a.Password) {
			return auth.ErrWrongPassword
		}
		if err != nil {
			return err
		}
		if rehashed == "" {
			rehashed = a.Password
		}
		if _, err := t.ExecContext(ctx, t.q(sweep), ms(one.CreatedAt.Add(-l.Absolute)), ms(one.CreatedAt.Add(-l.Idle))); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, t.q(seen), ms(one.CreatedAt), rehashed, a.ID); err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, t.q(insert), one.ID, one.Hash, one.Account, ms(one.CreatedAt), ms(one.SeenAt), one.Method, one.Client, one.Agent)
		if err != nil {
			return err
		}
		if err := s.sweepAttempts(ctx, t); err != nil {
			return err
		}
		told := act{ActSignIn, 0, "session " + one.ID, map[string]any{"method": one.Method, "client": one.Client}}
		return audit(ctx, t, actor(ctx, a.Email), s.clock.Now(), told)
	})
}

// SignInFailed implements auth.SessionStore. An address that nobody has is not told of:
// sometimes it is a password in the wrong field.
func (s *Store) SignInFailed(ctx context.Context, a auth.Account, method, client, why string) error {
	object := "user (unknown)"
	if a.Email != "" {
		object = "user " + a.Email
	}
	ctx = ActingAs(ctx, Actor{Who: "nobody", Role: ""})
	return s.main.in(ctx, func(t *tx) error {
		if err := s.sweepAttempts(ctx, t); err != nil {
			return err
		}
		told := act{ActSignInFailed, 0, object, map[string]any{"method": method, "client": client, "why": why}}
		return audit(ctx, t, actor(ctx, "nobody"), s.clock.Now(), told)
	})
}

// SeeSession implements auth.SessionStore.
func (s *Store) SeeSession(ctx context.Context, id string, now time.Time) error {
	const see = `UPDATE session SET seen_at = ? WHERE session_id = ? AND seen_at < ?`
	if _, err := s.main.w.ExecContext(ctx, s.main.q(see), ms(now), id, ms(now)); err != nil {
		return fmt.Errorf("see session: %w", err)
	}
	return nil
}

// Sessions lists the sessions of an account that are not over, the newest use first.
func (s *Store) Sessions(ctx context.Context, account string, l auth.Lifetime) ([]auth.Session, error) {
	now := s.clock.Now()
	var rows []sessionRow
	text := `SELECT ` + sessionColumns + ` FROM session s WHERE s.account_id = ? AND s.created_at > ? AND s.seen_at > ?
		ORDER BY s.seen_at DESC, s.session_id`
	err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), account, ms(now.Add(-l.Absolute)), ms(now.Add(-l.Idle)))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	out := make([]auth.Session, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.session())
	}
	return out, nil
}

// EndSession implements auth.SessionStore; auth.ErrNoSession where the account has none
// of this id.
func (s *Store) EndSession(ctx context.Context, a auth.Account, id string) error {
	if !fitsText(id) {
		return auth.ErrNoSession
	}
	return s.main.in(ctx, func(t *tx) error {
		done, err := t.ExecContext(ctx, t.q(`DELETE FROM session WHERE session_id = ? AND account_id = ?`), id, a.ID)
		if err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		if n == 0 {
			return auth.ErrNoSession
		}
		return audit(ctx, t, actor(ctx, a.Email), s.clock.Now(), act{ActSignOut, 0, "session " + id, map[string]any{}})
	})
}

// EndSessions ends an account's sessions, but for the one to keep, if any, and returns
// how many those were.
func (s *Store) EndSessions(ctx context.Context, a auth.Account, keep string) (n int64, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		done, err := t.ExecContext(ctx, t.q(`DELETE FROM session WHERE account_id = ? AND session_id <> ?`), a.ID, keep)
		if err != nil {
			return err
		}
		if n, err = done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return audit(ctx, t, actor(ctx, a.Email), s.clock.Now(), act{ActSessionEnd, 0, "user " + a.Email, map[string]any{"sessions": n}})
	})
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return n, nil
}

// endSessions ends all sessions of an account within a change that tells of itself.
func endSessions(ctx context.Context, t *tx, account string) error {
	if _, err := t.ExecContext(ctx, t.q(`DELETE FROM session WHERE account_id = ?`), account); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
