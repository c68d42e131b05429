package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/store"
)

const issuer = "https://accounts.example.com"

func identity(subject, email string, role auth.Role) auth.Identity {
	return auth.Identity{Issuer: issuer, Subject: subject, Email: email, Role: role}
}

func TestProvisionsByRule(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, _ := b.sessions(t)
	rules := auth.OpenID{Provision: true, DefaultRole: auth.Viewer, Apps: []int64{7}}
	secret, a, err := s.SignInAs(t.Context(), identity("ben-1", "ben@example.com", auth.RoleNone), rules, home)
	require.NoError(t, err)
	require.Equal(t, auth.Viewer, a.Role)
	p, err := s.Known(t.Context(), secret)
	require.NoError(t, err)
	require.Equal(t, []int64{7}, p.Apps)
	_, again, err := s.SignInAs(t.Context(), identity("ben-1", "ben@example.com", auth.RoleNone), rules, home)
	require.NoError(t, err)
	require.Equal(t, a.ID, again.ID)
	_, err = s.Known(t.Context(), secret)
	require.NoError(t, err, "nothing has changed, so nothing ends")
	_, _, err = s.SignIn(t.Context(), "ben@example.com", "", home)
	require.ErrorIs(t, err, auth.ErrWrongPassword, "there is no password")

	for name, rules := range map[string]auth.OpenID{
		"has to be there": {DefaultRole: auth.Viewer}, "no role": {Provision: true},
		"no group": {Provision: true, RoleClaim: "groups", RoleMap: map[string]auth.Role{"ua": auth.Viewer}},
	} {
		_, _, err := s.SignInAs(t.Context(), identity("eve-1", "eve@example.com", auth.RoleNone), rules, home)
		require.ErrorIs(t, err, auth.ErrRefused, name)
	}
	_, err = b.store.AccountByEmail(t.Context(), "eve@example.com")
	require.ErrorIs(t, err, auth.ErrNoAccount)
	lines, _, err := b.store.AuditLog(t.Context(), store.AuditFilter{Action: store.ActSignInFailed}, "", 9)
	require.NoError(t, err)
	require.Len(t, lines, 4)
}

// An address passes from one person to another; an account does not go with it.
func TestAccountIsBoundToItsSubject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, a := b.sessions(t)
	rules := auth.OpenID{Provision: true, DefaultRole: auth.Viewer}
	secret, bound, err := s.SignInAs(t.Context(), identity("anna-1", anna, auth.RoleNone), rules, home)
	require.NoError(t, err)
	require.Equal(t, a.ID, bound.ID, "an account that was there, by its address")
	require.Equal(t, auth.Editor, bound.Role, "with the role that it has here")
	_, _, err = s.SignInAs(t.Context(), identity("anna-2", anna, auth.RoleNone), rules, home)
	require.ErrorIs(t, err, auth.ErrRefused, "another person with her address")
	_, renamed, err := s.SignInAs(t.Context(), identity("anna-1", "anna.new@example.com", auth.RoleNone), rules, home)
	require.NoError(t, err)
	require.Equal(t, a.ID, renamed.ID, "she herself with another address")
	require.Equal(t, anna, renamed.Email)
	_, err = s.Known(t.Context(), secret)
	require.NoError(t, err)

	yes := true
	_, err = b.store.ChangeAccount(t.Context(), a.ID, store.Match{Any: true}, store.AccountChange{Disabled: &yes})
	require.NoError(t, err)
	_, _, err = s.SignInAs(t.Context(), identity("anna-1", anna, auth.RoleNone), rules, home)
	require.ErrorIs(t, err, auth.ErrRefused)
	_, err = s.Known(t.Context(), secret)
	require.ErrorIs(t, err, auth.ErrNoSession)
}

// Where groups give roles, leaving a group takes them.
func TestRolesFollowTheClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, a := b.sessions(t)
	rules := auth.OpenID{Provision: true, RoleClaim: "groups", RoleMap: map[string]auth.Role{"ua": auth.Viewer, "ops": auth.Operator}}
	first, _, err := s.SignInAs(t.Context(), identity("anna-1", anna, auth.Operator), rules, home)
	require.NoError(t, err)
	p, err := s.Known(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, auth.Operator, p.Role)
	second, _, err := s.SignInAs(t.Context(), identity("anna-1", anna, auth.Viewer), rules, away)
	require.NoError(t, err)
	_, err = s.Known(t.Context(), first)
	require.ErrorIs(t, err, auth.ErrNoSession, "the role has changed")
	p, err = s.Known(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, auth.Viewer, p.Role)
	_, _, err = s.SignInAs(t.Context(), identity("anna-1", anna, auth.RoleNone), rules, home)
	require.ErrorIs(t, err, auth.ErrRefused)

	lines, _, err := b.store.AuditLog(t.Context(), store.AuditFilter{Action: store.ActUserChange}, "", 9)
	require.NoError(t, err)
	require.Len(t, lines, 2)
	require.JSONEq(t, `{"from":{"role":"operator"},"to":{"role":"viewer"}}`, string(lines[0].Detail))
	require.JSONEq(t, `{"from":{"role":"editor"},"to":{"role":"operator","bound_to":"`+issuer+`"}}`, string(lines[1].Detail))
	require.Equal(t, anna, lines[0].Who)
	require.Equal(t, "user "+a.Email, lines[0].Object)
}
