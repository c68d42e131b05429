// Package auth owns who may do what: API tokens with their roles and scopes, people
// with their passwords and sessions, and the question whether what a caller shows is
// one of ours, also where an OpenID provider vouches for it. It refuses HTTP (package
// web reads headers and cookies and words the answer) and it never keeps a secret:
// only hashes.
package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Role says how far somebody may go on the admin listener; each one includes
// those before it.
type Role string

// The roles, from the lowest. RoleNone is for tokens that only carry scopes, such
// as a network's relay token.
const (
	RoleNone Role = ""
	Viewer   Role = "viewer"
	Editor   Role = "editor"
	Operator Role = "operator"
	Admin    Role = "admin"
)

var roles = []Role{RoleNone, Viewer, Editor, Operator, Admin}

// ParseRole reads a role by its name; "none" is RoleNone.
func ParseRole(name string) (Role, error) {
	if name == "none" {
		return RoleNone, nil
	}
	r := Role(name)
	if r == RoleNone || !slices.Contains(roles, r) {
		return RoleNone, fmt.Errorf("role %q: want none, viewer, editor, operator or admin", name)
	}
	return r, nil
}

// Covers reports whether r is at least need. Nothing covers a role that does not
// exist, and such a role covers nothing.
func (r Role) Covers(need Role) bool {
	have, want := slices.Index(roles, r), slices.Index(roles, need)
	return want >= 0 && have >= want
}

// Scope opens a path of the public listener, apart from any role.
type Scope string

// The scopes.
const (
	ScopeRelay Scope = "relay" // POST /postbacks/relay/{network}
	ScopeS2S   Scope = "s2s"   // POST /v1/clicks, installs, events
)

var scopes = []Scope{ScopeRelay, ScopeS2S}

// ScopeRelayOf opens the relay path of one network alone.
func ScopeRelayOf(network string) Scope { return ScopeRelay + ":" + Scope(strings.ToLower(network)) }

var networkScope = regexp.MustCompile(`^relay:[a-z0-9][a-z0-9.-]{0,199}$`)

func knownScope(s Scope) bool {
	return slices.Contains(scopes, s) || networkScope.MatchString(string(s))
}

// ParseScopes reads names with commas between them, each once and sorted. ""
// gives none.
func ParseScopes(list string) ([]Scope, error) {
	got := []Scope{}
	for name := range strings.SplitSeq(list, ",") {
		s := Scope(strings.TrimSpace(name))
		if s == "" {
			continue
		}
		if !knownScope(s) {
			return nil, fmt.Errorf("scope %q: want relay, relay:NETWORK or s2s", s)
		}
		got = append(got, s)
	}
	slices.Sort(got)
	return slices.Compact(got), nil
}

// Token is an API token as it is kept. A zero ExpiresAt or RevokedAt means never.
type Token struct {
	ID        string
	Name      string // for people
	Role      Role
	Scopes    []Scope
	Apps      []int64 // the only apps that it opens; nil: all
	Hash      []byte  // SHA-256 of the plain token, 32 bytes
	CreatedAt time.Time
	CreatedBy string
	ExpiresAt time.Time
	RevokedAt time.Time
}

const (
	prefix     = "skand_" // lets people and secret scanners recognise one
	secretSize = 32
	plainSize  = len(prefix) + 43 // base64url of 32 bytes, unpadded
	maxName    = 100
)

// New makes a token of t's name, role and scopes, and returns the plain form,
// which exists nowhere else, with t completed by ID and Hash.
func New(t Token) (plain string, _ Token, err error) {
	t.Name = strings.TrimSpace(t.Name)
	switch {
	case t.Name == "" || len(t.Name) > maxName:
		return "", Token{}, fmt.Errorf("token name: want 1 to %d bytes", maxName)
	case !slices.Contains(roles, t.Role):
		return "", Token{}, fmt.Errorf("token role %q: no such role", t.Role)
	case t.Role == RoleNone && len(t.Scopes) == 0:
		return "", Token{}, fmt.Errorf("token %q has neither a role nor a scope: it would open nothing", t.Name)
	}
	for _, s := range t.Scopes {
		if !knownScope(s) {
			return "", Token{}, fmt.Errorf("token scope %q: no such scope", s)
		}
	}
	if t.Apps, err = checkApps(t.Apps); err != nil {
		return "", Token{}, fmt.Errorf("token %w", err)
	}
	if t.Apps != nil && slices.ContainsFunc(t.Scopes, func(s Scope) bool { return s != ScopeS2S }) {
		// A network relays what it has, of all apps; a signature says whose it is.
		return "", Token{}, fmt.Errorf("token %q: a relay is not of single apps; leave out its apps, or the scope relay", t.Name)
	}
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails: it ends the program instead
	plain = prefix + base64.RawURLEncoding.EncodeToString(secret)
	t.ID = uuid.NewString()
	t.Hash = Hash(plain)
	return plain, t, nil
}

// Hash is how a token is kept at rest. One round of SHA-256, with no salt and no
// work factor, is enough because the token is 256 random bits: there is no
// dictionary to try and no second user of the same secret. A password would need
// a slow, salted hash.
func Hash(plain string) []byte {
	sum := sha256.Sum256([]byte(plain))
	return sum[:]
}
