package apply_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/apply"
)

// exported writes a bundle's files into a folder and reads that back.
func exported(t *testing.T, b *apply.Bundle) (map[string]string, *apply.Bundle) {
	t.Helper()
	files, err := b.Files()
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "new", "folder")
	require.NoError(t, apply.WriteFiles(dir, files, false))
	back, err := apply.Read(dir)
	require.NoError(t, err)
	return texts(files), back
}

func texts(files []apply.File) map[string]string {
	m := map[string]string{}
	for _, f := range files {
		m[f.Name] = string(f.Text)
	}
	return m
}

func bundleJSON(t *testing.T, b *apply.Bundle) string {
	t.Helper()
	text, err := json.Marshal(b)
	require.NoError(t, err)
	return string(text)
}

func TestExportIsWhatApplyReads(t *testing.T) {
	t.Parallel()
	b := golden(t)
	require.NoError(t, b.Check(nil))
	files, back := exported(t, b)
	require.NoError(t, back.Check(nil))
	again, err := back.Files()
	require.NoError(t, err)
	require.Equal(t, files, texts(again), "the same bundle, the same bytes")

	for i := range b.Apps { // the schema is spelt canonically
		want, err := b.Apps[i].Document()
		require.NoError(t, err)
		got, err := back.Apps[i].Document()
		require.NoError(t, err)
		require.True(t, want.Equal(got))
		b.Apps[i].Schema, back.Apps[i].Schema = nil, nil
	}
	require.Equal(t, bundleJSON(t, b), bundleJSON(t, back))
}

func TestExportedFiles(t *testing.T) {
	t.Parallel()
	b := golden(t)
	require.NoError(t, b.Check(nil))
	b.TrustedKeys = nil
	files, _ := exported(t, b)
	for name, text := range files {
		golden, err := os.ReadFile(filepath.Join("testdata", "export", filepath.FromSlash(name)))
		require.NoError(t, err)
		require.Equal(t, string(golden), text, name)
	}
	require.Len(t, files, 6)
}

// An empty store gives a folder that can be applied.
func TestExportOfNothing(t *testing.T) {
	t.Parallel()
	files, back := exported(t, &apply.Bundle{})
	require.Equal(t, map[string]string{"apps.yaml": "# Written by skand export; read by skand apply.\napps: []\n"}, files)
	require.Equal(t, "{}", bundleJSON(t, back))
}

// Whatever is in a bundle comes back through the files, to the byte.
func TestExportKeepsEveryText(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 1))
	for range 60 {
		b := randomBundle(r)
		_, back := exported(t, b)
		require.Equal(t, bundleJSON(t, b), bundleJSON(t, back))
	}
}

// randomText is made of what YAML, JSON or both find special.
func randomText(r *rand.Rand) string {
	parts := []string{"a", "Z", "0", "9", "-", ".", "_", "/", " ", ":", ": ", " #", "#", "'", "\"", "\\", "\n", "\r", "\t", "&", "*", "!", "|", ">",
		"%", "@", "`", "{", "}", "[", "]", ",", "?", "~", "<", "=", "null", "true", "No", "on", "y", "1e3", "0x1", ".inf", "<<", "---", "...",
		"é", "日本", "😀", "\u0000", "\u007f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\b"}
	var b strings.Builder
	for range 1 + r.IntN(5) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

func randomBundle(r *rand.Rand) *apply.Bundle {
	b := &apply.Bundle{}
	some := func(write func(i int)) {
		for i := range r.IntN(3) {
			write(i)
		}
	}
	some(func(i int) {
		k := r.IntN(50)
		a := apply.App{AppID: int64(i) + 1 + r.Int64N(1<<40), Name: randomText(r), BundleID: randomText(r), K: &k, TrustDevelopment: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			from := time.UnixMilli(r.Int64N(1 << 41)).UTC()
			a.SchemaEffectiveFrom = &from
		}
		b.Apps = append(b.Apps, a)
	})
	some(func(i int) {
		day, text := "2026-11-01", randomText(r)
		b.Networks = append(b.Networks, apply.Network{
			NetworkID: randomText(r), Name: randomText(r), Aliases: []string{randomText(r), randomText(r)},
			Campaigns: []apply.Campaign{{Source: "39", From: &day, To: &text, CampaignName: randomText(r)}, {Source: randomText(r)}},
		})
	})
	some(func(i int) {
		b.Destinations = append(b.Destinations, forward.Destination{
			ID: fmt.Sprint("d", i), AppID: 7, Kinds: []string{"install", "event"}, URL: "https://a.example/?a={x}&b=" + randomText(r),
			EventMap: map[string]string{randomText(r): randomText(r), "purchase": randomText(r)}, Enabled: r.IntN(2) == 0,
			Timeout: time.Duration(1+r.IntN(60)) * time.Second,
		}.WithDefaults())
	})
	if r.IntN(2) == 0 {
		b.Forward = &apply.Forward{}
		some(func(int) { b.Forward.AllowPrivateCIDRs = append(b.Forward.AllowPrivateCIDRs, randomText(r)) })
	}
	return b
}

// Beyond what is read of YAML the file is JSON.
func TestExportOfVeryMuch(t *testing.T) {
	t.Parallel()
	n := apply.Network{NetworkID: "n"}
	for i := range 30_000 {
		n.Campaigns = append(n.Campaigns, apply.Campaign{Source: fmt.Sprint(i % 10000), CampaignName: fmt.Sprintf("campaign number %d", i)})
	}
	b := &apply.Bundle{Networks: []apply.Network{n}}
	files, back := exported(t, b)
	require.Contains(t, files, "networks.json")
	require.NotContains(t, files, "networks.yaml")
	require.Equal(t, bundleJSON(t, b), bundleJSON(t, back))
}

func TestExportRefusesAFileName(t *testing.T) {
	t.Parallel()
	_, err := (&apply.Bundle{Apps: []apply.App{{AppID: 1, Schema: json.RawMessage(`"there.json"`)}}}).Files()
	require.ErrorContains(t, err, "app 1: schema")
}
