package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"skand/internal/config"
	"skand/internal/safehttp"
	"skand/internal/store"
)

const checkSignIn = "signin"

// signIn looks at what would keep people out, and at what lets others read along. The
// provider's name is resolved; nothing is asked of it.
func (d *doctor) signIn(ctx context.Context, cfg config.Config, x *store.Examination) {
	d.accounts(cfg, x)
	d.adminURL(cfg)
	if cfg.OIDC.Issuer == "" {
		return
	}
	if name := cfg.OIDC.ClientSecretEnv; name != "" && d.env(name) == "" {
		d.say(levelFail, checkSignIn, "oidc.client_secret_env", name+" is not set", "set it where serve runs; without it serve does not start")
	}
	private, err := cfg.OIDC.Private()
	if err == nil {
		err = safehttp.CheckURL(ctx, safehttp.Options{AllowPrivate: private, Resolver: d.resolver}, cfg.OIDC.Issuer)
	}
	var partly *safehttp.PartlyError
	switch {
	case errors.As(err, &partly):
		d.say(levelWarn, checkSignIn, cfg.OIDC.Issuer, err.Error(), "list the addresses in oidc.private_cidrs, or have the name lead to public ones alone")
	case err != nil:
		d.say(levelFail, checkSignIn, cfg.OIDC.Issuer, err.Error(), "correct oidc.issuer, or list its address in oidc.private_cidrs")
	default:
		d.say(levelOK, checkSignIn, cfg.OIDC.Issuer, "can be called", "")
	}
}

func (d *doctor) accounts(cfg config.Config, x *store.Examination) {
	switch {
	case x.Accounts.Unknown != nil || x.Main.Absent || x.Main.Reach != nil || x.Main.Version < x.Main.Newest:
		return // as the store's own check says
	case x.Accounts.Admins == 0 && cfg.OIDC.Issuer == "":
		d.say(levelWarn, checkSignIn, "accounts", fmt.Sprintf("%d, and no enabled admin of every app", x.Accounts.All),
			"add one: skand user add EMAIL --role admin --password-stdin")
	default:
		d.say(levelOK, checkSignIn, "accounts", fmt.Sprintf("%d, of them %d admins of every app", x.Accounts.All, x.Accounts.Admins), "")
	}
}

// adminURL tells whether passwords would cross a network in the clear.
func (d *doctor) adminURL(cfg config.Config) {
	u, err := url.Parse(cfg.AdminURL)
	switch {
	case err == nil && u.Scheme == "http":
		d.say(levelWarn, checkSignIn, "admin_url", cfg.AdminURL+": passwords and sessions cross the network in the clear", "put TLS in front and write https://")
	case cfg.AdminURL == "" && !onThisMachine(cfg.Admin):
		d.say(levelWarn, checkSignIn, "admin_url", "is not set, and admin listens on "+cfg.Admin+": people can sign in on that machine only",
			"put TLS in front of it and set admin_url to the address that people type")
	}
}

func onThisMachine(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
