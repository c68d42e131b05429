package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/config"
	"skand/internal/vault"
)

func TestValidateNamesTheKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*config.Config)
		want  string
	}{
		"db empty":        {func(c *config.Config) { c.DB = "" }, "db: want sqlite:DIR"},
		"db bare":         {func(c *config.Config) { c.DB = "sqlite:" }, "db: sqlite: needs a folder"},
		"db other":        {func(c *config.Config) { c.DB = "mysql://h/n" }, "db: want sqlite:DIR"},
		"db nameless":     {func(c *config.Config) { c.DB = "postgres://u:p@h" }, "db: postgres://u:xxxxx@h names no"},
		"published mixed": {func(c *config.Config) { c.Published = "postgres://h/n" }, "published: want the same kind"},
		"published same": {func(c *config.Config) { c.DB, c.Published = "postgres://h/n", "postgres://h/n" },
			"published: is the same database"},
		"public":       {func(c *config.Config) { c.Public = "8080" }, "public: "},
		"admin port":   {func(c *config.Config) { c.Admin = ":http" }, "admin: "},
		"one listener": {func(c *config.Config) { c.Admin = c.Public }, "admin: is the same address"},
		"roles none":   {func(c *config.Config) { c.Roles = nil }, "roles: none"},
		"roles wrong":  {func(c *config.Config) { c.Roles = []string{"all"} }, `roles: "all"`},
		"roles twice":  {func(c *config.Config) { c.Roles = []string{"jobs", "jobs"} }, "roles: \"jobs\" is given twice"},
		"proxies":      {func(c *config.Config) { c.TrustedProxies = []string{"lb.example"} }, "trusted_proxies: "},
		"jobs":         {func(c *config.Config) { c.Jobs["seal"] = "TZ=CET 0 0 * * *" }, "jobs.seal: "},
		"oldest due":   {func(c *config.Config) { c.Alerts.OldestDue = time.Second }, "alerts.oldest_due: 1s"},
		"rate":         {func(c *config.Config) { c.Alerts.DeliveryRate = 101 }, "alerts.delivery_rate: 101"},
		"span":         {func(c *config.Config) { c.Alerts.Span = time.Minute }, "alerts.span: 1m0s"},
		"least":        {func(c *config.Config) { c.Alerts.Least = 0 }, "alerts.least: 0"},
		"log level":    {func(c *config.Config) { c.Log.Level = "loud" }, "log.level: "},
		"log format":   {func(c *config.Config) { c.Log.Format = "xml" }, "log.format: "},
		"body":         {func(c *config.Config) { c.Limits.Body = 100 }, "limits.body: 100: want 4096 to"},
		"p192":         {func(c *config.Config) { c.Limits.P192 = -1 }, "limits.p192: -1: want 0 to 1024"},
		"master key": {func(c *config.Config) { c.MasterKey = "c2hvcnQ=" },
			"SKAND_MASTER_KEY: key 1 of 1: has 5 bytes, want 32; make one with `openssl rand -base64 32`"},
		"master keys": {func(c *config.Config) { c.MasterKey = config.Secret(vault.NewMaster().Encode() + ",") },
			"SKAND_MASTER_KEY: key 2 of 2: is empty"},
		"drain": {func(c *config.Config) { c.Timeouts.Drain = time.Minute }, "timeouts.drain: 1m0s: want"},
		"read":  {func(c *config.Config) { c.Timeouts.Read = 0 }, "timeouts.read: 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Defaults()
			test.spoil(&c)
			err := c.Validate()
			require.ErrorContains(t, err, test.want)
			require.Len(t, strings.Split(err.Error(), "\n"), 1, "one fault, one line")
		})
	}
}

func TestValidateAllows(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Config){
		"two free ports": func(c *config.Config) { c.Public, c.Admin = "127.0.0.1:0", "127.0.0.1:0" },
		"job by hand":    func(c *config.Config) { c.Jobs["seal"] = "" },
		"unix socket":    func(c *config.Config) { c.DB = "postgres:///skand?host=/run/postgresql" },
		"one folder":     func(c *config.Config) { c.Published = c.DB },
		"published":      func(c *config.Config) { c.DB, c.Published = "postgresql://h/a", "postgres://h/b" },
		"master keys": func(c *config.Config) {
			c.MasterKey = config.Secret(vault.NewMaster().Encode() + "," + vault.NewMaster().Encode())
		},
		"proxies": func(c *config.Config) { c.TrustedProxies = []string{"10.1.2.3", "fd00::/8"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Defaults()
			change(&c)
			require.NoError(t, c.Validate())
		})
	}
}
