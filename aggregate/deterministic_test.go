package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// consentedCrowd is a random week of consented installs.
func consentedCrowd(r *rand.Rand, names []string) Batch {
	b := Batch{Schemas: []Meaning{DoneMeaning(names)}, Funnels: [][]string{names}}
	for range 1 + r.IntN(120) {
		some, others := r.IntN(1<<len(names)), r.IntN(1<<len(names))
		c := Consented{
			N: 1 + r.IntN(9), NetworkID: []string{"", "a.skadnetwork", "b.skadnetwork", "c.skadnetwork", Organic}[r.IntN(5)],
			ShortForm: ShortLast, Done: some & others,
		}
		switch r.IntN(4) {
		case 0:
			c.Campaign = Campaign{IDSource, fmt.Sprintf("%04d", 1000*r.IntN(3)+r.IntN(3)*10+r.IntN(2))}
		case 1:
			c.Campaign = Campaign{IDCampaign, fmt.Sprint(1 + r.IntN(3))}
		case 2:
			c.Campaign = Campaign{IDSource, fmt.Sprint(10 + r.IntN(2))}
		}
		if r.IntN(3) == 0 {
			c.Payer, c.Revenue = true, decimal.New(int64(1+r.IntN(9999)), -2)
		}
		b.Groups = append(b.Groups, c.Counted())
	}
	return b
}

// TestDeterministicIsTheSameCut: a partition into rows of k with organic as one node;
// every number about what installs did, and every difference of two stages, is NULL, 0
// or at least b; and what stands is true.
func TestDeterministicIsTheSameCut(t *testing.T) {
	t.Parallel()
	names := []string{"level_10", "purchase", "invite"}
	organic, stages, withheld := 0, 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 26))
		s := DefaultSettings()
		s.K, s.B = 10+r.IntN(15), 3+r.IntN(4)
		b := consentedCrowd(r, names)
		p := Cut(DeterministicDataset(1), s, b)
		require.NoError(t, p.check(s.K, s.B, b.Installs()))
		require.Empty(t, p.SchemaVersions)
		for _, row := range p.Rows {
			require.Equal(t, row.Installs, *row.FineInstalls, "what consented installs did is known in full")
			if row.NetworkID == Organic {
				require.Equal(t, LevelNetwork, row.Level)
				organic++
			}
			if row.Payers != nil {
				require.True(t, bothHold(row.Installs, *row.Payers, s.B))
				require.Equal(t, row.RevenueMin, row.RevenueMax)
			}
		}
		for i, f := range p.Funnels {
			if f.Installs == nil {
				withheld++
				continue
			}
			require.True(t, holds(*f.Installs, s.B), "%+v", f)
			if f.Stage > 0 && p.Funnels[i-1].Installs != nil {
				require.True(t, holds(*p.Funnels[i-1].Installs-*f.Installs, s.B), "%+v", f)
				stages++
			}
			if f.Stage == 1 { // alone it is the event
				for _, e := range p.Done {
					if e.EventName == f.EventName && e.NetworkID == f.NetworkID && e.Source2 == f.Source2 && e.IDKind == f.IDKind {
						require.Equal(t, f.Installs, e.Installs)
					}
				}
			}
		}
		for _, e := range p.Done {
			require.Equal(t, e.Installs == nil, e.RevenueEst == nil)
			if e.Installs != nil {
				require.True(t, holds(*e.Installs, s.B))
			}
		}
	}
	for _, n := range []int{organic, stages, withheld} {
		require.Greater(t, n, 100)
	}
}

// TestDoneIsTrue counts one campaign by hand.
func TestDoneIsTrue(t *testing.T) {
	t.Parallel()
	group := func(n, done int, paid string) Counted {
		c := Consented{N: n, NetworkID: "a.skadnetwork", Campaign: Campaign{IDSource, "5239"}, ShortForm: ShortLast, Done: done}
		if paid != "" {
			c.Payer, c.Revenue = true, decimal.RequireFromString(paid)
		}
		return c.Counted()
	}
	funnels := [][]string{{"level_10", "purchase"}, {"purchase", "never_declared"}}
	names := DoneNames(funnels[:1], []string{"purchase", "invite"})
	require.Equal(t, []string{"level_10", "purchase", "invite"}, names)
	b := Batch{Schemas: []Meaning{DoneMeaning(names)}, Funnels: funnels, Groups: []Counted{
		group(40, 0b000, ""), group(20, 0b001, ""), group(8, 0b011, "4.99"), group(7, 0b010, "0.50"), group(6, 0b101, ""),
	}}
	s := DefaultSettings()
	p := Cut(DeterministicDataset(1), s, b)
	require.Equal(t, []string{"a.skadnetwork/39/239/5239 81 15 43.42"}, []string{
		fmt.Sprint(p.Rows[0].Key(), " ", p.Rows[0].Installs, " ", *p.Rows[0].Payers, " ", p.Rows[0].RevenueEst),
	})
	var lines []string
	for _, e := range p.Done {
		lines = append(lines, fmt.Sprint(e.Source2, " ", e.EventName, " ", number(e.Installs), " ", spelt(e.RevenueEst)))
	}
	require.Equal(t, []string{"39 level_10 34 39.92", "39 purchase 15 43.42", "39 invite 6 0"}, lines)
	lines = nil
	for _, f := range p.Funnels {
		lines = append(lines, fmt.Sprint(f.Funnel, f.Stage, " ", f.EventName, " ", number(f.Installs)))
	}
	require.Equal(t, []string{
		"1 0  81", "1 1 level_10 34", "1 2 purchase 8",
		"2 0  81", "2 1 purchase 15", "2 2 never_declared " + number(nil),
	}, lines, "what nobody could have reported is not what nobody did")

	s.Revenue = RevenueBanded
	for _, e := range Cut(DeterministicDataset(1), s, b).Done {
		require.Nil(t, e.RevenueEst)
	}
	// One more who is invited: the bin above is told, and not how it splits.
	b.Groups = append(b.Groups, group(1, 0b100, ""))
	for _, e := range Cut(DeterministicDataset(1), DefaultSettings(), b).Done {
		require.Equal(t, e.EventName == "invite", e.Installs == nil, e.EventName)
	}
}

// TestFunnelOfPostbacks: the SKAdNetwork side is read from the bins that are published.
func TestFunnelOfPostbacks(t *testing.T) {
	t.Parallel()
	m := Meaning{Version: 1, Events: []string{"a", "b"}}
	for v := range 4 {
		x := ValueMeaning{Value: v, RevenueMax: &decimal.Decimal{}}
		for i, name := range m.Events {
			if v>>i&1 == 1 {
				x.Events = append(x.Events, EventMeaning{Name: name, CountMin: 1})
			}
		}
		m.Values = append(m.Values, x)
	}
	b := Batch{Schemas: []Meaning{m}, Funnels: [][]string{{"a", "b"}}}
	for v, n := range []int{30, 10, 20, 9} {
		b.Groups = append(b.Groups, Counted{N: n, NetworkID: "a", IDKind: IDSource, Source: "39", Kind: ValueFine, Fine: v, SchemaVersion: 1})
	}
	p := Cut(installs, DefaultSettings(), b)
	var got []string
	for _, f := range p.Funnels {
		got = append(got, fmt.Sprint(f.Stage, " ", f.EventName, " ", number(f.Installs)))
	}
	require.Equal(t, []string{"0  69", "1 a 19", "2 b 9"}, got)
	sum := 0
	for _, v := range p.Values {
		if v.Values == "1" || v.Values == "3" {
			sum += *v.Installs
		}
	}
	require.Equal(t, 19, sum, "the same from the published bins")
	require.Empty(t, p.Done)
}
