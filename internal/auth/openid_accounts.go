package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Attempt takes one of the attempts that a network has, before anything is asked of the
// provider for it; SignInAs gives it back. It returns *TooMany where there is none.
func (s *Sessions) Attempt(ctx context.Context, from From) error {
	wait, err := s.Store.SpendAttempt(ctx, bucketOf("network", from.Client), ofNetwork)
	if err != nil {
		return fmt.Errorf("count attempts: %w", err)
	}
	if wait > 0 {
		return &TooMany{After: wait}
	}
	return nil
}

// Refused tells of a sign-in at the provider that proved nothing.
func (s *Sessions) Refused(ctx context.Context, from From) error {
	return s.Store.SignInFailed(ctx, Account{}, MethodOpenID, from.Client, "provider")
}

// SignInAs begins a session for a person whom the provider has proved to be who they
// are. It returns ErrRefused where the rules have no place for them.
//
// The person is the provider's subject. An address alone finds an account that no
// subject is bound to yet, and binds it: addresses pass from one person to another,
// subjects don't.
func (s *Sessions) SignInAs(ctx context.Context, who Identity, rules OpenID, from From) (secret string, _ Account, err error) {
	a, err := s.person(ctx, who, rules)
	if err == nil {
		if a, err = s.Store.Provision(ctx, a); err == nil {
			secret, err = s.begin(ctx, a, MethodOpenID, from, "")
		}
		if err == nil {
			err = s.Store.ReturnAttempt(ctx, bucketOf("network", from.Client), ofNetwork, 0)
		}
	}
	switch {
	case errors.Is(err, ErrWrongPassword): // changed or disabled at this very moment
		return "", Account{}, refusedf("the account has just been changed")
	case errors.Is(err, ErrRefused):
		if told := s.Store.SignInFailed(ctx, a, MethodOpenID, from.Client, "refused"); told != nil {
			return "", Account{}, fmt.Errorf("sign in: %w", told)
		}
		return "", Account{}, err
	case err != nil:
		return "", Account{}, fmt.Errorf("sign in: %w", err)
	}
	return secret, a, nil
}

// person is the account of an identity, as it is to be from now on: found, or made by
// rule. With an error that is ErrRefused it is whose account was refused, if any.
func (s *Sessions) person(ctx context.Context, who Identity, rules OpenID) (Account, error) {
	a, err := s.Store.AccountBySubject(ctx, who.Issuer, who.Subject)
	if errors.Is(err, ErrNoAccount) {
		a, err = s.Store.AccountByEmail(ctx, who.Email)
		if err == nil && a.Subject != "" {
			return a, refusedf("%s is the account of another person at the provider", who.Email)
		}
	}
	role := who.Role
	if role == RoleNone {
		role = rules.DefaultRole
	}
	switch {
	case errors.Is(err, ErrNoAccount):
		if !rules.Provision {
			return Account{}, refusedf("%s has no account here, and oidc.provision is off", who.Email)
		}
		if role == RoleNone {
			return Account{}, refusedf("no rule gives %s a role", who.Email)
		}
		now := s.Clock.Now()
		return Account{
			ID: uuid.NewString(), Email: who.Email, Role: role, Apps: rules.Apps, Issuer: who.Issuer, Subject: who.Subject,
			Version: 1, CreatedAt: now, ChangedAt: now, CreatedBy: "openid",
		}, nil
	case err != nil:
		return Account{}, err
	case a.Disabled:
		return a, refusedf("the account %s is disabled", a.Email)
	}
	a.Issuer, a.Subject = who.Issuer, who.Subject
	if rules.RoleClaim != "" {
		// The provider gives roles, so it can take them: who has left the group is out.
		if role == RoleNone {
			return a, refusedf("no rule gives %s a role (any more)", a.Email)
		}
		a.Role = role
	}
	return a, nil
}
