package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"skand/internal/auth"
)

var _ auth.SessionStore = (*Store)(nil)

// What the audit log tells of people.
const (
	ActSignIn       = "sign_in"
	ActSignInFailed = "sign_in.failed"
	ActSignOut      = "sign_out"
	ActSessionEnd   = "session.end"
	ActUserCreate   = "user.create"
	ActUserChange   = "user.change"
	ActUserPassword = "user.password"
)

// ErrEmailTaken is returned for an address that an account has already.
var ErrEmailTaken = errors.New("an account with this e-mail address exists")

const accountColumns = `a.account_id, a.email, a.role, a.apps, a.password,
	COALESCE(a.issuer, '') AS issuer, COALESCE(a.subject, '') AS subject, a.disabled, a.version,
	a.created_at AS account_created_at, a.created_by, a.changed_at, a.signed_in_at`

// accountRow is an account as a row.
type accountRow struct {
	ID         string        `db:"account_id"`
	Email      string        `db:"email"`
	Role       string        `db:"role"`
	Apps       string        `db:"apps"`
	Password   string        `db:"password"`
	Issuer     string        `db:"issuer"`
	Subject    string        `db:"subject"`
	Disabled   bool          `db:"disabled"`
	Version    int           `db:"version"`
	CreatedAt  int64         `db:"account_created_at"`
	CreatedBy  string        `db:"created_by"`
	ChangedAt  int64         `db:"changed_at"`
	SignedInAt sql.NullInt64 `db:"signed_in_at"`
}

func (r accountRow) account() (auth.Account, error) {
	apps, err := auth.ParseApps(r.Apps)
	if err != nil {
		return auth.Account{}, fmt.Errorf("account %s: %w", r.ID, err)
	}
	a := auth.Account{
		ID: r.ID, Email: r.Email, Role: auth.Role(r.Role), Apps: apps, Password: r.Password, Issuer: r.Issuer, Subject: r.Subject,
		Disabled: r.Disabled, Version: r.Version, CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, ChangedAt: at(r.ChangedAt),
	}
	if r.SignedInAt.Valid {
		a.SignedInAt = at(r.SignedInAt.Int64)
	}
	return a, nil
}

// readAccount reads the one account that a condition picks; lock may be forUpdate's.
func readAccount(ctx context.Context, from reader, where, lock string, args ...any) (auth.Account, error) {
	var row accountRow
	err := getRow(ctx, from, &row, `SELECT `+accountColumns+` FROM account a WHERE `+where+lock, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Account{}, auth.ErrNoAccount
	}
	if err != nil {
		return auth.Account{}, fmt.Errorf("read account: %w", err)
	}
	return row.account()
}

// AccountByEmail implements auth.SessionStore.
func (s *Store) AccountByEmail(ctx context.Context, email string) (auth.Account, error) {
	return readAccount(ctx, s.main.r, `a.email = ?`, "", email)
}

// AccountByID implements auth.SessionStore.
func (s *Store) AccountByID(ctx context.Context, id string) (auth.Account, error) {
	if !fitsText(id) {
		return auth.Account{}, auth.ErrNoAccount
	}
	return readAccount(ctx, s.main.r, `a.account_id = ?`, "", id)
}

// AccountBySubject implements auth.SessionStore.
func (s *Store) AccountBySubject(ctx context.Context, issuer, subject string) (auth.Account, error) {
	if !fitsText(issuer) || !fitsText(subject) {
		return auth.Account{}, auth.ErrNoAccount
	}
	return readAccount(ctx, s.main.r, `a.issuer = ? AND a.subject = ?`, "", issuer, subject)
}

// Accounts lists accounts by address. cursor is "" or what the page before returned.
func (s *Store) Accounts(ctx context.Context, cursor string, limit int) ([]auth.Account, string, error) {
	if !fitsText(cursor) {
		return nil, "", ErrCursor
	}
	var rows []accountRow
	text := `SELECT ` + accountColumns + ` FROM account a WHERE a.email > ? ORDER BY a.email LIMIT ?`
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), cursor, limit+1); err != nil {
		return nil, "", fmt.Errorf("list accounts: %w", err)
	}
	out := make([]auth.Account, 0, len(rows))
	for _, r := range rows {
		a, err := r.account()
		if err != nil {
			return nil, "", err
		}
		out = append(out, a)
	}
	out, next := page(out, limit, func(a auth.Account) string { return a.Email })
	return out, next, nil
}

// AccountCounts is how many accounts there are, and how many of them are enabled admins
// of every app: without one nobody who signs in can add another.
func (s *Store) AccountCounts(ctx context.Context) (all, admins int, err error) {
	return accountCounts(ctx, s.main.r)
}

func accountCounts(ctx context.Context, from reader) (all, admins int, err error) {
	const text = `SELECT COUNT(*) AS n,
		COUNT(CASE WHEN role = 'admin' AND apps = '' AND NOT disabled THEN 1 END) AS admins FROM account`
	var row struct {
		N      int `db:"n"`
		Admins int `db:"admins"`
	}
	if err := getRow(ctx, from, &row, text); err != nil {
		return 0, 0, fmt.Errorf("count accounts: %w", err)
	}
	return row.N, row.Admins, nil
}

// CreateAccount keeps a new account; ErrEmailTaken where there is one.
func (s *Store) CreateAccount(ctx context.Context, a auth.Account) error {
	return s.main.in(ctx, func(t *tx) error {
		made, err := insertAccount(ctx, t, a)
		if err == nil && !made {
			err = ErrEmailTaken
		}
		if err != nil {
			return fmt.Errorf("create account: %w", err)
		}
		return audit(ctx, t, actor(ctx, a.CreatedBy), s.clock.Now(), act{ActUserCreate, 0, "user " + a.Email, toldRights(a)})
	})
}

func insertAccount(ctx context.Context, t *tx, a auth.Account) (made bool, err error) {
	const insert = `INSERT INTO account (account_id, email, role, apps, password, issuer, subject, disabled, version,
			created_at, created_by, changed_at)
		VALUES (?, ?, ?, ?, ?, NULLIF(?, ''), NULLIF(?, ''), ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	done, err := t.ExecContext(ctx, t.q(insert), a.ID, a.Email, string(a.Role), auth.FormatApps(a.Apps), a.Password, a.Issuer, a.Subject,
		a.Disabled, a.Version, ms(a.CreatedAt), a.CreatedBy, ms(a.ChangedAt))
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// toldRights is what the audit log tells of an account's rights; no apps: every one.
func toldRights(a auth.Account) map[string]any {
	apps := a.Apps
	if apps == nil {
		apps = []int64{}
	}
	return map[string]any{"role": a.Role, "apps": apps, "disabled": a.Disabled}
}
