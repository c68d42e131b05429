package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"skand/internal/clock"
)

// Why a caller is not let in. Which of the reasons made a token bad is nobody's
// business but the log's.
var (
	ErrNoToken  = errors.New("a bearer token is required")
	ErrBadToken = errors.New("the bearer token is unknown, expired or revoked")
)

// minBootstrap is the least length of a bootstrap token in bytes: people choose
// it, so it is worth as much as they care.
const minBootstrap = 8

// Principal is who is calling.
type Principal struct {
	ID     string // of the token or the account; "bootstrap" for the bootstrap admin
	Name   string // of the token, or the person's e-mail address
	Role   Role
	Scopes []Scope
	// Apps are the only apps that the caller may see or change; nil is every app.
	Apps    []int64
	User    string // account of a person who is signed in; "" for a token
	Session string // its id for people; "" for a token
}

// Restricted reports whether there are apps that the caller may not see.
func (p Principal) Restricted() bool { return p.Apps != nil }

// MayApp reports whether the caller may see and, as far as the role goes, change an app.
func (p Principal) MayApp(appID int64) bool {
	return !p.Restricted() || slices.Contains(p.Apps, appID)
}

// May reports whether the principal's role is at least need.
func (p Principal) May(need Role) bool { return p.Role.Covers(need) }

// Has reports whether the principal has the scope.
func (p Principal) Has(s Scope) bool { return slices.Contains(p.Scopes, s) }

// TokenStore is where tokens are kept.
type TokenStore interface {
	// TokenByHash returns the token with that hash, also an expired or revoked
	// one, and ErrBadToken if there is none.
	TokenByHash(ctx context.Context, hash []byte) (Token, error)
}

// Authenticator answers who bears a token.
type Authenticator struct {
	Store TokenStore
	Clock clock.Clock
	// BootstrapHash is the hash of the operator's SKAND_ADMIN_TOKEN, see
	// BootstrapHash; nil if there is none.
	BootstrapHash []byte
}

// BootstrapHash checks and hashes the token of the bootstrap admin: the one that
// lets somebody in before there is any token in the store. "" gives nil, which is
// no bootstrap admin.
func BootstrapHash(plain string) ([]byte, error) {
	if plain == "" {
		return nil, nil
	}
	if len(plain) < minBootstrap || strings.ContainsFunc(plain, notVisible) {
		return nil, fmt.Errorf("SKAND_ADMIN_TOKEN: want at least %d visible ASCII characters, "+
			"for example the output of: openssl rand -hex 32", minBootstrap)
	}
	return Hash(plain), nil
}

// notVisible is what no Authorization header can carry within a token.
func notVisible(r rune) bool { return r <= ' ' || r > '~' }

// Authenticate returns who bears the token: ErrNoToken for "", ErrBadToken for a
// token that opens nothing, another error if the store cannot be asked (then
// nobody knows, and the caller should answer 503 rather than 401).
//
// It writes nothing: a "last used" on each request would make every read of the
// API a write to the database.
func (a *Authenticator) Authenticate(ctx context.Context, bearer string) (Principal, error) {
	if bearer == "" {
		return Principal{}, ErrNoToken
	}
	hash := Hash(bearer)
	if a.BootstrapHash != nil && subtle.ConstantTimeCompare(hash, a.BootstrapHash) == 1 {
		return Principal{ID: "bootstrap", Name: "bootstrap admin", Role: Admin, Scopes: slices.Clone(scopes)}, nil
	}
	if len(bearer) != plainSize || !strings.HasPrefix(bearer, prefix) {
		return Principal{}, ErrBadToken // spares the database strangers' guesses
	}
	// The look-up by hash is no oracle: what its timing could tell is a prefix of
	// a SHA-256 that nobody can aim a token at.
	t, err := a.Store.TokenByHash(ctx, hash)
	if err != nil {
		return Principal{}, fmt.Errorf("authenticate: %w", err)
	}
	now := a.Clock.Now()
	switch {
	case subtle.ConstantTimeCompare(hash, t.Hash) != 1,
		!t.RevokedAt.IsZero(),
		!t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return Principal{}, ErrBadToken
	}
	return Principal{ID: t.ID, Name: t.Name, Role: t.Role, Scopes: t.Scopes, Apps: t.Apps}, nil
}

// Bearer takes the token out of an Authorization header's value; "" if it holds
// none. The scheme's name has no case (RFC 9110).
func Bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
