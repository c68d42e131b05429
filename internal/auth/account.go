package auth

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// ErrNoAccount is returned where no account is the one asked for.
var ErrNoAccount = errors.New("no such account")

// Account is a person who may sign in.
type Account struct {
	ID    string
	Email string // normalised
	Role  Role   // never RoleNone
	Apps  []int64
	// Password is its argon2id hash with parameters and salt; "" where the person has
	// none and signs in at the provider.
	Password string
	// Issuer and Subject are the person at the OpenID provider; "" before the first
	// sign-in there.
	Issuer, Subject string
	Disabled        bool
	Version         int // counts changes
	CreatedAt       time.Time
	CreatedBy       string
	ChangedAt       time.Time
	SignedInAt      time.Time // zero: never
}

// Principal is the account as a caller.
func (a Account) principal(session string) Principal {
	return Principal{ID: a.ID, Name: a.Email, Role: a.Role, Apps: a.Apps, User: a.ID, Session: session}
}

// NewAccount checks and completes an account that is to be kept: Email, Role and Apps
// are its maker's. password is the plain one, or "" for a person of the provider.
func (h Hasher) NewAccount(a Account, password string) (Account, error) {
	var err error
	if a.Email, err = NormaliseEmail(a.Email); err != nil {
		return Account{}, fmt.Errorf("email: %w", err)
	}
	if a.Role, a.Apps, err = CheckRights(a.Role, a.Apps); err != nil {
		return Account{}, err
	}
	if password != "" {
		if err := CheckPassword(password, a.Email); err != nil {
			return Account{}, err
		}
		a.Password = h.Hash(password)
	}
	a.ID, a.Version, a.ChangedAt = uuid.NewString(), 1, a.CreatedAt
	return a, nil
}

// CheckRights checks the role and the grant of a person; the grant comes back sorted.
func CheckRights(r Role, apps []int64) (Role, []int64, error) {
	if r == RoleNone || !slices.Contains(roles, r) {
		return r, nil, fmt.Errorf("role %q: want viewer, editor, operator or admin", string(r))
	}
	apps, err := checkApps(apps)
	if err != nil {
		return r, nil, err
	}
	return r, apps, nil
}

// Session is a signed-in browser.
type Session struct {
	ID        string // for people; opens nothing
	Hash      []byte // SHA-256 of the secret in the cookie
	Account   string
	CreatedAt time.Time
	SeenAt    time.Time // last use, some minutes coarse
	Method    string    // MethodPassword or MethodOpenID
	Client    string    // network that it began in: /24 or /48
	Agent     string    // the browser, as it calls itself
}

// How a session began.
const (
	MethodPassword = "password"
	MethodOpenID   = "openid"
)
