package config_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"skand/internal/config"
)

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(fs)
	require.NoError(t, fs.Parse(args))
	return fs
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "skand.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDefaultsAreValidAndLoad(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.Defaults().Validate())
	c, err := config.Load(flags(t), nil)
	require.NoError(t, err)
	require.Equal(t, config.Defaults(), c)
	c, err = config.Load(nil, nil)
	require.NoError(t, err)
	require.Equal(t, config.Defaults(), c)
}

func TestPrintedDefaultsAreTheDefaults(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, config.PrintDefaults(&b))
	c, err := config.Load(flags(t, "--config", write(t, b.String())), nil)
	require.NoError(t, err)
	require.Equal(t, config.Defaults(), c)
	for _, key := range []string{"db:", "published:", "jobs:\n", "  decode: \"@every 5s\"", "  drain: \"8s\""} {
		require.Contains(t, b.String(), key)
	}
	// A value changed in it arrives, so it was not just ignored.
	changed := strings.Replace(b.String(), `read: "15s"`, `read: "16s"`, 1)
	c, err = config.Load(flags(t, "--config", write(t, changed)), nil)
	require.NoError(t, err)
	require.Equal(t, 16*time.Second, c.Timeouts.Read)
}

func TestSourcesInOrder(t *testing.T) {
	t.Parallel()
	path := write(t, "db: sqlite:./file\nlog: {level: warn, format: json}\nroles: [jobs]\njobs: {seal: '0 4 * * *'}\n")
	environ := []string{"HOME=/root", "SKAND_LOG_LEVEL=error", "SKAND_DB=sqlite:./env", "SKAND_CONFIG=" + path,
		"SKAND_LIMITS_RELAY_BODY=9000", "SKAND_TIMEOUTS_DRAIN=3s", "SKAND_SOME_NETWORK_SECRET=s3cret"}
	c, err := config.Load(flags(t, "--db", "sqlite:./flag", "--lab"), environ)
	require.NoError(t, err)
	require.Equal(t, "sqlite:./flag", c.DB, "flag over environment over file")
	require.Equal(t, "error", c.Log.Level, "environment over file")
	require.Equal(t, "json", c.Log.Format, "file over defaults")
	require.Equal(t, []string{"jobs"}, c.Roles)
	require.Equal(t, map[string]string{
		"decode": "@every 5s", "seal": "0 4 * * *", "partitions": "0 */6 * * *", "retention": "17 3 * * *", "health": "* * * * *", "model": "*/5 * * * *",
	}, c.Jobs)
	require.Equal(t, 9000, c.Limits.RelayBody)
	require.Equal(t, 3*time.Second, c.Timeouts.Drain)
	require.True(t, c.Lab)
	require.True(t, c.Does("jobs") && !c.Does("admin"))

	c, err = config.Load(flags(t, "--roles", "admin, jobs", "--trusted-proxies", "10.0.0.0/8,::1"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"admin", "jobs"}, c.Roles)
	require.Equal(t, []string{"10.0.0.0/8", "::1"}, c.TrustedProxies)
}

func TestFileIsStrict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"pubic: :8080":                `unknown key "pubic"; did you mean "public"?`,
		"log: {lvl: info}":            `unknown key "log.lvl"; did you mean "log.level"?`,
		"trusted-proxies: []":         `did you mean "trusted_proxies"?`,
		"jobs: {decde: '@hourly'}":    `did you mean "jobs.decode"?`,
		"log: info":                   "log: want its keys below it",
		"lab: maybe":                  "lab: want true or false",
		"db: 7":                       "db: want a string",
		"limits: {body: many}":        "limits.body: want a whole number",
		"timeouts: {read: 10}":        "timeouts.read: want a duration",
		"roles: {a: b}":               `unknown key "roles.a"`,
		"roles: 7":                    "roles: want a list",
		"db: a\ndb: b":                "already defined",
		"db: [":                       "configuration file",
		"jobs: {seal: '* * * * * *'}": "jobs.seal: schedule",
	} {
		_, err := config.Load(flags(t, "--config", write(t, text)), nil)
		require.ErrorContains(t, err, want, text)
	}
	_, err := config.Load(flags(t, "--config", "/nowhere/skand.yaml"), nil)
	require.ErrorContains(t, err, "/nowhere/skand.yaml")
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	c, err := config.Load(flags(t, "--db", "postgres://u:hunter2@h/skand?sslpassword=hunter2"),
		[]string{"SKAND_ADMIN_TOKEN=hunter2hunter2hunter2", "SKAND_MASTER_KEY=hunter2hunter2hunter2hunter2hunter2hunter2A="})
	require.NoError(t, err)
	require.EqualValues(t, "hunter2hunter2hunter2hunter2hunter2hunter2A=", c.MasterKey)
	require.EqualValues(t, "hunter2hunter2hunter2", c.AdminToken)
	seen := fmt.Sprintf("%v %+v %#v", c.Redacted(), c.Redacted(), c.Redacted())
	require.NotContains(t, seen, "hunter2")
	require.Contains(t, seen, "postgres://u:xxxxx@h/skand")
	_, err = config.Load(flags(t, "--db", "postgres://u:hunter2@h/%zz"), nil)
	require.ErrorContains(t, err, "db: ")
	require.NotContains(t, err.Error(), "hunter2")
}
