package skan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessage(t *testing.T) {
	t.Parallel()
	campaign, source, zero, view := int64(42), int64(1234567891), int64(0), 0
	full := Postback{
		Framework: SKAdNetwork, AdNetworkID: "com.example", CampaignID: &campaign, SourceIdentifier: "0239",
		AppID: 10738027756, ID: "id", ConversionType: ConversionRedownload, SourceAppID: &source, FidelityType: &view, SequenceIndex: 2,
	}
	bare := full
	bare.SourceAppID = nil
	bare.ConversionType = ConversionDownload
	test := full
	test.SourceAppID = &zero
	web := bare
	web.SourceDomain, web.DidWin = "example.com", true
	for _, c := range []struct {
		version string
		p       Postback
		want    string
	}{
		{"1.0", full, "com.example 42 10738027756 id"},
		{"2.0", full, "2.0 com.example 42 10738027756 id true 1234567891"},
		{"2.0", bare, "2.0 com.example 42 10738027756 id false"},
		{"2.1", test, "2.1 com.example 42 10738027756 id true 0"},
		{"2.2", full, "2.2 com.example 42 10738027756 id true 1234567891 0"},
		{"3.0", bare, "3.0 com.example 42 10738027756 id false 0 false"},
		{"3.0", web, "3.0 com.example 42 10738027756 id false 0 true"},
		{"4.0", full, "4.0 com.example 0239 10738027756 id true 1234567891 0 false 2"},
		{"4.0", web, "4.0 com.example 0239 10738027756 id false example.com 0 true 2"},
		{"4.0", bare, "4.0 com.example 0239 10738027756 id false 0 false 2"},
	} {
		c.p.Version = c.version
		got, err := Message(&c.p)
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(c.want, " ", "\u2063"), string(got))
	}
}

func TestMessageRefuses(t *testing.T) {
	t.Parallel()
	campaign, source, view := int64(42), int64(7), 0
	for fault, change := range map[string]func(p *Postback){
		"framework":                 func(p *Postback) { p.Framework = AdAttributionKit },
		"unknown SKAdNetwork":       func(p *Postback) { p.Version = "5.0" },
		"ad-network-id is missing":  func(p *Postback) { p.AdNetworkID = "" },
		"transaction-id is missing": func(p *Postback) { p.ID = "" },
		"source-identifier":         func(p *Postback) { p.SourceIdentifier = "" },
		"campaign-id":               func(p *Postback) { p.Version, p.CampaignID = "3.0", nil },
		"fidelity-type":             func(p *Postback) { p.FidelityType = nil },
		"both set":                  func(p *Postback) { p.SourceAppID, p.SourceDomain = &source, "example.com" },
		"separator":                 func(p *Postback) { p.AdNetworkID = "2.0\u2063net" },
	} {
		p := Postback{
			Framework: SKAdNetwork, Version: "4.0", AdNetworkID: "n", CampaignID: &campaign,
			SourceIdentifier: "39", ID: "id", FidelityType: &view,
		}
		change(&p)
		_, err := Message(&p)
		require.ErrorContains(t, err, fault)
	}
}
