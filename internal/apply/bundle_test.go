package apply_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/internal/apply"
	"skand/skan"
)

// labKey is a real P-256 key.
func labKey(t *testing.T) apple.Key {
	t.Helper()
	a, err := apple.FromSeed(1)
	require.NoError(t, err)
	keys, err := a.Public()
	require.NoError(t, err)
	return keys[1]
}

// golden is the folder of testdata with a real key in it.
func golden(t *testing.T) *apply.Bundle {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bundle.yaml", "other.yaml", "puzzle-schema.json"} {
		text, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		text = []byte(strings.ReplaceAll(string(text), "SPKI", labKey(t).SPKI))
		require.NoError(t, os.WriteFile(dir+"/"+name, text, 0o600))
	}
	b, err := apply.Read(dir)
	require.NoError(t, err)
	return b
}

func TestGoldenBundle(t *testing.T) {
	t.Parallel()
	b := golden(t)
	require.NoError(t, b.Check(nil))

	require.Len(t, b.Apps, 2)
	require.EqualValues(t, fixtures.PuzzleAppID, b.Apps[0].AppID)
	require.Equal(t, "Puzzle com.example.puzzle", b.Apps[0].Name+" "+b.Apps[0].BundleID)
	require.Equal(t, aggregate.DefaultSettings(), b.Apps[0].Settings())
	d, err := b.Apps[0].Document()
	require.NoError(t, err)
	want, err := fixtures.PuzzleSchema()
	require.NoError(t, err)
	require.True(t, want.Equal(d))

	require.EqualValues(t, 10738027756, b.Apps[1].AppID, "beyond 32 bits, digit by digit")
	require.Equal(t, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), b.Apps[1].SchemaEffectiveFrom.UTC())
	d, err = b.Apps[1].Document()
	require.NoError(t, err)
	require.Equal(t, "123456789012.123456789", d.Windows[0].Fine[0].Events[0].RevenueMax.String(), "money keeps its digits in YAML")

	day := "2026-11-01"
	require.Equal(t, []apply.Network{{
		NetworkID: "example123.skadnetwork", Name: "Example Ads", Aliases: []string{"com.example"},
		SourceDigits: []string{"campaign", "geo", "placement"}, ShortForm: "last",
		Campaigns: []apply.Campaign{{Source: "39", From: &day, CampaignID: "c39", CampaignName: "Winter"}},
	}}, b.Networks)
	require.Equal(t, "example-events", b.Destinations[0].ID)
	require.Equal(t, map[string]string{"purchase": "Purchase"}, b.Destinations[0].EventMap)
	require.Equal(t, []skan.TrustedKey{{Name: "lab", KID: "lab/0", SPKI: labKey(t).SPKI, Environment: skan.Production}}, b.Trusted())
	cidrs, err := b.Forward.Prefixes()
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, cidrs)
}

// What the command sends to a server is the bundle that it read.
func TestBundleSurvivesJSON(t *testing.T) {
	t.Parallel()
	b := golden(t)
	require.NoError(t, b.Check(nil))
	text, err := json.Marshal(b)
	require.NoError(t, err)
	back, err := apply.Parse(text)
	require.NoError(t, err)
	require.NoError(t, back.Check(nil))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(again))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	k, b, depth := 30, 7, 3
	a := apply.App{AppID: 1, Currency: "EUR", Window: "day", K: &k, B: &b, Depth: &depth, Revenue: "banded"}
	require.Equal(t, aggregate.Settings{
		K: 30, B: 7, Depth: 3, Window: aggregate.Day, Currency: "EUR", Revenue: "banded", SealDelay: time.Hour,
	}, a.Settings())
	d, err := (&apply.App{Schema: []byte("null")}).Document()
	require.NoError(t, err)
	require.Nil(t, d, "null is as good as absent")
}

// Every fault names its field.
func TestCheckNamesTheField(t *testing.T) {
	t.Parallel()
	const dest = "destinations: [{id: d, app_id: 1, network_id: n, kinds: [install], url: 'https://ads.example/'"
	for text, want := range map[string]string{
		"apps: [{app_id: 0}]":                                                                      "apps[0].app_id: give the App Store id",
		"apps: [{app_id: -5}]":                                                                     "apps[0].app_id",
		"apps: [{app_id: 1, k: 9}]":                                                                "apps[0].k: 9 is below the floor",
		"apps: [{app_id: 1, b: 2}]":                                                                "apps[0].b: 2 is below the floor",
		"apps: [{app_id: 1, k: 0}]":                                                                "apps[0].k: 0 is below the floor",
		"apps: [{app_id: 1, k: 10, b: 11}]":                                                        "apps[0].b: 11 is above k",
		"apps: [{app_id: 1, raw_retention: 9d}]":                                                   "apps[0].raw_retention: 9d is out of range",
		"apps: [{app_id: 1, raw_retention: a month}]":                                              "apps[0].raw_retention",
		"apps: [{app_id: 1, depth: 5}]":                                                            "apps[0].depth",
		"apps: [{app_id: 1, window: month}]":                                                       "apps[0].window",
		"apps: [{app_id: 1, revenue: none}]":                                                       "apps[0].revenue",
		"apps: [{app_id: 1, currency: usd}]":                                                       "apps[0].currency",
		"apps: [{app_id: 1, currency: QQQ}]":                                                       `apps[0].currency: "QQQ" is not in ISO 4217`,
		"apps: [{app_id: 1}, {app_id: 1}]":                                                         "apps[1]: app 1 is named twice",
		"apps: [{app_id: 1, schema: {windows: 1}}]":                                                "apps[0].schema",
		"apps: [{app_id: 1, schema: {windows: []}}]":                                               "apps[0].schema",
		"apps: [{app_id: 1, schema: there.json}]":                                                  `apps[0].schema: "there.json" is the name of a file`,
		"apps: [{app_id: 1, schema: {app_id: 2, windows: [{index: 0}]}}]":                          "apps[0].schema/app_id: the schema is of app 2",
		"apps: [{app_id: 1, schema: {currency: EUR, windows: [{index: 0}]}}]":                      "apps[0].schema/currency: EUR differs",
		"networks: [{network_id: ''}]":                                                             `networks[0]: "" is no network id`,
		"networks: [{network_id: a b}]":                                                            `networks[0]: "a b" is no network id`,
		"networks: [{network_id: a, aliases: [-]}]":                                                `networks[0]: "-" is no network id`,
		"networks: [{network_id: a}, {network_id: A}]":                                             "networks[1]: network a is named twice",
		"networks: [{network_id: a, aliases: [x]}, {network_id: b, aliases: [X]}]":                 "networks[1].aliases: network x is named twice",
		"networks: [{network_id: a, short_form: middle}]":                                          "networks[0].short_form: want last or first",
		"networks: [{network_id: a, campaigns: [{source: '1', from: soon}]}]":                      `networks[0].campaigns[0].from: "soon" is no day`,
		"networks: [{network_id: a, campaigns: [{source: '1', to: 2026-13-01}]}]":                  "networks[0].campaigns[0].to",
		dest + ", timeout: 2m}]":                                                                   `destinations[0]: destination "d": timeout`,
		dest + ", signing: jws}]":                                                                  `destinations[0]: destination "d": signing: jws signs a body, and GET has none`,
		dest + ", method: PUT}]":                                                                   "method: \"PUT\" is not one of its values; write GET or POST",
		dest + "}, {id: d, app_id: 1, kinds: [install], scope: all, url: 'https://ads.example/'}]": "destinations[1]: destination d is named twice",
		strings.Replace(dest, "https", "http", 1) + "}]":                                           "must be https",
		"trusted_keys: [{name: k, spki: x, environment: production}]":                              "trusted_keys:",
		"trusted_keys: [{name: k, spki: x, environment: test}]":                                    "trusted_keys[0].environment: want production or development",
		"forward: {allow_private_cidrs: [10.0.0.1]}":                                               "forward.allow_private_cidrs[0]",
	} {
		b, err := apply.Parse([]byte(text))
		require.NoError(t, err, text)
		err = b.Check(nil)
		require.ErrorContains(t, err, want, text)
		var refused *apply.Refused
		require.ErrorAs(t, err, &refused, text)
	}
}

func TestCheckFindsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	b, err := apply.Parse([]byte("apps: [{app_id: 0, k: 3}, {app_id: 2, depth: 1}]\nnetworks: [{network_id: '?'}]"))
	require.NoError(t, err)
	err = b.Check(nil)
	for _, want := range []string{"apps[0].app_id", "apps[0].k", "apps[1].depth", "networks[0]"} {
		require.ErrorContains(t, err, want)
	}
}

// The allow-list in force counts unless the bundle brings its own.
func TestPlainDestinationsNeedTheAllowList(t *testing.T) {
	t.Parallel()
	const text = "destinations: [{id: d, app_id: 1, kinds: [install], scope: all, url: 'http://10.1.2.3/'}]\n"
	allow := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for add, known := range map[string][]netip.Prefix{"": allow, "forward: {allow_private_cidrs: [10.0.0.0/8]}": nil} {
		b, err := apply.Parse([]byte(text + add))
		require.NoError(t, err)
		require.NoError(t, b.Check(known))
	}
	b, err := apply.Parse([]byte(text + "forward: {allow_private_cidrs: []}"))
	require.NoError(t, err)
	require.ErrorContains(t, b.Check(allow), "must be https")
}
