package forward

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/skan"
)

// arrived is a copy of a postback of version 4 that verified.
func arrived(change func(*conversion.Copy, *skan.Postback)) PostbackCopy {
	b := &skan.Postback{
		Framework: skan.SKAdNetwork, Version: "4.0", AdNetworkID: "Net.skadnetwork", SourceIdentifier: "5239", AppID: 1,
		ID: "6AAFB7A5-0170-41B5-BBE4-FE71DEDF1E28", ConversionType: skan.ConversionDownload, SourceAppID: ptrTo(int64(77)),
		FidelityType: ptrTo(1), DidWin: true, SequenceIndex: 0, ConversionValue: ptrTo(27), CountryCode: "de", Signature: "MEYC",
	}
	c := &conversion.Copy{Source: conversion.Network, ReceivedAt: monday, Body: []byte(`{ "version" : "4.0", "x":1}`)}
	if change != nil {
		change(c, b)
	}
	identity := b.Identity()
	c.Result = skan.Result{Verdict: skan.Valid, Postback: b, Identity: &identity, Flags: c.Result.Flags}
	return PostbackCopy{Copy: c, Environment: skan.Production, Now: monday.Add(time.Hour)}
}

func TestFromPostback(t *testing.T) {
	t.Parallel()
	c := FromPostback(arrived(nil))
	require.Equal(t, "postback net.skadnetwork 1", c.Kind+" "+c.NetworkID+" "+c.Fields["app_id"])
	require.Equal(t, monday, c.OccurredAt)
	require.Equal(t, "postback/production/"+c.Fields["event_id"], c.DedupKey)
	require.Empty(t, c.Subject+c.Att+c.consent())
	for name, want := range map[string]string{
		"event_name": "postback", "event_time_unix": "1793610000", "network_id": "net.skadnetwork", "source_identifier": "5239", "country": "DE",
		"is_test": "false", "is_modeled": "false", "count": "1", "sk_version": "4.0", "sk_network_id": "Net.skadnetwork", "sk_campaign_id": "",
		"sk_source_identifier": "5239", "sk_app_id": "1", "sk_transaction_id": "6AAFB7A5-0170-41B5-BBE4-FE71DEDF1E28", "sk_redownload": "false",
		"sk_source_app_id": "77", "sk_source_domain": "", "sk_fidelity_type": "1", "sk_did_win": "true", "sk_postback_sequence_index": "0",
		"sk_conversion_value": "27", "sk_coarse_conversion_value": "", "sk_attribution_signature": "MEYC", "sk_invalid_signature": "false",
		"sk_payload": `{ "version" : "4.0", "x":1}`, "sk_ts": "1793610000", "revenue": "", "currency": "",
	} {
		require.Equal(t, want, c.Fields[name], name)
	}
	for _, m := range macroTable { // every macro that a postback's table says has one, or it is optional
		if strings.HasPrefix(m.Name, "sk_") {
			require.Contains(t, c.Fields, m.Name)
		}
	}
}

// TestFromPostbackVersions: a member that the version does not send has no value.
func TestFromPostbackVersions(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][3]string{ // redownload, did-win, index
		"1.0": {"", "", ""}, "2.0": {"true", "", ""}, "2.2": {"true", "", ""}, "3.0": {"true", "false", ""}, "4.0": {"true", "false", "0"},
	} {
		f := FromPostback(arrived(func(_ *conversion.Copy, b *skan.Postback) {
			b.Version, b.ConversionType, b.DidWin = version, skan.ConversionRedownload, false
		})).Fields
		require.Equal(t, want, [3]string{f["sk_redownload"], f["sk_did_win"], f["sk_postback_sequence_index"]}, version)
	}
	f := FromPostback(arrived(func(c *conversion.Copy, b *skan.Postback) {
		b.Framework, b.Version, b.Signature, b.SequenceIndex = skan.AdAttributionKit, "", "e30.e30.c2ln", 2
		c.Body = []byte(`{"jws-string":"e30.e30.c2ln"}`)
	})).Fields
	require.Equal(t, "true 2 e30.e30.c2ln", f["sk_did_win"]+" "+f["sk_postback_sequence_index"]+" "+f["sk_attribution_signature"])
	require.Equal(t, `{"jws-string":"e30.e30.c2ln"}`, f["sk_payload"])
	require.Empty(t, f["sk_version"])
}

func TestFromPostbackTestAndLate(t *testing.T) {
	t.Parallel()
	p := arrived(nil)
	p.Environment = skan.Development
	require.Equal(t, "true", FromPostback(p).Fields["is_test"])
	require.NotEqual(t, FromPostback(arrived(nil)).DedupKey, FromPostback(p).DedupKey)
	require.Equal(t, "true", FromPostback(arrived(func(_ *conversion.Copy, b *skan.Postback) { b.SourceAppID = ptrTo(int64(0)) })).Fields["is_test"])
	late := FromPostback(arrived(func(c *conversion.Copy, _ *skan.Postback) { c.Replayed = true }))
	require.Equal(t, monday.Add(time.Hour), late.OccurredAt)
	require.Equal(t, "1793610000", late.Fields["sk_ts"], "it arrived when it arrived")
}

func TestFromPostbackDecoded(t *testing.T) {
	t.Parallel()
	p := arrived(nil)
	p.Events, p.Currency = []string{"buy", "level", "buy"}, "EUR"
	p.Decoded = &conversion.Decoded{
		ValueKind: conversion.CountFine, RevenueMin: decimal.NewFromInt(5), RevenueEst: decimal.RequireFromString("7.50"), RevenueMax: dec("10"),
	}
	c := FromPostback(p)
	require.Equal(t, "7.5 5 10 EUR", c.Fields["revenue"]+" "+c.Fields["revenue_min"]+" "+c.Fields["revenue_max"]+" "+c.Fields["currency"])
	name := func(event map[string]string) string {
		d := dest(func(d *Destination) {
			d.NetworkID, d.Kinds, d.EventMap = "net.skadnetwork", []string{KindPostback}, event
		})
		got := Route(c, []Destination{d}, monday)
		require.Len(t, got, 1, "a copy is sent whole, whatever its events")
		require.NotContains(t, got[0].Fields, "revenue", "revenue only where it is asked for")
		return got[0].EventName
	}
	require.Equal(t, "buy,level", name(nil))
	require.Equal(t, "Purchase", name(map[string]string{"buy": "Purchase"}))
	require.Equal(t, "postback", name(map[string]string{"other": "Other"}))
	require.Equal(t, "SKAN", name(map[string]string{"postback": "SKAN"}))

	p.Decoded.ValueKind, p.Decoded.RevenueMax = conversion.CountCoarse, nil
	f := FromPostback(p).Fields
	require.Equal(t, "buy,level", f["event_name"])
	require.Empty(t, f["revenue"]+f["revenue_min"]+f["revenue_max"]+f["currency"], "a coarse level has no amount")
}

// TestPayloadOfRelay: what is left is Apple's, each member as it was spelt.
func TestPayloadOfRelay(t *testing.T) {
	t.Parallel()
	relay := func(body string, flags ...string) string {
		p := arrived(func(c *conversion.Copy, _ *skan.Postback) {
			c.Source, c.Body, c.Result.Flags = conversion.Relay, []byte(body), flags
		})
		return FromPostback(p).Fields["sk_payload"]
	}
	const body = `{"token":"s", "source-app-id": 0,"version" :"4.0","did-win":true,"nested":{"ip":"192.0.2.1"},"conversion-value":1e1,"ad-network-id":"\u0061.b"}`
	require.Equal(t, `{"version":"4.0","ad-network-id":"\u0061.b","source-app-id":0,"did-win":true,"conversion-value":1e1}`, relay(body))
	require.Equal(t, `{"version":"4.0","ad-network-id":"\u0061.b","did-win":true,"conversion-value":1e1}`, relay(body, skan.FlagRelayRewritten))
	require.Empty(t, relay(`[`))
}
