package conversion_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
)

func TestInstallOut(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	in := &conversion.KeptInstall{
		Install: conversion.Install{
			ID: "i1", AppID: 525463029, Time: noon.In(berlin), ClickID: "c1", IDFA: "idfa", IDFV: "idfv", IP: "192.0.2.1",
			Country: "DE", ATTStatus: "authorized",
		},
		Decision: conversion.Decision{
			Attributed: true, ClickID: "c1", NetworkID: "example.skadnetwork", Reason: "click_id", Flags: []string{"reused_click_id"},
			TouchTime: noon.Add(-time.Hour),
		},
		IsTest: true, Review: "released",
	}
	click := &conversion.Click{
		ID: "c1", NetworkID: "Example.SKAdNetwork", CampaignID: "c39", CampaignName: "Winter", AdgroupID: "g", CreativeID: "r",
	}
	require.Equal(t, conversion.Outgoing{
		Kind: "install", DedupKey: "install/i1", AppID: 525463029, NetworkID: "example.skadnetwork",
		OccurredAt: in.Time, InstalledAt: in.Time, ClickedAt: noon.Add(-time.Hour),
		Att: "authorized", Subject: "i1", Flags: []string{"reused_click_id"}, Review: "released", IsTest: true, Fields: map[string]string{
			"event_name": "install", "event_id": "i1", "event_time": "2026-11-16T12:00:00Z", "event_time_unix": "1794830400",
			"install_time": "2026-11-16T12:00:00Z", "app_id": "525463029", "network_id": "example.skadnetwork",
			"idfa": "idfa", "idfv": "idfv", "ip": "192.0.2.1", "country": "DE", "att_status": "authorized",
			"limit_ad_tracking": "false", "attribution_type": "attributed", "is_modeled": "false", "is_test": "true", "count": "1",
			"click_id": "c1", "campaign_id": "c39", "campaign_name": "Winter", "adgroup_id": "g", "creative_id": "r",
		},
	}, conversion.InstallOut(in, click))
}

func TestOrganicInstallOutHasNoEmptyFields(t *testing.T) {
	t.Parallel()
	in := &conversion.KeptInstall{
		Install:  conversion.Install{ID: "i1", AppID: 1, Time: noon, Limited: true},
		Decision: conversion.Decision{Reason: "no_click_id"},
	}
	out := conversion.InstallOut(in, nil)
	require.True(t, out.Limited)
	require.Empty(t, out.NetworkID)
	require.Equal(t, map[string]string{
		"event_name": "install", "event_id": "i1", "event_time": "2026-11-16T12:00:00Z", "event_time_unix": "1794830400",
		"install_time": "2026-11-16T12:00:00Z", "app_id": "1", "limit_ad_tracking": "true",
		"attribution_type": "organic", "is_modeled": "false", "is_test": "false", "count": "1",
	}, out.Fields)
}

func TestEventOut(t *testing.T) {
	t.Parallel()
	in := &conversion.KeptInstall{
		Install:  conversion.Install{ID: "i1", AppID: 1, Time: noon, ATTStatus: "denied"},
		Decision: conversion.Decision{Attributed: true, ClickID: "c1", NetworkID: "n"},
	}
	revenue := decimal.RequireFromString("1234567890.123456789")
	converted := decimal.RequireFromString("1")
	e := &conversion.KeptEvent{Event: conversion.Event{
		ID: "e1", AppID: 1, InstallID: "i1", Name: "purchase", Time: noon.Add(time.Hour), Revenue: &revenue, Currency: "USD",
	}, RevenueApp: &converted}
	out := conversion.EventOut(e, in, &conversion.Click{ID: "c1", NetworkID: "N"})
	require.Equal(t, "event event/e1 n denied", out.Kind+" "+out.DedupKey+" "+out.NetworkID+" "+out.Att)
	require.Equal(t, e.Time, out.OccurredAt)
	require.Equal(t, map[string]string{
		"event_name": "purchase", "event_id": "e1", "event_time": "2026-11-16T13:00:00Z", "event_time_unix": "1794834000",
		"install_time": "2026-11-16T12:00:00Z", "app_id": "1", "network_id": "n", "att_status": "denied",
		"limit_ad_tracking": "true", "attribution_type": "attributed", "is_modeled": "false", "is_test": "false", "count": "1",
		"click_id": "c1", "revenue": "1234567890.123456789", "currency": "USD", "revenue_converted": "1",
	}, out.Fields)

	e.Revenue = nil
	require.NotContains(t, conversion.EventOut(e, in, nil).Fields, "currency", "a currency of nothing says nothing")
}
