package store

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/apply"
)

func (in inbox) combine() int {
	in.t.Helper()
	c := &aggregate.Combiner{Store: in.s, Published: in.s, Clock: in.now, Log: slog.New(slog.DiscardHandler)}
	n, err := c.Run(in.t.Context())
	require.NoError(in.t, err)
	return n
}

// reported writes n consented installs straight into the store; campaign "": organic.
func (in inbox) reported(tag string, n int, at time.Time, network, campaign string) {
	in.t.Helper()
	decision := attributed
	if network == "" {
		decision = "organic"
	}
	in.sql(`INSERT INTO install (app_id, id, installed_at, received_at, click_id, network_id, campaign_id, decision, reason, method,
			interaction, flags, is_test, att_status, limited, gdpr, consent_at, decided_at, detail, body)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		SELECT ?, CAST(? AS TEXT) || '/' || CAST(i AS TEXT), ?, ?, '', ?, ?, ?, '', '', '', '', FALSE, 'authorized', FALSE, '', ?, ?, '', '' FROM n`,
		n, testApp, tag, ms(at), ms(at), network, campaign, decision, ms(at), ms(at))
}

// month is the first period that begins after start.
var month = aggregate.PeriodAt(aggregate.PeriodAt(start).End)

// fourWeeks fills the period on both sides.
func (in inbox) fourWeeks(source string) {
	in.t.Helper()
	for week := range 4 {
		at := month.Start.Add(time.Duration(week)*weekLong + time.Hour)
		in.crowd(crowd{tag: fmt.Sprint("a", week), n: 200, at: at, source: source})
		in.crowd(crowd{tag: fmt.Sprint("b", week), n: 90, at: at, network: "b.skadnetwork", source: "17"})
		in.reported(fmt.Sprint("a", week), 60, at, testNetwork, "spring")
		in.reported(fmt.Sprint("o", week), 400, at, "", "")
	}
}

// TestCombinedOncePerPeriod: four weeks of both sides, sealed week by week; combined
// comes when the last horizon is over, once, and is made of what is published alone.
func TestCombinedOncePerPeriod(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.funnelApp(func(a *apply.App) { a.AllInstalls = true })
		in.now.Set(month.Start)
		in.fourWeeks("5239")
		in.now.Set(month.End.Add(time.Hour))
		in.seal()
		in.sealConsented()
		require.Zero(t, in.combine(), "the deterministic side of the last week is not sealed")
		in.now.Set(month.End.Add(aggregate.Horizon + time.Hour))
		require.Zero(t, in.combine(), "it is due, and not sealed yet")
		in.sealConsented()
		require.Equal(t, 1, in.combine())
		rows := in.told("level, network_id, source_2, skan_installs, deterministic_installs, overlap_est, overlap_source, combined_est", "combined")
		// 0.9 of 240 reported installs have a postback: 216; network b is on one side alone.
		require.ElementsMatch(t, []string{
			"src2|" + testNetwork + "|39|800|240|216|modelled|824",
			"src2|b.skadnetwork|17|360|0|0|none|360",
			"organic|organic|<nil>|<nil>|1840|<nil>|<nil>|656",
		}, rows)
		require.Len(t, only(in.ledgerLines(), fmt.Sprintf("%d.0.combined.production.%s.4weeks.combined.base.0|published", testApp, month.Start.Format(time.DateOnly))), 1)
		for range 2 {
			require.Zero(t, in.combine())
			in.now.Advance(weekLong)
		}
		var refused *aggregate.InTheWayError
		second := aggregate.Release{ID: "again", Dataset: aggregate.CombinedDataset(testApp), View: aggregate.ViewCombined, Kind: aggregate.ReleaseBase, Window: month}
		require.ErrorAs(t, in.s.PrepareCombined(t.Context(), second), &refused)

		// The next period has nothing of the deterministic side: it is closed without a release.
		in.now.Set(month.End.Add(aggregate.CombinedPeriod + aggregate.Horizon + time.Hour))
		require.Equal(t, 1, in.combine())
		require.Equal(t, []string{"3"}, dump(t, in.s.pub, `SELECT COUNT(*) FROM `+in.s.pub.table("combined")))
		require.Contains(t, strings.Join(in.ledgerLines(), "\n"), "4weeks.combined.base.0|carried|0|0")
	})
}

// TestCombinedReadsTheOverlapBit: bins of fine values with the bit say what both sides
// share; a killed run is finished by the sealer, in the same bytes.
func TestCombinedReadsTheOverlapBit(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.funnelApp(func(a *apply.App) {
			a.Schema = []byte(strings.Replace(string(purchases("1")), `{"currency": "USD"`, `{"currency": "USD", "overlap_bit": 5`, 1))
		})
		in.now.Set(month.Start)
		for week := range 4 {
			at := month.Start.Add(time.Duration(week)*weekLong + time.Hour)
			in.decodedAs(32, "overlap", false, crowd{tag: fmt.Sprint("with", week), n: 50, at: at, version: 1})
			in.decodedAs(0, "", false, crowd{tag: fmt.Sprint("without", week), n: 100, at: at, version: 1})
			in.crowd(crowd{tag: fmt.Sprint("null", week), n: 30, at: at, kind: "null"})
			in.reported(fmt.Sprint("a", week), 80, at, testNetwork, "spring")
		}
		in.now.Set(month.End.Add(aggregate.Horizon + time.Hour))
		in.seal()
		in.sealConsented()
		combine := &aggregate.Combiner{Store: in.s, Published: failing{}, Clock: in.now, Log: slog.New(slog.DiscardHandler)}
		_, err := combine.Run(t.Context())
		require.Error(t, err)
		require.Empty(t, in.told("row_id, level, skan_installs, overlap_est", "combined"))
		require.Zero(t, in.combine(), "the line stands")
		require.Equal(t, 1, in.seal().Finished)
		// 200 of 600 fine values have the bit: of 120 without a value, 40 as well.
		require.Equal(t, []string{"src2|39|720|320|240|bit|800"},
			in.told("level, source_2, skan_installs, deterministic_installs, overlap_est, overlap_source, combined_est", "combined"))
		bounds := in.told("overlap_low >= 200, overlap_low < 240, overlap_high > 240, overlap_high <= 320", "combined")
		require.Contains(t, []string{"true|true|true|true", "1|1|1|1"}, bounds[0])
	})
}
