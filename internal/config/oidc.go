package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c Config) validateAdminURL() error {
	if c.AdminURL == "" {
		return nil
	}
	u, err := url.Parse(c.AdminURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("admin_url: %q: want https://HOST[:PORT] and no path", c.AdminURL)
	}
	return nil
}

func (c Config) validateSessions() error {
	s := c.Sessions
	switch {
	case s.Idle < 5*time.Minute || s.Idle > 90*24*time.Hour:
		return fmt.Errorf("sessions.idle: %s: want 5m to 2160h", s.Idle)
	case s.Lifetime < s.Idle || s.Lifetime > 365*24*time.Hour:
		return fmt.Errorf("sessions.lifetime: %s: want at least sessions.idle and at most 8760h", s.Lifetime)
	}
	return nil
}

// personRoles are those that somebody can have; internal/auth orders them.
var personRoles = []string{"viewer", "editor", "operator", "admin"}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// validateOIDC says what would only be found out at the first sign-in.
func (c Config) validateOIDC() error {
	o := c.OIDC
	if o.Issuer == "" {
		return nil
	}
	if err := o.validateClient(); err != nil {
		return err
	}
	if _, err := o.Roles(); err != nil {
		return err
	}
	switch {
	case o.DefaultRole != "" && !slices.Contains(personRoles, o.DefaultRole):
		return fmt.Errorf("oidc.default_role: %q: want one of %s, or nothing", o.DefaultRole, strings.Join(personRoles, ", "))
	case (o.RoleClaim == "") != (len(o.RoleMap) == 0):
		return errors.New("oidc.role_map: goes with oidc.role_claim; give both, or neither")
	case o.Provision && o.RoleClaim == "" && o.DefaultRole == "":
		return errors.New("oidc.default_role: is needed for accounts that are made at the first sign-in; or give oidc.role_claim, or provision: false")
	}
	for _, d := range o.AllowedDomains {
		if d == "" || strings.ContainsAny(d, "@* /") {
			return fmt.Errorf("oidc.allowed_domains: %q: want a domain such as example.com", d)
		}
	}
	if _, err := o.AppIDs(); err != nil {
		return err
	}
	_, err := o.Private()
	return err
}

func (o OIDC) validateClient() error {
	u, err := url.Parse(o.Issuer)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("oidc.issuer: %q: want the provider's address, such as https://accounts.example.com", o.Issuer)
	case u.Scheme == "http" && len(o.PrivateCIDRs) == 0:
		return fmt.Errorf("oidc.issuer: %q: want https; plain http is for addresses of oidc.private_cidrs alone", o.Issuer)
	case o.ClientID == "":
		return errors.New("oidc.client_id: is needed with oidc.issuer; the provider gives it when skand is registered there")
	case o.ClientSecretEnv != "" && !envName.MatchString(o.ClientSecretEnv):
		return errors.New("oidc.client_secret_env: want the name of an environment variable, not the secret itself")
	case !slices.Contains(o.Scopes, "openid"):
		return errors.New("oidc.scopes: openid is needed; without it there is no ID token")
	case o.EmailClaim == "":
		return errors.New("oidc.email_claim: is empty; want the claim that holds the address, such as email")
	}
	return nil
}

// Roles is RoleMap by value of the claim.
func (o OIDC) Roles() (map[string]string, error) {
	roles := map[string]string{}
	for _, pair := range o.RoleMap {
		at := strings.LastIndexByte(pair, '=')
		if at < 1 || !slices.Contains(personRoles, pair[at+1:]) {
			return nil, fmt.Errorf("oidc.role_map: %q: want VALUE=ROLE with one of %s", pair, strings.Join(personRoles, ", "))
		}
		if _, twice := roles[pair[:at]]; twice {
			return nil, fmt.Errorf("oidc.role_map: %q is there twice", pair[:at])
		}
		roles[pair[:at]] = pair[at+1:]
	}
	return roles, nil
}

// AppIDs is Apps as numbers.
func (o OIDC) AppIDs() ([]int64, error) {
	var ids []int64
	for _, text := range o.Apps {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return nil, fmt.Errorf("oidc.apps: %q: want the App Store id of an app", text)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Private is PrivateCIDRs as prefixes.
func (o OIDC) Private() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range o.PrivateCIDRs {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("oidc.private_cidrs: %q: want a CIDR such as 10.0.0.0/8", text)
		}
		out = append(out, p)
	}
	return out, nil
}
