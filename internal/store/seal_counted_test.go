package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/apply"
)

// decodedAs writes a crowd that a schema version decoded from one fine value.
func (in inbox) decodedAs(fine int, flags string, redownload bool, c crowd) {
	in.t.Helper()
	in.crowd(c)
	in.sql(`UPDATE counted_postback SET fine = ?, flags = ?, redownload = ?, copy_id = 'done' WHERE copy_id = 'copy'`, fine, flags, redownload)
}

func (in inbox) batch(from time.Time) aggregate.Batch {
	in.t.Helper()
	d := aggregate.Dataset{AppID: testApp, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
	b, err := in.s.Counted(in.t.Context(), d, aggregate.WindowAt(aggregate.Week, from))
	require.NoError(in.t, err)
	return b
}

// TestCountedFoldsAliases: a network that signs with several ids, in any case, is one
// crowd, under its short form.
func TestCountedFoldsAliases(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		n := apply.Network{NetworkID: "Example123.SKAdNetwork", Aliases: []string{"Com.Example", "old.example"}, ShortForm: "first"}
		in.apply(&apply.Bundle{Networks: []apply.Network{n, {NetworkID: "b.skadnetwork"}}})
		for i, network := range []string{testNetwork, "com.example", "COM.EXAMPLE", "old.example", "b.skadnetwork", "nobody.example"} {
			in.crowd(crowd{tag: network, n: 11 + i, at: start, network: network})
		}
		count := func() (lines []string) {
			got := map[string]int{}
			for _, g := range in.batch(start).Groups {
				got[g.NetworkID+" "+g.ShortForm] += g.N
			}
			for _, id := range []string{testNetwork + " first", testNetwork + " last", "old.example last", "b.skadnetwork last", "nobody.example last"} {
				lines = append(lines, fmt.Sprint(got[id]))
			}
			return lines
		}
		require.Equal(t, []string{"50", "0", "0", "15", "16"}, count())
		n.Aliases = n.Aliases[:1]
		in.apply(&apply.Bundle{Networks: []apply.Network{n}})
		require.Equal(t, []string{"36", "0", "14", "15", "16"}, count(), "what is no alias any more")
		in.sql(`INSERT INTO network_alias (alias, network_id) VALUES ('b.skadnetwork', ?)`, testNetwork)
		require.Equal(t, []string{"36", "0", "14", "15", "16"}, count(), "a network is never another's alias")
		in.nextWeek()
		require.Equal(t, 81, in.seal().Installs)
		require.Equal(t, []string{"b.skadnetwork|15", testNetwork + "|36", "nobody.example|16", "old.example|14"},
			dump(t, in.s.pub, `SELECT network_id, installs FROM `+in.s.pub.table("cohort")+` ORDER BY 1`))
	})
}

func TestCountedReadsWhatMeasuresNeed(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.decodedAs(7, "ambiguous overlap clamped", true, crowd{tag: "a", n: 3, at: start, payer: true, revenue: "1.50", version: 2})
		in.decodedAs(0, "retry_possible", false, crowd{tag: "b", n: 4, at: start})
		in.decodedAs(9, "ambiguous", true, crowd{tag: "c", n: 5, at: start, kind: "null"})
		b := in.batch(start)
		require.True(t, b.KnowsRedownloads)
		require.Len(t, b.Groups, 3)
		got := []string{}
		for _, g := range b.Groups {
			got = append(got, fmt.Sprintf("%d %s fine %d ambiguous %t clamped %t again %t payer %t v%d",
				g.N, g.Kind, g.Fine, g.Ambiguous, g.Clamped, g.Redownload, g.Payer, g.SchemaVersion))
		}
		require.ElementsMatch(t, []string{
			"3 fine fine 7 ambiguous true clamped true again true payer true v2",
			"4 fine fine 0 ambiguous false clamped false again false payer false v0",
			"5 null fine 0 ambiguous false clamped false again true payer false v0", // of a null nothing else is read
		}, got)
	})
}

// TestCountedDescribesSchemas: every version that may have decoded a row, by the
// versions alone; for postbacks without fine values there is nothing to describe.
func TestCountedDescribesSchemas(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1", "2") })
		in.now.Advance(time.Hour)
		in.register(func(a *apply.App) { a.Schema = purchases("1", "2", "3") })
		in.now.Advance(3 * weekLong)
		in.register(func(a *apply.App) { a.Schema = purchases("9") })
		of := func(b aggregate.Batch) (versions []string) {
			for _, m := range b.Schemas {
				versions = append(versions, fmt.Sprintf("%d:%d values, %s", m.Version, len(m.Values), strings.Join(m.Events, " ")))
			}
			return versions
		}
		first := []string{"1:3 values, p1 p2", "2:4 values, p1 p2 p3"}
		require.Equal(t, first, of(in.batch(start)))
		require.Equal(t, append(first, "3:2 values, p1"), of(in.batch(start.Add(4*weekLong))))
		b, err := in.s.Counted(t.Context(), aggregate.Dataset{AppID: testApp, SequenceIndex: 1, Kind: "install", Environment: "production"},
			aggregate.WindowAt(aggregate.Week, start))
		require.NoError(t, err)
		require.Empty(t, b.Schemas)
	})
}

// campaigns are weeks of installs of three networks that bought something, or
// nothing, or of whom nothing is known; large crowds and small ones.
func (in inbox) campaigns(seed uint64, weeks int) {
	in.t.Helper()
	in.register(func(a *apply.App) { a.Schema = purchases(campaignPrices...) })
	in.campaignsOf(seed, 0, weeks)
}

var campaignPrices = []string{"0.99", "4.99", "19.99", "99.99"}

// campaignsOf adds weeks from one of them on.
func (in inbox) campaignsOf(seed uint64, first, weeks int) {
	in.t.Helper()
	prices := campaignPrices
	r := rand.New(rand.NewPCG(seed, 1))
	for week := first; week < first+weeks; week++ {
		at := start.Add(time.Duration(week) * weekLong)
		for n := range 90 {
			c := crowd{
				tag: fmt.Sprint(week, ".", n), n: 1 + r.IntN(14), at: at.Add(time.Duration(r.IntN(160)) * time.Hour), version: 1,
				network: fmt.Sprintf("n%d.skadnetwork", r.IntN(3)), source: []string{"5239", "6239", "17", "123", "0107", "88", "4041"}[r.IntN(7)],
				kind: []string{"fine", "fine", "fine", "fine", "null", "unset"}[r.IntN(6)],
			}
			fine := 0
			if c.kind == "fine" && r.IntN(2) == 0 {
				fine = 1 + r.IntN(len(prices))
				c.payer, c.revenue = true, prices[fine-1]
				if r.IntN(3) > 0 {
					c.n = 1 + r.IntN(2)
				}
			}
			in.decodedAs(fine, []string{"", "", "ambiguous"}[r.IntN(3)], r.IntN(4) == 0, c)
		}
		in.now.Set(at.Add(weekLong + time.Hour))
		in.seal()
	}
}

// TestSealPublishesMeasures: what the cut made is what the published store has, and
// histograms add up to the rows that they are of.
func TestSealPublishesMeasures(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 3)
		for table, lines := range in.measures() {
			require.NotEmpty(t, lines, table)
		}
		p := in.s.pub
		over := dump(t, p, `SELECT r.release_id, r.network_id, r.source_2, r.fine, COALESCE(v.installs, 0) FROM
			(SELECT release_id, COALESCE(network_id, '') AS network_id, COALESCE(source_2, '') AS source_2, SUM(fine_installs) AS fine
				FROM `+p.table("cohort")+` WHERE payers IS NOT NULL AND fine_installs > 0 GROUP BY 1, 2, 3) r
			LEFT JOIN (SELECT release_id, COALESCE(network_id, '') AS network_id, COALESCE(source_2, '') AS source_2, SUM(installs) AS installs
				FROM `+p.table("cohort_value")+` WHERE kind = 'fine' GROUP BY 1, 2, 3) v
			ON v.release_id = r.release_id AND v.network_id = r.network_id AND v.source_2 = r.source_2`)
		require.NotEmpty(t, over)
		for _, line := range over {
			cells := strings.Split(line, "|")
			require.Equal(t, cells[3], cells[4], line)
		}
		require.Empty(t, dump(t, p, `SELECT 1 FROM `+p.table("cohort")+` WHERE redownloads IS NOT NULL AND redownloads BETWEEN 1 AND 2`))
		require.NotEmpty(t, dump(t, p, `SELECT 1 FROM `+p.table("cohort")+` WHERE redownloads > 0`))
		summary := in.dump(`SELECT release FROM release_ledger`)
		for _, part := range []string{`"rows"`, `"values"`, `"events"`, `"remainders"`} {
			require.NotContains(t, strings.Join(summary, ""), part, "the ledger keeps a line, not what was published")
		}
	})
}
