package config_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/config"
)

const provider = `
oidc:
  issuer: https://accounts.example.com
  client_id: skand
  client_secret_env: SKAND_OIDC_SECRET
  role_claim: groups
  role_map: [ua=viewer, "team=x=editor"]
  allowed_domains: [example.com]
  apps: ["525463029"]
  private_cidrs: [10.0.0.0/8]
`

func TestOIDCIsRead(t *testing.T) {
	t.Parallel()
	c, err := config.Load(flags(t, "--config", write(t, provider)), []string{"SKAND_OIDC_DEFAULT_ROLE=viewer", "SKAND_SESSIONS_IDLE=1h"})
	require.NoError(t, err)
	roles, err := c.OIDC.Roles()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"ua": "viewer", "team=x": "editor"}, roles)
	apps, err := c.OIDC.AppIDs()
	require.NoError(t, err)
	require.Equal(t, []int64{525463029}, apps)
	private, err := c.OIDC.Private()
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, private)
	require.Equal(t, "viewer", c.OIDC.DefaultRole)
	require.Equal(t, time.Hour, c.Sessions.Idle)
	require.True(t, c.OIDC.Provision)
}

func TestSignInFaultsNameTheKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*config.Config)
		want  string
	}{
		"url path":    {func(c *config.Config) { c.AdminURL = "https://h/x" }, "admin_url: "},
		"url scheme":  {func(c *config.Config) { c.AdminURL = "h" }, "admin_url: "},
		"idle":        {func(c *config.Config) { c.Sessions.Idle = time.Second }, "sessions.idle: 1s"},
		"lifetime":    {func(c *config.Config) { c.Sessions.Lifetime = time.Hour }, "sessions.lifetime: 1h0m0s: want at least"},
		"issuer":      {func(c *config.Config) { c.OIDC.Issuer = "accounts" }, "oidc.issuer: "},
		"issuer http": {func(c *config.Config) { c.OIDC.Issuer = "http://h" }, "oidc.issuer: \"http://h\": want https"},
		"client":      {func(c *config.Config) { c.OIDC.ClientID = "" }, "oidc.client_id: "},
		"secret":      {func(c *config.Config) { c.OIDC.ClientSecretEnv = "hunter 2" }, "oidc.client_secret_env: want the name"},
		"scopes":      {func(c *config.Config) { c.OIDC.Scopes = []string{"email"} }, "oidc.scopes: openid"},
		"email":       {func(c *config.Config) { c.OIDC.EmailClaim = "" }, "oidc.email_claim: "},
		"map":         {func(c *config.Config) { c.OIDC.RoleMap = []string{"ua=root"} }, "oidc.role_map: \"ua=root\""},
		"map twice":   {func(c *config.Config) { c.OIDC.RoleMap = []string{"a=viewer", "a=admin"} }, "is there twice"},
		"map alone":   {func(c *config.Config) { c.OIDC.RoleClaim = "" }, "oidc.role_map: goes with"},
		"default":     {func(c *config.Config) { c.OIDC.DefaultRole = "root" }, "oidc.default_role: \"root\""},
		"no role": {func(c *config.Config) { c.OIDC.RoleClaim, c.OIDC.RoleMap = "", nil },
			"oidc.default_role: is needed"},
		"domain":  {func(c *config.Config) { c.OIDC.AllowedDomains = []string{"@example.com"} }, "oidc.allowed_domains: "},
		"apps":    {func(c *config.Config) { c.OIDC.Apps = []string{"puzzle"} }, "oidc.apps: "},
		"private": {func(c *config.Config) { c.OIDC.PrivateCIDRs = []string{"10.0.0.1"} }, "oidc.private_cidrs: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(flags(t, "--config", write(t, provider)), nil)
			require.NoError(t, err)
			if name == "issuer http" {
				c.OIDC.PrivateCIDRs = nil
			}
			test.spoil(&c)
			err = c.Validate()
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "hunter")
		})
	}
}
