package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

func TestCampaignLines(t *testing.T) {
	t.Parallel()
	type c = apply.Campaign
	d := func(text string) *string { return &text }
	for name, test := range map[string]struct {
		given []c
		want  []campaignLine
	}{
		"none":     {nil, nil},
		"for ever": {[]c{{Source: "39", CampaignID: "i", CampaignName: "n"}}, []campaignLine{{"39", "", "", "i", "n"}}},
		"to is the last day": {
			[]c{{Source: "39", From: d("2026-11-01"), To: d("2026-11-30"), CampaignName: "a"}},
			[]campaignLine{{"39", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "", "a"}},
		},
		"one after the other, written either way": {
			[]c{{Source: "39", To: d("2026-12-01"), CampaignName: "a"}, {Source: "39", From: d("2026-12-01"), CampaignName: "b"}},
			[]campaignLine{{"39", "", "2026-12-01T00:00:00Z", "", "a"}, {"39", "2026-12-01T00:00:00Z", "", "", "b"}},
		},
		"a shorter one within": {
			[]c{{Source: "39", CampaignName: "all"}, {Source: "39", From: d("2026-11-03"), To: d("2026-11-04"), CampaignName: "in"}},
			[]campaignLine{
				{"39", "", "2026-11-03T00:00:00Z", "", "all"}, {"39", "2026-11-03T00:00:00Z", "2026-11-05T00:00:00Z", "", "in"},
				{"39", "2026-11-05T00:00:00Z", "", "", "all"},
			},
		},
		"of two alike the last": {[]c{{Source: "1", CampaignName: "a"}, {Source: "1", CampaignName: "b"}}, []campaignLine{{"1", "", "", "", "b"}}},
		"apart by source": {
			[]c{{Source: "c7", CampaignName: "x"}, {Source: "39", CampaignName: "y"}},
			[]campaignLine{{"39", "", "", "", "y"}, {"c7", "", "", "", "x"}},
		},
		"never":          {[]c{{Source: "39", From: d("2026-11-02"), To: d("2026-11-01")}, {Source: " ", CampaignName: "x"}}, nil},
		"edges of years": {[]c{{Source: "1", From: d("0000-01-01"), To: d("9999-12-31")}}, []campaignLine{{"1", "", "", "", ""}}},
	} {
		got, err := campaignLines(&apply.Network{NetworkID: "n", Campaigns: test.given})
		require.NoError(t, err, name)
		require.Equal(t, test.want, got, name)
	}
	_, err := campaignLines(&apply.Network{NetworkID: "n", Campaigns: []c{{Source: "1", To: d("soon")}}})
	require.ErrorContains(t, err, "network n: campaigns[0].to:")
}

// TestCampaignLinesNeverOverlap: on every day a source has the name that a look
// through the given list finds, and it has one only.
func TestCampaignLinesNeverOverlap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 9))
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for range 500 {
		n := apply.Network{NetworkID: "n"}
		for i := range 1 + r.IntN(6) {
			c := apply.Campaign{Source: "39", CampaignName: fmt.Sprint(i)}
			if r.IntN(4) > 0 {
				c.From = ptr(first.AddDate(0, 0, r.IntN(20)).Format(time.DateOnly))
			}
			if r.IntN(4) > 0 {
				c.To = ptr(first.AddDate(0, 0, r.IntN(20)).Format(time.DateOnly))
			}
			n.Campaigns = append(n.Campaigns, c)
		}
		lines, err := campaignLines(&n)
		require.NoError(t, err)
		for i := -2; i < 24; i++ {
			when := first.AddDate(0, 0, i).Format(time.DateOnly)
			want, since := []string{}, ""
			for _, c := range n.Campaigns {
				from, to := "", "9"
				if c.From != nil {
					from = *c.From
				}
				if c.To != nil {
					to = *c.To
				}
				if from <= when && when <= to && from >= since {
					want, since = []string{c.CampaignName}, from
				}
			}
			got := []string{}
			for _, l := range lines {
				if l.from <= when+"T00:00:00Z" && (l.to == "" || when+"T00:00:00Z" < l.to) {
					got = append(got, l.name)
				}
			}
			require.Equal(t, want, got, "%s of %+v", when, n.Campaigns)
		}
	}
}
