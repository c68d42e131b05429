package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
	"skand/internal/store"
)

// unanswered is a resolver that reaches nobody.
var unanswered = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}

func looked(id, url string, change func(*store.DestinationSecrets)) store.DestinationSecrets {
	one := store.DestinationSecrets{Registered: forward.Registered{Destination: forward.Destination{
		ID: id, AppID: 1, Scope: "all", Kinds: []string{"install"}, URL: url, Enabled: true,
	}.WithDefaults()}}
	if change != nil {
		change(&one)
	}
	return one
}

// TestDoctorLooksAtDestinations: each fault with its level, what was found and what to
// do; nothing is sent, and nothing is asked but the resolver.
func TestDoctorLooksAtDestinations(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	const here = "http://127.0.0.1:9/x?c={click_id}"
	bearer := func(env string, current ...store.SecretInfo) func(*store.DestinationSecrets) {
		return func(one *store.DestinationSecrets) {
			one.Destination.Signing, one.Destination.SecretEnv, one.Current = "bearer", env, current
		}
	}
	standing := func(s forward.Standing) func(*store.DestinationSecrets) {
		return func(one *store.DestinationSecrets) { one.Registered = one.With(s) }
	}
	env := map[string]string{"T_HERE": "a-token-of-some-length", "T_SHORT": "abc"}
	for name, c := range map[string]struct {
		one         store.DestinationSecrets
		level, says string
		todo        string
	}{
		"well":                      {looked("d", here, nil), levelOK, "active", ""},
		"stored":                    {looked("d", here, bearer("T_NONE", store.SecretInfo{Purpose: "signing", Env: "T_NONE"})), levelOK, "active", ""},
		"stored by hand":            {looked("d", here, bearer("T_NONE", store.SecretInfo{Purpose: "signing"})), levelOK, "active", ""},
		"in the environment":        {looked("d", here, bearer("T_HERE")), levelOK, "active", ""},
		"nowhere":                   {looked("d", here, bearer("T_NONE")), levelFail, "T_NONE is set neither in the store nor here", "skand secret set d <"},
		"of another variable":       {looked("d", here, bearer("T_NEW", store.SecretInfo{Purpose: "signing", Env: "T_OLD"})), levelFail, "T_NEW is set neither", "T_NEW"},
		"of another purpose":        {looked("d", here, bearer("", store.SecretInfo{Purpose: "oauth"})), levelFail, "none is named", "secret set d"},
		"of a form that is refused": {looked("d", here, bearer("T_SHORT")), levelFail, "it must have 8 to", "correct T_SHORT"},
		"of oauth": {looked("d", here, func(one *store.DestinationSecrets) {
			one.Destination.OAuth = &forward.OAuth{TokenURL: "http://127.0.0.1:9/t", ClientID: "c", SecretEnv: "T_NONE"}
		}), levelFail, "oauth secret: T_NONE", "--purpose oauth"},
		"off":            {looked("d", "https://nowhere.example/", func(one *store.DestinationSecrets) { one.Destination.Enabled = false }), levelOK, "off", ""},
		"paused":         {looked("d", here, standing(forward.Standing{PausedReason: "401 ten times", Since: at})), levelFail, "paused, everything waits: 401 ten times, since 2026-11-01", "skand destination resume d"},
		"open":           {looked("d", here, standing(forward.Standing{Breaker: forward.Breaker{OpenedAt: at}})), levelWarn, "only probes", "resume d"},
		"given up":       {looked("d", here, standing(forward.Standing{DisabledReason: "410"})), levelFail, "disabled by skand", "enable d"},
		"stopped":        {looked("d", here, standing(forward.Standing{DisabledReason: "asked", DisabledBy: "ann"})), levelWarn, "disabled by ann", "enable d"},
		"no such name":   {looked("d", "https://nowhere.example/", nil), levelFail, "url https://nowhere.example: the name nowhere.example does not resolve", "spelling"},
		"not listed":     {looked("d", "https://10.1.2.3/", nil), levelFail, "address 10.1.2.3 is refused (private)", "allow_private_cidrs"},
		"plain":          {looked("d", "http://8.8.8.8/", nil), levelFail, "plain http", "write https://"},
		"by half a name": {looked("d", "https://127.1/", nil), levelFail, "write it as 127.0.0.1", "skand apply"},
	} {
		d := &doctor{now: clock.NewManual(at).Now, env: func(name string) string { return env[name] }, resolver: unanswered}
		d.destinations(t.Context(), &store.Examination{
			Destinations: []store.DestinationSecrets{c.one}, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		})
		require.Len(t, d.found, 1, "%s: %+v", name, d.found)
		f := d.found[0]
		require.Equal(t, c.level, f.Level, "%s: %+v", name, f)
		require.Equal(t, "destination d", f.Where)
		require.Contains(t, f.Found, c.says, name)
		require.Contains(t, f.Todo, c.todo, name)
		require.NotContains(t, f.Found+f.Todo, "a-token", name)
	}
}

// TestDoctorReadsDestinationsOfAStore: through the program, of a store as apply leaves it.
func TestDoctorReadsDestinationsOfAStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := "sqlite:" + filepath.Join(dir, "data")
	file := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(secretsYAML, "URL", "http://127.0.0.1:1")), 0o600))
	code, out, errs := runSkand(t, "migrate", "--db", db)
	require.Zero(t, code, out+errs)
	code, out, errs = runSkand(t, "apply", "-f", file, "--db", db)
	require.Zero(t, code, out+errs)
	code, _, errs = runWith(t, "bearer-51d0c6b2a4e8f7", "secret", "set", "bearer", "--db", db)
	require.Zero(t, code, errs)
	code, _, errs = runSkand(t, "destination", "disable", "dead", "--reason", "it is dead", "--db", db)
	require.Zero(t, code, errs)

	by := diagnose(t, 1, "--db", db)
	require.Equal(t, levelOK, by["forward destination bearer"].Level, "%+v", by["forward destination bearer"])
	require.Contains(t, by["forward destination waits"].Found, "T_NOBODY is set neither in the store nor here")
	require.Contains(t, by["forward destination oauth"].Found, "oauth secret: T_CLIENT")
	code, out, _ = runSkand(t, "doctor", "--db", db)
	require.Equal(t, 1, code)
	require.Contains(t, out, "warn  forward    destination dead: disabled by skand destination, everything waits until it expires: it is dead, since ")
}
