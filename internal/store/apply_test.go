package store

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/forward"
	"skand/internal/apply"
	"skand/internal/clock"
	"skand/internal/pgtest"
	"skand/skan"
)

// bundle names one of everything.
func bundle(t *testing.T) *apply.Bundle {
	t.Helper()
	b := &apply.Bundle{
		Apps:         []apply.App{{AppID: testApp, Name: "Puzzle", Schema: purchases("1", "2")}},
		Networks:     []apply.Network{{NetworkID: testNetwork, Aliases: []string{"com.Example"}, ShortForm: "first"}},
		Destinations: []forward.Destination{destination("d", "http://10.1.2.3/?id={delivery_id}")},
		Forward:      &apply.Forward{AllowPrivateCIDRs: []string{"10.0.0.0/8"}},
	}
	keys, err := simulated().Public()
	require.NoError(t, err)
	for _, k := range keys {
		b.TrustedKeys = append(b.TrustedKeys, apply.TrustedKey{Name: k.Name, KID: k.KID, SPKI: k.SPKI, Environment: k.Environment})
	}
	return b
}

func destination(id, url string) forward.Destination {
	return forward.Destination{
		ID: id, AppID: testApp, NetworkID: testNetwork, Kinds: []string{forward.KindEvent}, Enabled: true, URL: url,
	}.WithDefaults()
}

// configuration is everything that apply writes, but the times of writing.
func (in inbox) configuration() []string {
	var all []string
	for _, q := range []string{
		`SELECT app_id, definition FROM app ORDER BY 1`, `SELECT * FROM app_setting ORDER BY 1, 2`,
		`SELECT network_id, definition FROM network ORDER BY 1`, `SELECT * FROM network_alias ORDER BY 1`,
		`SELECT * FROM network_setting ORDER BY 1, 2`, `SELECT app_id, version, effective_from, document FROM schema_version ORDER BY 1, 2`,
		`SELECT name, kid, spki, environment FROM trusted_key ORDER BY 1`, `SELECT * FROM forward_setting ORDER BY 1`,
		`SELECT id, definition, template_version FROM destination ORDER BY 1`,
	} {
		all = append(all, in.dump(q)...)
	}
	return all
}

func actions(changes []Change) map[string]string {
	m := map[string]string{}
	for _, c := range changes {
		m[c.What] += c.Action
	}
	return m
}

func TestApplyIsIdempotentAndDryRunsTellTheSame(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		step := func(change func(*apply.Bundle)) map[string]string {
			t.Helper()
			make := func() *apply.Bundle {
				b := bundle(t)
				if change != nil {
					change(b)
				}
				return b
			}
			before := in.configuration()
			dry, err := in.s.Apply(t.Context(), make(), "tester", true)
			require.NoError(t, err)
			require.Equal(t, before, in.configuration(), "a dry run stores nothing")
			require.Equal(t, dry, in.apply(make()))
			return actions(dry)
		}
		app, schema := fmt.Sprintf("app %d", testApp), fmt.Sprintf("schema of app %d", testApp)
		first := step(nil)
		require.Len(t, first, 8)
		for what, action := range first {
			require.Equal(t, "create", action, what)
		}
		stored := in.configuration()
		in.now.Advance(time.Hour)
		for what, action := range step(nil) {
			require.Equal(t, "same", action, what)
		}
		require.Equal(t, stored, in.configuration())

		second := step(func(b *apply.Bundle) {
			b.Apps[0].Name, b.Apps[0].K, b.Apps[0].Schema = "Puzzle 2", ptr(30), purchases("1", "2", "3")
			b.Networks[0].ShortForm = "last"
			b.Destinations[0].SendRevenue = true
			b.Forward.AllowPrivateCIDRs = append(b.Forward.AllowPrivateCIDRs, "192.168.0.0/16")
			b.TrustedKeys = b.TrustedKeys[:1]
		})
		require.Equal(t, map[string]string{
			app: "update", app + " settings": "update", schema: "update", "network " + testNetwork: "update",
			"network " + testNetwork + " short_form": "update", "destination d": "update", "forward": "update", "trusted key lab-p192": "same",
		}, second)
		allow, err := in.s.AllowPrivate(t.Context())
		require.NoError(t, err)
		require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.0.0/16")}, allow)
		keys, err := in.s.TrustedKeys(t.Context())
		require.NoError(t, err)
		require.Len(t, keys, 3, "what a bundle does not name stays")
		_, err = skan.AppleKeys().With(keys...)
		require.NoError(t, err)
	})
}

func TestApplyIsAllOrNothing(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		b := bundle(t)
		b.Forward = nil // then 10.1.2.3 is not allowed
		b.Apps[0].K = ptr(5)
		_, err := in.s.Apply(t.Context(), b, "tester", false)
		require.ErrorContains(t, err, "apps[0].k: 5 is below the floor of 10")
		require.ErrorContains(t, err, "destinations[0]")
		b = bundle(t)
		b.Destinations = append(b.Destinations, destination("e", "https://e.example/"))
		in.apply(b)
		stored := in.configuration()
		b = bundle(t)
		b.Apps[0].Name = "other"
		b.Destinations = []forward.Destination{destination("d", "https://h.example/")}
		b.Destinations[0].AppID = 1
		_, err = in.s.Apply(t.Context(), b, "tester", false)
		require.ErrorContains(t, err, "cannot change")
		require.Equal(t, stored, in.configuration())
	})
}

func TestApplySchemaVersions(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		publish := func(from *time.Time, prices ...string) error {
			_, err := in.s.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{
				{AppID: testApp, Schema: purchases(prices...), SchemaEffectiveFrom: from},
			}}, "eve", false)
			return err
		}
		past, later := start.AddDate(-1, 0, 0), start.Add(48*time.Hour)
		require.NoError(t, publish(&past, "1"), "the first may say since when it was on the phones")
		require.ErrorContains(t, publish(&past, "2"), "schema_effective_from: 2025-11-02T00:00:00Z is not after version 1")
		after := past.Add(time.Hour)
		require.ErrorContains(t, publish(&after, "2"), "is in the past")
		require.NoError(t, publish(&later, "2"))
		require.ErrorContains(t, publish(nil, "3"), "is not after version 2, which takes effect at 2026-11-04T00:00:00Z; give a later time")
		in.now.Advance(49 * time.Hour)
		require.NoError(t, publish(nil, "3"))
		require.NoError(t, publish(nil, "3"), "the same again")
		versions, _, err := in.s.Schemas(t.Context(), testApp, "", 10)
		require.NoError(t, err)
		require.Len(t, versions, 3)
		for i, v := range versions {
			require.Equal(t, 3-i, v.Version)
			require.Equal(t, "eve", v.PublishedBy)
		}
		require.Equal(t, in.now.Now(), versions[0].EffectiveFrom)
		require.Equal(t, start, versions[1].PublishedAt)
		for i, v := range versions {
			require.Contains(t, string(v.Document), fmt.Sprintf(`"revenue_est":"%d"`, 3-i), "published is immutable")
		}

		respelt, err := json.MarshalIndent(json.RawMessage(purchases("3.00")), "", "   ")
		require.NoError(t, err)
		changes := in.apply(&apply.Bundle{Apps: []apply.App{{AppID: testApp, Schema: respelt}}})
		require.Equal(t, "same", actions(changes)[fmt.Sprintf("schema of app %d", testApp)], "white space and 3.00 for 3 are no version")
		_, err = in.s.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: testApp, Schema: json.RawMessage(`{"windows":[]}`)}}}, "eve", false)
		require.ErrorContains(t, err, "apps[0].schema")
	})
}

// TestApplySettingsFromTheNextWindow: what is in force changes at a boundary, a
// change that waits can be replaced or withdrawn.
func TestApplySettingsFromTheNextWindow(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		history := func() (out []string) {
			for _, l := range in.dump(`SELECT effective_from, settings FROM app_setting ORDER BY effective_from`) {
				var from int64
				var s struct {
					K      int
					Window string
				}
				at := 0
				for ; l[at] != '|'; at++ {
					from = from*10 + int64(l[at]-'0')
				}
				require.NoError(t, json.Unmarshal([]byte(l[at+1:]), &s))
				out = append(out, fmt.Sprintf("%s %d %s", time.UnixMilli(from).UTC().Format(time.DateOnly), s.K, s.Window))
			}
			return out
		}
		set := func(k int, window string) {
			in.register(func(a *apply.App) { a.K, a.Window = &k, window })
		}
		in.now.Advance(time.Hour)
		set(20, "week")
		require.Equal(t, []string{"1970-01-01 20 week"}, history(), "the first holds from the beginning")
		set(30, "week")
		set(40, "week")
		require.Equal(t, []string{"1970-01-01 20 week", "2026-11-09 40 week"}, history())
		set(20, "week")
		require.Equal(t, []string{"1970-01-01 20 week"}, history(), "withdrawn")
		set(20, "day")
		require.Equal(t, []string{"1970-01-01 20 week", "2026-11-09 20 day"}, history())
		in.now.Set(start.Add(weekLong)) // at the boundary it is in force
		set(25, "day")
		require.Equal(t, []string{"1970-01-01 20 week", "2026-11-09 20 day", "2026-11-10 25 day"}, history(), "of days, from tomorrow")
		in.now.Advance(30 * time.Hour)
		set(25, "week")
		require.Equal(t, []string{"1970-01-01 20 week", "2026-11-09 20 day", "2026-11-10 25 day", "2026-11-16 25 week"}, history())
	})
}

func TestApplyShortFormHistory(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		form := func(f string) {
			in.apply(&apply.Bundle{Networks: []apply.Network{{NetworkID: "EXAMPLE123.skadnetwork", ShortForm: f}}})
		}
		for _, f := range []string{"", "last", "first", "first", "last", "first"} {
			form(f)
		}
		line := func(from time.Time, f string) string { return fmt.Sprintf("%s|%d|%s", testNetwork, ms(from), f) }
		next := start.Add(weekLong)
		want := []string{line(time.UnixMilli(0), "last"), line(next, "first")}
		require.Equal(t, want, in.dump(`SELECT * FROM network_setting ORDER BY effective_from`), "a change that waits is replaced")
		in.now.Set(next)
		form("last")
		require.Equal(t, append(want, line(next.Add(weekLong), "last")), in.dump(`SELECT * FROM network_setting ORDER BY effective_from`))
	})
}

// TestApplyTrustedKeys: a production key that is not Apple's would let its holder
// make installs; and no key may make the others unreadable.
func TestApplyTrustedKeys(t *testing.T) {
	t.Parallel()
	for name, main := range map[string]string{"sqlite": "sqlite:" + t.TempDir(), "postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), Options{Main: main, Lab: Production, Clock: clock.NewManual(start)})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			b := &apply.Bundle{TrustedKeys: bundle(t).TrustedKeys}
			_, err = s.Apply(t.Context(), b, "tester", false)
			require.ErrorContains(t, err, "trusted_keys[0].environment: production keys other than Apple's work only in a lab")
			b.TrustedKeys = b.TrustedKeys[2:]
			require.Equal(t, "development", b.TrustedKeys[0].Environment)
			_, err = s.Apply(t.Context(), b, "tester", false)
			require.NoError(t, err)

			stranger, err := apple.FromSeed(99)
			require.NoError(t, err)
			keys, err := stranger.Public()
			require.NoError(t, err)
			same := apply.TrustedKey{Name: "another", KID: b.TrustedKeys[0].KID, SPKI: keys[2].SPKI, Environment: "development"}
			_, err = s.Apply(t.Context(), &apply.Bundle{TrustedKeys: []apply.TrustedKey{same}}, "tester", false)
			require.ErrorContains(t, err, `trusted_keys: trusted key "`)
			require.ErrorContains(t, err, "belongs to key")
			var refused *apply.Refused
			require.ErrorAs(t, err, &refused, "whose fault it is")
			stored, err := s.TrustedKeys(t.Context())
			require.NoError(t, err)
			require.Len(t, stored, 1)
			_, err = skan.AppleKeys().With(stored...)
			require.NoError(t, err, "what is stored can be read by the verifier")
		})
	}
}
