package conversion_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/skan"
)

func ptr[T any](v T) *T { return &v }

// Every pair of sources, with the same value and with another one.
func TestMeetRanksSources(t *testing.T) {
	t.Parallel()
	sources := []conversion.Source{conversion.Developer, conversion.Network, conversion.Relay}
	a, b := conversion.Values{Fine: ptr(12)}, conversion.Values{Fine: ptr(13)}
	for i, by := range sources {
		for j, from := range sources {
			for _, sealed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s then %s, sealed %t", by, from, sealed), func(t *testing.T) {
					t.Parallel()
					better := j < i && !sealed
					require.Equal(t, conversion.Meeting{State: conversion.Duplicate, Raise: better},
						conversion.Meet(a, by, sealed, a, from))
					require.Equal(t, conversion.Meeting{
						State: conversion.Conflict, Differs: []string{"conversion-value"}, TakeOver: better,
					}, conversion.Meet(a, by, sealed, b, from))
				})
			}
		}
	}
}

func TestDifferNamesEveryUnsignedMember(t *testing.T) {
	t.Parallel()
	whole := conversion.Values{Fine: ptr(12), Coarse: "low", Country: "US", Interaction: "click"}
	all := []string{"conversion-value", "coarse-conversion-value", "country-code", "ad-interaction-type"}
	require.Empty(t, whole.Differ(conversion.Values{Fine: ptr(12), Coarse: "low", Country: "US", Interaction: "click"}))
	require.Empty(t, conversion.Values{}.Differ(conversion.Values{}))
	require.Equal(t, all, whole.Differ(conversion.Values{}), "lacking a member differs from having it")
	require.Equal(t, all, conversion.Values{}.Differ(whole))
	require.Equal(t, all[:1], conversion.Values{Fine: ptr(0)}.Differ(conversion.Values{}), "0 is a value")
	for i, v := range []conversion.Values{
		{Fine: ptr(13), Coarse: "low", Country: "US", Interaction: "click"},
		{Fine: ptr(12), Coarse: "high", Country: "US", Interaction: "click"},
		{Fine: ptr(12), Coarse: "low", Country: "DE", Interaction: "click"},
		{Fine: ptr(12), Coarse: "low", Country: "US", Interaction: "view"},
	} {
		require.Equal(t, all[i:i+1], whole.Differ(v))
	}
}

func TestStand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verdict skan.Verdict
		trusts  bool
		want    conversion.Standing
	}{
		{skan.Valid, false, conversion.Standing{Claims: true, Environment: skan.Production}},
		{skan.Valid, true, conversion.Standing{Claims: true, Environment: skan.Production}},
		{skan.Develop, true, conversion.Standing{Claims: true, Environment: skan.Development}},
		{skan.Develop, false, conversion.Standing{State: conversion.Quarantined, Reason: "development_not_trusted"}},
		{skan.Invalid, true, conversion.Standing{State: conversion.Quarantined, Reason: "why"}},
		{skan.Malformed, true, conversion.Standing{State: conversion.Quarantined, Reason: "why"}},
		{skan.Unsupported, true, conversion.Standing{State: conversion.Unsupported, Reason: "why"}},
		{"", true, conversion.Standing{State: conversion.Quarantined, Reason: "why"}},
	} {
		require.Equal(t, c.want, conversion.Stand(&skan.Result{Verdict: c.verdict, Reason: "why"}, c.trusts), "%s %t", c.verdict, c.trusts)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for want, p := range map[conversion.Kind]skan.Postback{
		conversion.KindInstall:      {DidWin: true, ConversionType: skan.ConversionRedownload},
		conversion.KindReengagement: {DidWin: true, ConversionType: skan.ConversionReengagement},
		conversion.KindQualifier:    {ConversionType: skan.ConversionReengagement},
		conversion.KindTest:         {SourceAppID: ptr(int64(0)), ConversionType: skan.ConversionDownload},
	} {
		require.Equal(t, want, conversion.KindOf(&p))
	}
	require.Equal(t, conversion.KindInstall, conversion.KindOf(&skan.Postback{DidWin: true, SourceAppID: ptr(int64(7))}))
}

func TestIdentifier(t *testing.T) {
	t.Parallel()
	kind, id := conversion.Identifier(&skan.Postback{CampaignID: ptr(int64(42))})
	require.Equal(t, "campaign 42", kind+" "+id)
	kind, id = conversion.Identifier(&skan.Postback{SourceIdentifier: "0039"})
	require.Equal(t, "source 0039", kind+" "+id, "leading zeros are digits")
	require.Equal(t, 4, (&conversion.Pending{IDKind: kind, SourceID: id}).Digits())
	require.Zero(t, (&conversion.Pending{IDKind: "campaign", SourceID: "42"}).Digits())
}
