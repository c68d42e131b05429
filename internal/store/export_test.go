package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/apply"
	"skand/internal/clock"
)

// exportedFiles is what `skand export` would write.
func exportedFiles(t *testing.T, s *Store) map[string]string {
	t.Helper()
	b, err := s.Export(t.Context())
	require.NoError(t, err)
	files, err := b.Files()
	require.NoError(t, err)
	texts := map[string]string{}
	for _, f := range files {
		texts[f.Name] = string(f.Text)
	}
	return texts
}

// readBack writes the export into a folder and reads that as apply does.
func readBack(t *testing.T, s *Store) *apply.Bundle {
	t.Helper()
	b, err := s.Export(t.Context())
	require.NoError(t, err)
	files, err := b.Files()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "export")
	require.NoError(t, apply.WriteFiles(dir, files, false))
	back, err := apply.Read(dir)
	require.NoError(t, err)
	return back
}

// requireSame: applying what was exported changes nothing.
func requireSame(t *testing.T, s *Store) {
	t.Helper()
	changes, err := s.Apply(t.Context(), readBack(t, s), "tester", true)
	require.NoError(t, err)
	for what, action := range actions(changes) {
		require.Equal(t, "same", action, what)
	}
}

// freshStore is another empty store on the same kind of database.
func freshStore(t *testing.T, like *Store, now clock.Clock) *Store {
	t.Helper()
	main := migratedSQLite(t)
	published := main
	if like.main.dialect == postgres {
		main, published = migratedPostgres(t)
	}
	s, err := Open(t.Context(), Options{Main: main, Published: published, Lab: Lab, Clock: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// TestExportRoundTrip: whatever was applied, in however many steps, its export is
// the same to its store, and makes a store of which the export is the same bytes.
func TestExportRoundTrip(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		r := rand.New(rand.NewPCG(11, 4))
		for range 12 {
			in.apply(randomConfiguration(t, r, in.now.Now()))
			in.now.Advance(time.Duration(r.IntN(100)) * time.Hour)
			requireSame(t, in.s)
		}
		want := exportedFiles(t, in.s)
		require.Greater(t, len(want), 5)
		require.Equal(t, want, exportedFiles(t, in.s))

		fresh := freshStore(t, in.s, in.now)
		_, err := fresh.Apply(t.Context(), readBack(t, in.s), "tester", false)
		require.NoError(t, err)
		require.Equal(t, want, exportedFiles(t, fresh))
		requireSame(t, fresh)
	})
}

// randomConfiguration names some of everything; prices grow with time, so that a
// schema that is named differs from the one before.
func randomConfiguration(t *testing.T, r *rand.Rand, now time.Time) *apply.Bundle {
	b := &apply.Bundle{Forward: &apply.Forward{AllowPrivateCIDRs: []string{"10.0.0.0/8"}}}
	names := []string{"Puzzle", "a: b # c", "\"quoted\"", "日本語", "null", "", "two\nlines"}
	some := func(n int) []int { return r.Perm(n)[:1+r.IntN(n)] }
	for _, i := range some(3) {
		a := apply.App{AppID: testApp + int64(i), Name: names[r.IntN(len(names))], K: ptr(10 + r.IntN(30)), TrustDevelopment: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			a.Schema = purchases(fmt.Sprint(1 + now.Unix()))
		}
		if r.IntN(3) == 0 {
			a.RawRetention = "30d"
		}
		b.Apps = append(b.Apps, a)
	}
	for _, i := range some(4) {
		day := "2026-11-01"
		b.Networks = append(b.Networks, apply.Network{
			NetworkID: fmt.Sprintf("Net%d.SKAdNetwork", i), Name: names[r.IntN(len(names))], Aliases: []string{fmt.Sprintf("com.alias%d", i)},
			ShortForm: []string{"", "last", "first"}[r.IntN(3)], Campaigns: []apply.Campaign{{Source: "39", From: &day, CampaignName: names[r.IntN(len(names))]}},
		})
	}
	for _, i := range some(3) {
		d := destination(fmt.Sprint("d", i), "http://10.1.2.3/?e={event_name}&id={delivery_id}")
		d.EventMap, d.SendRevenue = map[string]string{"purchase": names[r.IntN(len(names))] + "x"}, r.IntN(2) == 0
		d.Enabled = r.IntN(2) == 0
		b.Destinations = append(b.Destinations, d)
	}
	if r.IntN(2) == 0 {
		b.TrustedKeys = bundle(t).TrustedKeys
	}
	return b
}

// TestExportOfEffectiveTimes: a version that waits is exported with its time; one
// in force without it, so that the schema in the files can be edited and applied.
func TestExportOfEffectiveTimes(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		past, later := start.AddDate(-1, 0, 0), start.Add(48*time.Hour)
		publish := func(from *time.Time, price string) {
			in.apply(&apply.Bundle{Apps: []apply.App{{AppID: testApp, Schema: purchases(price), SchemaEffectiveFrom: from}}})
		}
		publish(&past, "1")
		require.NotContains(t, exportedFiles(t, in.s)["apps.yaml"], "schema_effective_from")
		requireSame(t, in.s)

		edited := readBack(t, in.s)
		edited.Apps[0].Schema = purchases("1", "2")
		_, err := in.s.Apply(t.Context(), edited, "tester", true)
		require.NoError(t, err, "what is exported can be edited and applied")

		publish(&later, "2")
		files := exportedFiles(t, in.s)
		require.Contains(t, files["apps.yaml"], `schema_effective_from: "2026-11-04T00:00:00Z"`)
		require.Contains(t, files[fmt.Sprintf("schemas/app-%d.json", testApp)], `"revenue_est": "2"`, "the newest, which apply compares with")
		requireSame(t, in.s)
		waiting := readBack(t, in.s)
		in.now.Advance(49 * time.Hour)
		changes, err := in.s.Apply(t.Context(), waiting, "tester", true)
		require.NoError(t, err)
		require.Equal(t, "same", actions(changes)[fmt.Sprintf("app %d", testApp)], "files of before it took effect")
		require.NotContains(t, exportedFiles(t, in.s)["apps.yaml"], "schema_effective_from")
		requireSame(t, in.s)
	})
}

// A store that earlier versions wrote holds the time in the app's definition.
func TestExportOfAnOlderStore(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1") })
		in.sql(`UPDATE app SET definition = ? WHERE app_id = ?`,
			fmt.Sprintf(`{"app_id":%d,"k":10,"b":3,"schema_effective_from":"2026-01-01T00:00:00+01:00"}`, testApp), testApp)
		require.NotContains(t, exportedFiles(t, in.s)["apps.yaml"], "schema_effective_from")
		requireSame(t, in.s)
	})
}

// What one export holds was so at one moment, and it holds nothing that is secret.
func TestExportHoldsNoTokens(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		empty, err := in.s.Export(t.Context())
		require.NoError(t, err)
		require.Equal(t, &apply.Bundle{Apps: []apply.App{}, Networks: []apply.Network{}, Destinations: []forward.Destination{}}, empty)
		in.apply(bundle(t))
		for name := range exportedFiles(t, in.s) {
			require.Contains(t, []string{
				"apps.yaml", "networks.yaml", "destinations.yaml", "trusted_keys.yaml", "forward.yaml", fmt.Sprintf("schemas/app-%d.json", testApp),
			}, name)
		}
	})
}
