package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

func (in inbox) names() (campaigns, digits []string) {
	in.t.Helper()
	p := in.s.pub
	return dump(in.t, p, `SELECT network_id, source, COALESCE(campaign_id, '-'), COALESCE(campaign_name, '-') FROM `+p.table("campaign")+` ORDER BY 1, 2, 4`),
		dump(in.t, p, `SELECT network_id, column_name, label FROM `+p.table("source_digits")+` ORDER BY 1, 2`)
}

func TestPublishNamesFollowsApply(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		n := apply.Network{
			NetworkID: "Example123.SKAdNetwork", SourceDigits: []string{"campaign", "geo", "placement", "beyond"},
			Campaigns: []apply.Campaign{
				{Source: "39", CampaignID: "c39", CampaignName: "Winter's ☃"}, {Source: "5239", CampaignName: "Winter, DE"},
			},
		}
		other := apply.Network{NetworkID: "b.skadnetwork", Campaigns: []apply.Campaign{{Source: "1"}}}
		_, err := in.s.Apply(t.Context(), &apply.Bundle{Networks: []apply.Network{n}}, "tester", true)
		require.NoError(t, err)
		campaigns, digits := in.names()
		require.Empty(t, campaigns, "a dry run")
		require.Empty(t, digits)
		for range 2 {
			in.apply(&apply.Bundle{Networks: []apply.Network{n, other}})
			campaigns, digits = in.names()
			require.Equal(t, []string{
				"b.skadnetwork|1|-|-", testNetwork + "|39|c39|Winter's ☃", testNetwork + "|5239|-|Winter, DE",
			}, campaigns)
			require.Equal(t, []string{
				testNetwork + "|source_2|campaign", testNetwork + "|source_3|geo", testNetwork + "|source_4|placement",
			}, digits)
		}
		n.Campaigns, n.SourceDigits = nil, nil
		in.apply(&apply.Bundle{Networks: []apply.Network{n}})
		campaigns, digits = in.names()
		require.Equal(t, []string{"b.skadnetwork|1|-|-"}, campaigns, "what a bundle does not name stays")
		require.Empty(t, digits)
	})
}

// TestPublishNamesOrNothing: where the names can't be published nothing is applied.
func TestPublishNamesOrNothing(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		_, err := in.s.pub.w.ExecContext(t.Context(), `DROP TABLE `+in.s.pub.table("source_digits"))
		require.NoError(t, err)
		n := apply.Network{NetworkID: testNetwork, SourceDigits: []string{"campaign"}}
		_, err = in.s.Apply(t.Context(), &apply.Bundle{Networks: []apply.Network{n}}, "tester", false)
		require.ErrorContains(t, err, "published names")
		require.Empty(t, in.dump(`SELECT network_id FROM network`))
	})
}

// TestPublishNamesAtOpening: what an older version kept, or a crash left behind.
func TestPublishNamesAtOpening(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		s, err := reopen(t, o, Lab)
		require.NoError(t, err)
		in := inbox{t: t, s: s}
		in.apply(&apply.Bundle{Networks: []apply.Network{{
			NetworkID: testNetwork, Campaigns: []apply.Campaign{{Source: "39", From: ptr("2026-11-01"), CampaignName: "a"}},
		}}})
		want, _ := in.names()
		require.Len(t, want, 1)
		_, err = s.pub.w.ExecContext(t.Context(), `UPDATE `+s.pub.table("campaign")+` SET campaign_name = 'stale'`)
		require.NoError(t, err)
		in.s, err = reopen(t, o, Lab)
		require.NoError(t, err)
		got, _ := in.names()
		require.Equal(t, want, got)
	})
}

// TestPublishNamesInRows: by the window's start, from the most digits that have a
// name, and campaign ids apart from digits.
func TestPublishNamesInRows(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.apply(&apply.Bundle{Networks: []apply.Network{{NetworkID: testNetwork, Campaigns: []apply.Campaign{
			{Source: "39", To: ptr("2026-11-08"), CampaignID: "w", CampaignName: "Winter"},
			{Source: "39", From: ptr("2026-11-09"), CampaignName: "Spring"},
			{Source: "5239", From: ptr("2026-11-09"), CampaignID: "s1", CampaignName: "Spring, DE"},
			{Source: "c41", CampaignName: "Old"},
		}}}})
		for week := range 2 {
			at := start.Add(time.Duration(week) * weekLong)
			for _, source := range []string{"5239", "6339", "41"} {
				in.crowd(crowd{tag: source + at.String(), n: 20, at: at, source: source})
				in.crowd(crowd{tag: source + "net" + at.String(), n: 20, at: at, source: source, network: "b.skadnetwork"})
			}
			in.sql(`UPDATE counted_postback SET id_kind = 'campaign' WHERE source_id = '41'`)
			in.now.Set(at.Add(weekLong + time.Hour))
			in.seal()
		}
		view := func(columns, name, tail string) []string {
			return dump(t, in.s.pub, `SELECT `+columns+` FROM `+in.s.pub.table(name)+
				` WHERE network_id = '`+testNetwork+`' ORDER BY window_start, 1, 2`+tail)
		}
		require.Equal(t, []string{
			"39|5239|w|Winter", "39|6339|w|Winter", "41|-|-|Old", "39|5239|s1|Spring, DE", "39|6339|-|Spring", "41|-|-|Old",
		}, view(`source_2, COALESCE(source_4, '-'), COALESCE(campaign_id, '-'), COALESCE(campaign_name, '-')`, "cohort_current", ""))
		require.Equal(t, []string{"39|40|w|Winter", "41|20|-|Old", "39|40|-|Spring", "41|20|-|Old"},
			view(`source_2, installs, COALESCE(campaign_id, '-'), COALESCE(campaign_name, '-')`, "cohort_by_source", ""))
		others := dump(t, in.s.pub, `SELECT DISTINCT COALESCE(campaign_name, '-') FROM `+in.s.pub.table("cohort_current")+` WHERE network_id = 'b.skadnetwork'`)
		require.Equal(t, "-", strings.Join(others, " "), "names are a network's own")
	})
}
