package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"skand/internal/auth"
)

// ErrLastAdmin is returned for a change after which no account could manage accounts.
var ErrLastAdmin = errors.New("this is the last enabled admin of every app; make another one first")

// StaleAccount says that somebody changed the account in between.
type StaleAccount struct{ Current auth.Account }

func (e *StaleAccount) Error() string {
	return fmt.Sprintf("the account is at version %d; read it again and change it on top of that", e.Current.Version)
}

// AccountChange says what is to be changed; nil leaves it. An empty list of apps is
// every app.
type AccountChange struct {
	Role     *auth.Role
	Apps     *[]int64
	Disabled *bool
}

// ChangeAccount changes a person's rights. Whatever has changed, the person's sessions
// end: nobody goes on with a page of rights that are gone. It returns auth.ErrNoAccount,
// a *StaleAccount or ErrLastAdmin. A change that changes nothing is not told of.
func (s *Store) ChangeAccount(ctx context.Context, id string, m Match, c AccountChange) (auth.Account, error) {
	var now auth.Account
	if !fitsText(id) {
		return now, auth.ErrNoAccount
	}
	err := s.main.in(ctx, func(t *tx) error {
		if err := lockAdmins(ctx, t); err != nil {
			return err
		}
		was, err := readAccount(ctx, t, `a.account_id = ?`, t.forUpdate(), id)
		if err != nil {
			return err
		}
		if !m.fits(was.Version) {
			return &StaleAccount{Current: was}
		}
		now = was
		if c.Role != nil {
			now.Role = *c.Role
		}
		if c.Apps != nil {
			now.Apps = *c.Apps
		}
		if c.Disabled != nil {
			now.Disabled = *c.Disabled
		}
		if now.Role, now.Apps, err = auth.CheckRights(now.Role, now.Apps); err != nil {
			return err
		}
		if now.Role == was.Role && now.Disabled == was.Disabled && slices.Equal(now.Apps, was.Apps) {
			return nil
		}
		if now, err = s.changeRights(ctx, t, was, now, "skand user"); err != nil {
			return err
		}
		_, admins, err := accountCounts(ctx, t)
		if err == nil && managed(was) && admins == 0 {
			err = ErrLastAdmin
		}
		return err
	})
	if err != nil {
		return auth.Account{}, fmt.Errorf("change account: %w", err)
	}
	return now, nil
}

// managed reports whether an account can manage accounts.
func managed(a auth.Account) bool { return a.Role == auth.Admin && a.Apps == nil && !a.Disabled }

// lockAdmins lets one change of rights wait for the other, lest two admins take each
// other's rights at once and none be left.
func lockAdmins(ctx context.Context, t *tx) error {
	var ids []string
	const text = `SELECT account_id FROM account WHERE role = 'admin' ORDER BY account_id`
	if err := t.SelectContext(ctx, &ids, text+t.forUpdate()); err != nil {
		return fmt.Errorf("lock admins: %w", err)
	}
	return nil
}

// changeRights writes what differs, tells of it, and ends the account's sessions.
func (s *Store) changeRights(ctx context.Context, t *tx, was, now auth.Account, local string) (auth.Account, error) {
	const update = `UPDATE account SET role = ?, apps = ?, disabled = ?, issuer = NULLIF(?, ''), subject = NULLIF(?, ''), version = ?, changed_at = ? WHERE account_id = ?`
	now.Version, now.ChangedAt = was.Version+1, at(ms(s.clock.Now()))
	_, err := t.ExecContext(ctx, t.q(update), string(now.Role), auth.FormatApps(now.Apps), now.Disabled, now.Issuer, now.Subject,
		now.Version, ms(now.ChangedAt), now.ID)
	if err != nil {
		return now, err
	}
	before, after := toldRights(was), toldRights(now)
	for name := range after {
		if fmt.Sprint(before[name]) == fmt.Sprint(after[name]) {
			delete(before, name)
			delete(after, name)
		}
	}
	if was.Subject != now.Subject {
		after["bound_to"] = now.Issuer
	}
	if len(before) > 0 { // a binding alone takes nothing away
		if err := endSessions(ctx, t, now.ID); err != nil {
			return now, err
		}
	}
	told := act{ActUserChange, 0, "user " + now.Email, map[string]any{"from": before, "to": after}}
	return now, audit(ctx, t, actor(ctx, local), s.clock.Now(), told)
}

// SetPassword gives an account another password and ends its sessions.
func (s *Store) SetPassword(ctx context.Context, id, hash string) (auth.Account, error) {
	if !fitsText(id) {
		return auth.Account{}, auth.ErrNoAccount
	}
	var a auth.Account
	err := s.main.in(ctx, func(t *tx) (err error) {
		if a, err = readAccount(ctx, t, `a.account_id = ?`, t.forUpdate(), id); err != nil {
			return err
		}
		return s.setPassword(ctx, t, a, hash, "skand user", "reset")
	})
	if err != nil {
		return a, fmt.Errorf("set a password: %w", err)
	}
	a.Version++
	return a, nil
}

// ChangePassword implements auth.SessionStore: the person did it.
func (s *Store) ChangePassword(ctx context.Context, a auth.Account, hash string) error {
	return s.main.in(ctx, func(t *tx) error {
		now, err := readAccount(ctx, t, `a.account_id = ?`, t.forUpdate(), a.ID)
		if err != nil {
			return err
		}
		if now.Password != a.Password { // checked against one that is no more
			return auth.ErrWrongPassword
		}
		return s.setPassword(ctx, t, a, hash, a.Email, "own")
	})
}

func (s *Store) setPassword(ctx context.Context, t *tx, a auth.Account, hash, local, how string) error {
	const update = `UPDATE account SET password = ?, version = version + 1, changed_at = ? WHERE account_id = ?`
	now := s.clock.Now()
	if _, err := t.ExecContext(ctx, t.q(update), hash, ms(now), a.ID); err != nil {
		return err
	}
	if err := endSessions(ctx, t, a.ID); err != nil {
		return err
	}
	return audit(ctx, t, actor(ctx, local), now, act{ActUserPassword, 0, "user " + a.Email, map[string]any{"how": how}})
}

// Provision implements auth.SessionStore. Of two first sign-ins at once one makes the
// account and the other finds it.
func (s *Store) Provision(ctx context.Context, a auth.Account) (auth.Account, error) {
	ctx = ActingAs(ctx, Actor{Who: a.Email, Role: string(a.Role)})
	err := s.main.in(ctx, func(t *tx) error {
		made, err := false, error(nil)
		if a.Version == 1 && a.CreatedBy == "openid" {
			if made, err = insertAccount(ctx, t, a); err != nil {
				return err
			}
		}
		if made {
			told := toldRights(a)
			told["bound_to"] = a.Issuer
			return audit(ctx, t, actor(ctx, "openid"), s.clock.Now(), act{ActUserCreate, 0, "user " + a.Email, told})
		}
		was, err := readAccount(ctx, t, `a.email = ?`, t.forUpdate(), a.Email)
		switch {
		case err != nil:
			return err
		case was.Subject != "" && (was.Subject != a.Subject || was.Issuer != a.Issuer) || was.Disabled:
			return fmt.Errorf("%w: the account is another person's, or disabled", auth.ErrRefused)
		}
		now := was
		now.Role, now.Issuer, now.Subject = a.Role, a.Issuer, a.Subject
		if now.Role != was.Role || now.Subject != was.Subject {
			now, err = s.changeRights(ctx, t, was, now, "openid")
		}
		a = now
		return err
	})
	if err != nil {
		return auth.Account{}, fmt.Errorf("provision an account: %w", err)
	}
	return a, nil
}
