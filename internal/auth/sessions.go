package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"skand/internal/clock"
)

// Why somebody is not signed in. An unknown address, a wrong password, an account that
// is disabled and one that has no password are one answer, given after the same time.
var (
	ErrWrongPassword = errors.New("the e-mail address or the password is wrong")
	ErrNoSession     = errors.New("the session is unknown or over; sign in again")
)

// SessionStore is where accounts and sessions are kept.
type SessionStore interface {
	Attempts
	// AccountByEmail and AccountByID return ErrNoAccount, AccountBySubject too.
	AccountByEmail(ctx context.Context, email string) (Account, error)
	AccountByID(ctx context.Context, id string) (Account, error)
	AccountBySubject(ctx context.Context, issuer, subject string) (Account, error)
	// SessionByHash returns a session, also one that is over, with its account as it is
	// now; ErrNoSession if there is none.
	SessionByHash(ctx context.Context, hash []byte) (Session, Account, error)
	// BeginSession keeps a session and tells of it; ErrWrongPassword if the account's
	// password has changed since a was read, or it is disabled. rehashed, if any, is the
	// password at today's costs. Sessions and attempts that are over are forgotten.
	BeginSession(ctx context.Context, s Session, a Account, rehashed string, l Lifetime) error
	// SignInFailed tells of an attempt; a is the zero Account where nobody is known.
	SignInFailed(ctx context.Context, a Account, method, client, why string) error
	SeeSession(ctx context.Context, id string, now time.Time) error
	EndSession(ctx context.Context, a Account, id string) error
	// ChangePassword keeps a password and ends every session of the account.
	ChangePassword(ctx context.Context, a Account, hash string) error
	// Provision keeps an account that the provider vouches for: a new one, or one that
	// is there (its rights and its subject may have changed).
	Provision(ctx context.Context, a Account) (Account, error)
}

// Lifetime bounds a session.
type Lifetime struct {
	Idle     time.Duration // without use
	Absolute time.Duration // however much it is used
}

// over reports whether a session has ended by itself.
func (l Lifetime) over(s Session, now time.Time) bool {
	return !now.Before(s.SeenAt.Add(l.Idle)) || !now.Before(s.CreatedAt.Add(l.Absolute))
}

// Sessions signs people in and knows them again.
type Sessions struct {
	Store    SessionStore
	Clock    clock.Clock
	Hasher   Hasher
	Lifetime Lifetime
}

// From is where an attempt comes from.
type From struct {
	Client string // network: /24 or /48
	Agent  string // of the browser
}

// SignIn checks a password and begins a session; secret is the cookie's, which is kept
// nowhere. It returns ErrWrongPassword, *TooMany or ErrBusy; after any other error
// nobody knows.
func (s *Sessions) SignIn(ctx context.Context, email, password string, from From) (secret string, _ Account, err error) {
	key, bad := NormaliseEmail(email)
	if bad != nil {
		key = "" // all that is no address is one account that nobody has
	}
	payer, err := spend(ctx, s.Store, key, from.Client)
	if err != nil {
		return "", Account{}, err
	}
	a, err := s.Store.AccountByEmail(ctx, key)
	if err != nil && !errors.Is(err, ErrNoAccount) {
		return "", Account{}, fmt.Errorf("sign in: %w", err)
	}
	right, outdated, err := s.Hasher.check(ctx, password, a.Password)
	if err != nil {
		return "", Account{}, fmt.Errorf("sign in: %w", err)
	}
	if !right || a.Disabled {
		why := "password"
		switch {
		case a.ID == "":
			why = "unknown"
		case a.Disabled:
			why = "disabled"
		}
		if err := s.Store.SignInFailed(ctx, a, MethodPassword, from.Client, why); err != nil {
			return "", Account{}, fmt.Errorf("sign in: %w", err)
		}
		return "", Account{}, ErrWrongPassword
	}
	if err := succeeded(ctx, s.Store, payer, key, from.Client); err != nil {
		return "", Account{}, fmt.Errorf("sign in: %w", err)
	}
	rehashed := ""
	if outdated {
		rehashed = s.Hasher.Hash(password)
	}
	secret, err = s.begin(ctx, a, MethodPassword, from, rehashed)
	return secret, a, err
}

// maxAgent is what is kept of how a browser calls itself.
const maxAgent = 200

func (s *Sessions) begin(ctx context.Context, a Account, method string, from From, rehashed string) (string, error) {
	raw := make([]byte, secretSize)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	secret := base64.RawURLEncoding.EncodeToString(raw)
	agent := strings.ToValidUTF8(strings.ReplaceAll(from.Agent, "\x00", ""), "")
	now := s.Clock.Now()
	one := Session{
		ID: uuid.NewString(), Hash: Hash(secret), Account: a.ID, CreatedAt: now, SeenAt: now, Method: method,
		Client: from.Client, Agent: strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""),
	}
	if err := s.Store.BeginSession(ctx, one, a, rehashed, s.Lifetime); err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	return secret, nil
}

// Known is who has a session's secret: ErrNoSession for one that opens nothing (any
// more). Role and apps are those that the account has now.
func (s *Sessions) Known(ctx context.Context, secret string) (Principal, error) {
	if len(secret) != plainSize-len(prefix) {
		return Principal{}, ErrNoSession // spares the database strangers' guesses
	}
	one, a, err := s.Store.SessionByHash(ctx, Hash(secret))
	if err != nil {
		return Principal{}, fmt.Errorf("look for the session: %w", err)
	}
	now := s.Clock.Now()
	if a.Disabled || s.Lifetime.over(one, now) {
		return Principal{}, ErrNoSession
	}
	// Not at every request: a look at a page should not be a write to the database.
	if now.Sub(one.SeenAt) >= min(s.Lifetime.Idle/10, 5*time.Minute) {
		// Where nothing can be written people still have to see what is wrong.
		_ = s.Store.SeeSession(ctx, one.ID, now)
	}
	return a.principal(one.ID), nil
}

// SignOut ends the session of who.
func (s *Sessions) SignOut(ctx context.Context, who Principal) error {
	return s.Store.EndSession(ctx, Account{ID: who.User, Email: who.Name}, who.Session)
}

// ChangePassword changes who's own password and ends all other sessions of the
// account; this one goes on under a new secret, so that a copy of the old is worth
// nothing. It returns ErrWrongPassword where the current one is not that, what
// CheckPassword says of the new one, *TooMany or ErrBusy.
func (s *Sessions) ChangePassword(ctx context.Context, who Principal, current, next string, from From) (secret string, err error) {
	a, err := s.Store.AccountByID(ctx, who.User)
	if err != nil {
		return "", fmt.Errorf("change a password: %w", err)
	}
	if err := CheckPassword(next, a.Email); err != nil {
		return "", &BadPassword{err}
	}
	payer, err := spend(ctx, s.Store, a.Email, from.Client)
	if err != nil {
		return "", err
	}
	right, _, err := s.Hasher.check(ctx, current, a.Password)
	if err != nil {
		return "", fmt.Errorf("change a password: %w", err)
	}
	if !right {
		if err := s.Store.SignInFailed(ctx, a, MethodPassword, from.Client, "password"); err != nil {
			return "", fmt.Errorf("change a password: %w", err)
		}
		return "", ErrWrongPassword
	}
	if err := succeeded(ctx, s.Store, payer, a.Email, from.Client); err != nil {
		return "", fmt.Errorf("change a password: %w", err)
	}
	hash := s.Hasher.Hash(next)
	if err := s.Store.ChangePassword(ctx, a, hash); err != nil {
		return "", fmt.Errorf("change a password: %w", err)
	}
	a.Password = hash
	return s.begin(ctx, a, MethodPassword, from, "")
}

// BadPassword says why a new password is refused.
type BadPassword struct{ err error }

// Error is one line for its chooser.
func (e *BadPassword) Error() string { return e.err.Error() }
