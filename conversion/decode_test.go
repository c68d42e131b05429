package conversion_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures"
	"skand/schema"
	"skand/skan"
)

func puzzleVersions(t *testing.T, documents ...string) []conversion.SchemaVersion {
	t.Helper()
	d, err := fixtures.PuzzleSchema()
	require.NoError(t, err)
	versions := []conversion.SchemaVersion{{Version: 1, EffectiveFrom: noon.Add(-1000 * time.Hour), Document: d}}
	for i, text := range documents {
		d, err := schema.Parse([]byte(text))
		require.NoError(t, err)
		versions = append(versions, conversion.SchemaVersion{
			Version: i + 2, EffectiveFrom: noon.Add(time.Duration(i) * time.Hour), Document: d,
		})
	}
	return versions
}

// pending is a counted postback of version 4 that arrived at noon.
func pending(change func(*conversion.Pending)) *conversion.Pending {
	p := &conversion.Pending{
		AppID: fixtures.PuzzleAppID, Environment: skan.Production, Identity: []byte{1}, CopyID: "copy",
		Framework: skan.SKAdNetwork, Version: "4.0", Kind: conversion.KindInstall, IDKind: "source", SourceID: "5239",
		ReceivedAt: noon,
	}
	change(p)
	return p
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*conversion.Pending)
		counts string
		state  schema.State
		payer  bool
		money  string // min est max
	}{
		"fine, no purchase": {func(p *conversion.Pending) { p.Fine = ptr(0) }, "fine", "decoded", false, "0 0 0"},
		"fine, payer":       {func(p *conversion.Pending) { p.Fine = ptr(4) }, "fine", "decoded", true, "2 3 4"},
		"unmapped":          {func(p *conversion.Pending) { p.Fine = ptr(63) }, "unmapped", "unmapped", false, "0 0 0"},
		"unset":             {func(*conversion.Pending) {}, "unset", "unset", false, "0 0 0"},
		"unset, 3 digits":   {func(p *conversion.Pending) { p.SourceID = "239" }, "unset", "unset", false, "0 0 0"},
		"null":              {func(p *conversion.Pending) { p.SourceID = "39" }, "null", "null", false, "0 0 0"},
		"null, campaign":    {func(p *conversion.Pending) { p.IDKind = "campaign"; p.SourceID = "100" }, "null", "null", false, "0 0 0"},
		"null, window 1":    {func(p *conversion.Pending) { p.Index = 1; p.SourceID = "39" }, "null", "null", false, "0 0 0"},
		"coarse never pays": {func(p *conversion.Pending) { p.SourceID = "39"; p.Coarse = "high" }, "coarse", "decoded", false, "0 0 0"},
		"coarse, window 2":  {func(p *conversion.Pending) { p.Index = 2; p.SourceID = "39"; p.Coarse = "low" }, "coarse", "decoded", false, "0 0 0"},
		"re-engagement":     {func(p *conversion.Pending) { p.Kind = conversion.KindReengagement; p.Fine = ptr(4) }, "fine", "decoded", true, "2 3 4"},
		"qualifier":         {func(p *conversion.Pending) { p.Kind = conversion.KindQualifier }, "null", "null", false, "0 0 0"},
		"altered qualifier": {func(p *conversion.Pending) { p.Kind = conversion.KindQualifier; p.Fine = ptr(4) }, "null", "null", false, "0 0 0"},
		"coarse qualifier":  {func(p *conversion.Pending) { p.Kind = conversion.KindQualifier; p.Coarse = "high" }, "null", "null", false, "0 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pending(c.change)
			d := conversion.Decode(p, puzzleVersions(t), noon)
			require.Equal(t, c.counts, d.ValueKind)
			require.Equal(t, c.state, d.State)
			require.Equal(t, c.payer, d.Payer)
			require.Equal(t, c.money, d.RevenueMin.String()+" "+d.RevenueEst.String()+" "+d.RevenueMax.String())
			require.Equal(t, 1, d.SchemaVersion)
			require.Empty(t, d.Flags)
			require.Equal(t, p.CopyID, d.CopyID)
			require.Equal(t, noon, d.DecodedAt)

			bare := conversion.Decode(p, nil, noon)
			require.Zero(t, bare.SchemaVersion, "without a schema")
			require.False(t, bare.Payer)
			if c.counts == "fine" || c.counts == "coarse" {
				require.Equal(t, "unmapped", bare.ValueKind, "kept until there is a schema, never a zero")
			} else {
				require.Equal(t, c.counts, bare.ValueKind)
			}
		})
	}
}

func TestDecodeFlagsAndOpenBands(t *testing.T) {
	t.Parallel()
	const head = `{"currency":"USD","windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"purchase","revenue_min":"5"}]}]}]`
	p := pending(func(p *conversion.Pending) { p.Fine, p.ReceivedAt = ptr(1), noon.Add(9000*time.Hour) })

	d := conversion.Decode(p, puzzleVersions(t, head+"}"), noon)
	require.Nil(t, d.RevenueMax, "an open band without a cap")
	require.Empty(t, d.Flags)
	d = conversion.Decode(p, puzzleVersions(t, head+`,"revenue_cap":"3"}`), noon)
	require.Equal(t, []string{conversion.FlagClamped}, d.Flags)
	require.True(t, d.RevenueMax.Equal(decimal.New(3, 0)))
	p.Fine = ptr(33)
	d = conversion.Decode(p, puzzleVersions(t, head+`,"overlap_bit":5}`), noon)
	require.Equal(t, []string{conversion.FlagOverlap}, d.Flags)
	require.Equal(t, conversion.CountFine, d.ValueKind)
	d = conversion.Decode(p, puzzleVersions(t, `{"currency":"USD","windows":[{"index":0,"reserved":[[30,40]],"fine":[]}]}`), noon)
	require.Equal(t, schema.StateReserved, d.State)
	require.Equal(t, conversion.CountUnmapped, d.ValueKind)
}

func TestDecodeUsesReengagementWindowsAndTheirLock(t *testing.T) {
	t.Parallel()
	versions := puzzleVersions(t, `{"currency":"USD",
		"windows":[{"index":0,"fine":[{"value":1,"events":[]}]}],
		"reengagement_windows":[{"index":0,"lock":{"on":"time","value":12},"fine":[{"value":1,"events":[{"name":"purchase","revenue_min":"1","revenue_max":"3"}]}]}]}`)
	p := pending(func(p *conversion.Pending) {
		p.Fine, p.ReceivedAt, p.Framework, p.Version = ptr(1), noon.Add(9000*time.Hour), skan.AdAttributionKit, ""
	})
	require.False(t, conversion.Decode(p, versions, noon).Payer)
	p.Kind = conversion.KindReengagement
	d := conversion.Decode(p, versions, noon)
	require.True(t, d.Payer)
	require.Equal(t, p.ReceivedAt.Add(-48*time.Hour), d.Launch.Point)
}
