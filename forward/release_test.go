package forward

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

func ptrTo[T any](v T) *T { return &v }

func dec(text string) *decimal.Decimal { return ptrTo(decimal.RequireFromString(text)) }

// week is a base release of two networks: with a row below the network, an `other`
// that no network may see, an event, and one that is withheld.
func week() aggregate.Release {
	d := aggregate.Dataset{AppID: 1, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
	w := aggregate.WindowAt(aggregate.Week, monday)
	s := aggregate.DefaultSettings()
	return aggregate.Release{
		ID: aggregate.ReleaseID(d, w, aggregate.ViewCohort, aggregate.ReleaseBase, 0), Dataset: d, View: aggregate.ViewCohort,
		Kind: aggregate.ReleaseBase, Window: w, WindowStart: w.Start, Settings: s, SealedAt: w.End.Add(time.Hour), K: s.K, B: s.B,
		Rows: []aggregate.Row{
			{Level: aggregate.LevelSrc4, NetworkID: "n", IDKind: aggregate.IDSource, Source2: "39", Source3: "239", Source4: "5239", Installs: 41,
				Payers: ptrTo(12), RevenueMin: dec("10"), RevenueEst: dec("15.50"), RevenueMax: dec("20")},
			{Level: aggregate.LevelSrc2, NetworkID: "n", IDKind: aggregate.IDCampaign, Source2: "39", Installs: 30, Payers: ptrTo(0)},
			{Level: aggregate.LevelOther, NetworkID: "n", Installs: 25, Payers: ptrTo(9)},
			{Level: aggregate.LevelNetwork, NetworkID: "m", Installs: 33},
			{Level: aggregate.LevelOther, Installs: 50},
		},
		Events: []aggregate.EventCount{
			{NetworkID: "n", IDKind: aggregate.IDSource, Source2: "39", EventName: "level", Installs: ptrTo(20),
				CountMin: dec("20"), CountEst: dec("30"), CountMax: dec("40")},
			{NetworkID: "n", IDKind: aggregate.IDSource, Source2: "39", EventName: "install", Installs: ptrTo(7), CountMin: dec("7"), CountEst: dec("7.5")},
			{NetworkID: "n", IDKind: aggregate.IDSource, Source2: "39", EventName: "none", Installs: ptrTo(0), CountMin: dec("0"), CountEst: dec("0"), CountMax: dec("0")},
			{NetworkID: "n", IDKind: aggregate.IDSource, Source2: "39", EventName: "withheld"},
			{NetworkID: "n", EventName: "level", Installs: ptrTo(20), CountMin: dec("20"), CountEst: dec("20"), CountMax: dec("20")},
		},
	}
}

func figures(all []Conversion) []string {
	var out []string
	for _, c := range all {
		f := c.Fields
		out = append(out, strings.Join([]string{
			strings.TrimPrefix(c.DedupKey, "1.0.install.production.2026-11-02.week.cohort."), f["count"], f["count_low"], f["count_high"], f["revenue"],
			f["revenue_converted"], f["currency"], f["source_identifier"], f["campaign_id"], f["campaign_name"],
		}, "|"))
	}
	return out
}

func TestFromRelease(t *testing.T) {
	t.Parallel()
	names := func(network, source string, from, to time.Time) Campaign {
		require.Equal(t, week().Window.Start, from)
		require.Equal(t, week().Window.End, to)
		return map[string]Campaign{"n/239": {"g", "Germany"}, "n/39": {"w", "Winter"}, "n/c39": {"s", "Summer"}}[network+"/"+source]
	}
	got := FromRelease(week(), names, Telling{At: week().SealedAt})
	require.Equal(t, []string{
		"base.0/n/39/239/5239/install/0|41|41|41||||5239|g|Germany",
		"base.0/n/39/239/5239/payer/0|12|12|12|15.5|15.5|USD|5239|g|Germany",
		"base.0/n/c39/install/0|30|30|30||||39|s|Summer",
		"base.0/m/install/0|33|33|33||||||",
		"base.0/n/39/events/level/0|30|20|40||||39|w|Winter",
		"base.0/n/39/events/install/0|7.5|7|||||39|w|Winter",
	}, figures(got))
	first := got[0].Fields
	for name, want := range map[string]string{
		"row_id": week().ID + "/n/39/239/5239", "event_id": week().ID + "/n/39/239/5239/install", "revision": "0", "is_modeled": "false", "is_test": "false",
		"window_start": "2026-11-02T00:00:00Z", "window_end": "2026-11-09T00:00:00Z", "event_time": "2026-11-09T00:00:00Z",
		"event_time_unix": "1794182400", "app_id": "1", "network_id": "n", "attribution_type": "attributed",
	} {
		require.Equal(t, want, first[name], name)
	}
	require.NotContains(t, first, "model_version")
	for _, c := range got {
		require.False(t, c.ofPerson())
		require.Empty(t, c.Subject)
		require.Equal(t, week().SealedAt, c.OccurredAt)
		for name := range c.Fields {
			require.True(t, knownMacro(name), name)
		}
	}
	for name, change := range map[string]func(*aggregate.Release){
		"development":   func(r *aggregate.Release) { r.Dataset.Environment = aggregate.EnvDevelopment },
		"second window": func(r *aggregate.Release) { r.Dataset.SequenceIndex = 1 },
		"re-engagement": func(r *aggregate.Release) { r.Dataset.Kind = aggregate.KindReengagement },
		"another view":  func(r *aggregate.Release) { r.View = "crossing/country" },
	} {
		r := week()
		change(&r)
		require.Empty(t, FromRelease(r, nil, Telling{}), name)
	}
}

// TestFromReleaseAgain: a redecode gives the same rows under a higher revision, and the
// zeros that take the place of what was sent.
func TestFromReleaseAgain(t *testing.T) {
	t.Parallel()
	first := FromRelease(week(), nil, Telling{})
	again := week()
	again.Kind, again.ID = aggregate.ReleaseRedecode, aggregate.ReleaseID(again.Dataset, again.Window, again.View, aggregate.ReleaseRedecode, 0)
	rows := map[string]bool{}
	for _, c := range first {
		rows[c.Fields["row_id"]+c.Fields["event_name"]] = true
		require.False(t, c.Again)
	}
	second := FromRelease(again, nil, Telling{Revision: 1})
	require.Len(t, second, len(first)+2)
	for _, c := range second {
		require.True(t, c.Again)
		require.Equal(t, "1", c.Fields["revision"])
		require.True(t, strings.HasSuffix(c.DedupKey, "/1"))
		if !rows[c.Fields["row_id"]+c.Fields["event_name"]] {
			require.Equal(t, "0", c.Fields["count"])
		}
	}
}

// TestFromReleaseInParts: installs and what they did are told apart or together, and are
// the same.
func TestFromReleaseInParts(t *testing.T) {
	t.Parallel()
	whole := figures(FromRelease(week(), nil, Telling{}))
	parts := append(figures(FromRelease(week(), nil, Telling{Part: PartInstalls})), figures(FromRelease(week(), nil, Telling{Part: PartMeasures}))...)
	require.ElementsMatch(t, whole, parts)
	for _, c := range FromRelease(week(), nil, Telling{Part: PartInstalls}) {
		require.Equal(t, EventInstall, c.Fields["event_name"])
	}
}

// randomCrowd is a batch of a few networks and sources, most of them small.
func randomCrowd(r *rand.Rand) aggregate.Batch {
	b := aggregate.Batch{KnowsRedownloads: true, Schemas: []aggregate.Meaning{meaning()}}
	for range 5 + r.IntN(40) {
		fine := r.IntN(8)
		amount := decimal.NewFromInt(int64(fine))
		kind := []string{aggregate.ValueFine, aggregate.ValueFine, aggregate.ValueNull, aggregate.ValueUnset}[r.IntN(4)]
		b.Groups = append(b.Groups, aggregate.Counted{
			N: 1 + r.IntN(25), NetworkID: []string{"n", "m", "other", "total"}[r.IntN(4)], IDKind: aggregate.IDSource, ShortForm: aggregate.ShortLast,
			Source: strconv.Itoa(10 + r.IntN(3) + 100*r.IntN(3)), Kind: kind, Fine: fine, Payer: fine > 3 && kind == aggregate.ValueFine,
			RevenueMin: amount, RevenueEst: amount, RevenueMax: &amount, SchemaVersion: 1,
		})
	}
	return b
}

// TestForwardedIsPublished: over random crowds nothing is forwarded but what is
// published, number by number: no row below k, nothing of fewer than b, nothing
// withheld, nothing that mixes networks.
func TestForwardedIsPublished(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 14))
	sent, events := 0, 0
	for round := range 300 {
		rel := week()
		rel.Settings.K, rel.Settings.B = 10+r.IntN(20), 3+r.IntN(5)
		p := aggregate.Cut(rel.Dataset, rel.Settings, randomCrowd(r))
		rel.Rows, rel.Events = p.Rows, p.Events
		if round%3 == 0 {
			rel.Kind = aggregate.ReleaseRedecode
		}
		public := map[string]bool{}
		for _, row := range rel.Rows {
			if row.NetworkID == "" || row.Level == aggregate.LevelOther {
				continue
			}
			require.GreaterOrEqual(t, row.Installs, rel.Settings.K)
			public[fmt.Sprintf("%s|%s|install|%d|", row.NetworkID, row.Key(), row.Installs)] = true
			if row.Payers != nil {
				require.True(t, *row.Payers == 0 || *row.Payers >= rel.Settings.B)
				public[fmt.Sprintf("%s|%s|payer|%d|%s", row.NetworkID, row.Key(), *row.Payers, amount(row.RevenueEst))] = true
			}
		}
		for _, e := range rel.Events {
			if e.NetworkID == "" || e.Source2 == "" || e.Installs == nil {
				continue
			}
			require.True(t, *e.Installs == 0 || *e.Installs >= rel.Settings.B)
			campaign := aggregate.Row{NetworkID: e.NetworkID, IDKind: e.IDKind, Source2: e.Source2}
			public[fmt.Sprintf("%s|%s/events|%s|%s|", e.NetworkID, campaign.Key(), e.EventName, e.CountEst)] = true
		}
		keys := map[string]bool{}
		for _, c := range FromRelease(rel, nil, Telling{Revision: round % 2}) {
			f := c.Fields
			place := strings.TrimPrefix(f["row_id"], week().ID+"/")
			line := fmt.Sprintf("%s|%s|%s|%s|%s", f["network_id"], place, f["event_name"], f["count"], f["revenue"])
			require.True(t, public[line], line)
			require.False(t, keys[c.DedupKey], "one delivery per row and event: %s", c.DedupKey)
			keys[c.DedupKey] = true
			sent++
			if strings.HasSuffix(f["row_id"], "/events") {
				events++
			}
		}
	}
	require.Greater(t, sent, 1000)
	require.Greater(t, events, 100)
}

// meaning is a schema in which every value but 0 is a level, and those from 4 on pay.
func meaning() aggregate.Meaning {
	m := aggregate.Meaning{Version: 1, Events: []string{"level", "install"}}
	for value := range 8 {
		v := aggregate.ValueMeaning{Value: value, Payer: value > 3, RevenueMax: &decimal.Decimal{}}
		if value > 0 {
			v.Events = append(v.Events, aggregate.EventMeaning{Name: "level", CountMin: value, CountMax: &value})
		}
		if v.Payer {
			worth := decimal.NewFromInt(int64(value))
			v.RevenueMin, v.RevenueEst, v.RevenueMax = worth, worth, &worth
			v.Events = append(v.Events, aggregate.EventMeaning{Name: "install", CountMin: 1}) // a name that rows have too
		}
		m.Values = append(m.Values, v)
	}
	return m
}
