package main

import (
	"context"
	"time"

	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/safehttp"
	"skand/internal/web"
)

// sessions signs people in, by the configuration.
func (a *App) sessions() *auth.Sessions {
	return &auth.Sessions{
		Store: a.store, Clock: a.clock, Hasher: auth.NewHasher(auth.DefaultArgon2()),
		Lifetime: auth.Lifetime{Idle: a.cfg.Sessions.Idle, Absolute: a.cfg.Sessions.Lifetime},
	}
}

// providerTimeout bounds each question to the provider: somebody waits for the answer.
const providerTimeout = 10 * time.Second

// openID is the provider of the configuration, nil where there is none. Its clock is
// the world's also in a lab: the provider knows nothing of ours.
func openID(o config.OIDC, env func(string) string) (*web.OpenID, error) {
	if o.Issuer == "" {
		return nil, nil
	}
	secret := ""
	if o.ClientSecretEnv != "" {
		if secret = env(o.ClientSecretEnv); secret == "" {
			return nil, usagef("oidc.client_secret_env: %s is not set", o.ClientSecretEnv)
		}
	}
	private, err := o.Private()
	if err != nil {
		return nil, usagef("%w", err)
	}
	apps, err := o.AppIDs()
	if err != nil {
		return nil, usagef("%w", err)
	}
	named, err := o.Roles()
	if err != nil {
		return nil, usagef("%w", err)
	}
	roles := make(map[string]auth.Role, len(named))
	for value, role := range named {
		roles[value] = auth.Role(role)
	}
	rules := auth.OpenID{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: secret, Scopes: o.Scopes, EmailClaim: o.EmailClaim, RoleClaim: o.RoleClaim,
		RoleMap: roles, DefaultRole: auth.Role(o.DefaultRole), Domains: o.AllowedDomains, Apps: apps, Provision: o.Provision,
		Client: safehttp.NewClient(safehttp.Options{AllowPrivate: private, Timeout: providerTimeout}), Now: clock.Real{}.Now,
	}
	return &web.OpenID{Name: o.Name, Provider: auth.NewProvider(rules), Rules: rules}, nil
}

// signIn lets people in on the admin listener.
func (a *App) signIn(admin *web.Admin) {
	admin.Sessions, admin.Accounts, admin.OpenID = a.sessions(), a.store, a.openID
	admin.SelfURL, admin.Trusted = a.cfg.AdminURL, a.cfg.Proxies()
}

// sayHowToBegin tells the operator of a server that nobody can sign in to how to add
// somebody.
func (a *App) sayHowToBegin(ctx context.Context) {
	n, _, err := a.store.AccountCounts(ctx)
	switch {
	case err != nil:
		a.log.WarnContext(ctx, "accounts not counted", "error", err)
	case n == 0 && a.cfg.OIDC.Issuer == "":
		a.log.InfoContext(ctx, "nobody can sign in to the pages yet; add somebody with: skand user add EMAIL --role admin --password-stdin")
	}
}
