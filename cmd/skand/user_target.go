package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/store"
	"skand/internal/web"
)

// userKeeper keeps people: in the store beside the server, or through it.
type userKeeper interface {
	list(ctx context.Context) ([]web.UserView, error)
	create(ctx context.Context, email string, role auth.Role, apps []int64, password string) (web.UserView, error)
	change(ctx context.Context, email string, c store.AccountChange) (web.UserView, error)
	reset(ctx context.Context, email, password string) error
	signOut(ctx context.Context, email string) (int64, error)
}

// onUsers opens the target for do, and words what people ask of it in vain.
func onUsers(cmd *cobra.Command, t *target, do func(userKeeper) error) error {
	if t.remote() {
		err := do(remoteUsers{t})
		if err != nil {
			err = fmt.Errorf("user %s: %w", cmd.Name(), err)
		}
		return err
	}
	app, err := t.app(cmd)
	if err != nil {
		return err
	}
	err = do(localUsers{store: app.store, clock: app.clock})
	if err != nil {
		err = fmt.Errorf("user %s: %w", cmd.Name(), err)
	}
	return errors.Join(err, app.Close())
}

func noUser(email string) error {
	return fmt.Errorf("there is no account %q; see `skand user list`", email)
}

type localUsers struct {
	store *store.Store
	clock clock.Clock
}

// account finds an account as people name it.
func (l localUsers) account(ctx context.Context, email string) (auth.Account, error) {
	key, err := auth.NormaliseEmail(email)
	if err != nil {
		return auth.Account{}, usagef("%q: %w", email, err)
	}
	a, err := l.store.AccountByEmail(ctx, key)
	if errors.Is(err, auth.ErrNoAccount) {
		err = noUser(email)
	}
	return a, err
}

func (l localUsers) list(ctx context.Context) ([]web.UserView, error) {
	all := []web.UserView{}
	for cursor := ""; ; {
		page, next, err := l.store.Accounts(ctx, cursor, usersAtOnce)
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			all = append(all, web.ViewOf(a))
		}
		if cursor = next; cursor == "" {
			return all, nil
		}
	}
}

const usersAtOnce = 1000

func (l localUsers) create(ctx context.Context, email string, role auth.Role, apps []int64, password string) (web.UserView, error) {
	made, err := auth.NewHasher(auth.DefaultArgon2()).NewAccount(auth.Account{
		Email: email, Role: role, Apps: apps, CreatedAt: l.clock.Now(), CreatedBy: "skand user",
	}, password)
	if err != nil {
		return web.UserView{}, usagef("%w", err)
	}
	err = l.store.CreateAccount(ctx, made)
	if errors.Is(err, store.ErrEmailTaken) {
		err = fmt.Errorf("%s: %w", email, store.ErrEmailTaken)
	}
	return web.ViewOf(made), err
}

func (l localUsers) change(ctx context.Context, email string, c store.AccountChange) (web.UserView, error) {
	a, err := l.account(ctx, email)
	if err != nil {
		return web.UserView{}, err
	}
	now, err := l.store.ChangeAccount(ctx, a.ID, store.Match{Any: true}, c)
	return web.ViewOf(now), err
}

func (l localUsers) reset(ctx context.Context, email, password string) error {
	a, err := l.account(ctx, email)
	if err != nil {
		return err
	}
	_, err = l.store.SetPassword(ctx, a.ID, auth.NewHasher(auth.DefaultArgon2()).Hash(password))
	return err
}

func (l localUsers) signOut(ctx context.Context, email string) (int64, error) {
	a, err := l.account(ctx, email)
	if err != nil {
		return 0, err
	}
	return l.store.EndSessions(ctx, a, "")
}

type remoteUsers struct{ t *target }

func (m remoteUsers) list(ctx context.Context) ([]web.UserView, error) {
	all := []web.UserView{}
	for cursor := ""; ; {
		raw, err := m.t.get(ctx, fmt.Sprintf("/v1/users?limit=%d&cursor=%s", usersAtOnce, url.QueryEscape(cursor)))
		if err != nil {
			return nil, err
		}
		var page struct {
			Data []web.UserView `json:"data"`
			Next *string        `json:"next_cursor"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, fmt.Errorf("read the list: %w", err)
		}
		all = append(all, page.Data...)
		if page.Next == nil {
			return all, nil
		}
		cursor = *page.Next
	}
}

// account finds one by its address, of which the API knows the id.
func (m remoteUsers) account(ctx context.Context, email string) (web.UserView, error) {
	key, err := auth.NormaliseEmail(email)
	if err != nil {
		return web.UserView{}, usagef("%q: %w", email, err)
	}
	all, err := m.list(ctx)
	if err != nil {
		return web.UserView{}, err
	}
	for _, u := range all {
		if u.Email == key {
			return u, nil
		}
	}
	return web.UserView{}, noUser(email)
}

// ask sends a body, if any, and reads the answer.
func (m remoteUsers) ask(ctx context.Context, method, path string, body, into any, headers ...string) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	answer, err := m.t.send(ctx, method, path, "application/json", raw, headers...)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

func (m remoteUsers) create(ctx context.Context, email string, role auth.Role, apps []int64, password string) (made web.UserView, err error) {
	body := map[string]any{"email": email, "role": role, "apps": apps, "password": password}
	err = m.ask(ctx, http.MethodPost, "/v1/users", body, &made)
	return made, err
}

func (m remoteUsers) change(ctx context.Context, email string, c store.AccountChange) (now web.UserView, err error) {
	u, err := m.account(ctx, email)
	if err != nil {
		return now, err
	}
	body := map[string]any{}
	if c.Role != nil {
		body["role"] = *c.Role
	}
	if c.Apps != nil {
		body["apps"] = append([]int64{}, *c.Apps...)
	}
	if c.Disabled != nil {
		body["disabled"] = *c.Disabled
	}
	err = m.ask(ctx, http.MethodPut, "/v1/users/"+url.PathEscape(u.ID), body, &now, "If-Match", fmt.Sprintf("%q", fmt.Sprint(u.Version)))
	return now, err
}

func (m remoteUsers) reset(ctx context.Context, email, password string) error {
	u, err := m.account(ctx, email)
	if err != nil {
		return err
	}
	var done struct{}
	return m.ask(ctx, http.MethodPost, "/v1/users/"+url.PathEscape(u.ID)+":reset", map[string]string{"password": password}, &done)
}

func (m remoteUsers) signOut(ctx context.Context, email string) (int64, error) {
	u, err := m.account(ctx, email)
	if err != nil {
		return 0, err
	}
	var done struct {
		Ended int64 `json:"ended"`
	}
	err = m.ask(ctx, http.MethodDelete, "/v1/users/"+url.PathEscape(u.ID)+"/sessions", nil, &done)
	return done.Ended, err
}
