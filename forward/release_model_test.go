package forward

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

// number is a modelled number of a row.
func number(key, metric, event, estimate, low, high string) aggregate.ModeledRow {
	m := aggregate.ModeledRow{Key: key, Modeled: aggregate.Modeled{Metric: metric, EventName: event, Signal: aggregate.SignalNone}}
	if estimate != "" {
		m.Signal, m.Estimate, m.Low, m.High = aggregate.SignalYes, dec(estimate), dec(low), dec(high)
	}
	return m
}

// modelOf is a model's release of a release of counts.
func modelOf(counts aggregate.Release, version int, rows ...aggregate.ModeledRow) aggregate.Release {
	m := counts.Line()
	m.Kind, m.ModelVersion, m.Modeled, m.SealedAt = aggregate.ReleaseModel, version, rows, counts.SealedAt.Add(time.Hour)
	m.ID = aggregate.ReleaseID(m.Dataset, m.Window, m.View, m.Kind, version)
	return m
}

func modeledWeek() (model, counts aggregate.Release) {
	counts = week()
	return modelOf(counts, 3,
		number("n/39/239/5239", "payers", "", "14.2", "12", "19"), number("n/39/239/5239", "revenue", "", "20.05", "15.5", "31"),
		number("n/39/239/5239", "event", "level", "28.5", "20", "41.1"), number("n/39/239/5239", "event", "install", "9", "7", "12"),
		number("n/c39", "payers", "", "0", "0", "2"), number("n/c39", "revenue", "", "0", "0", "9.98"),
		number("n/other", "payers", "", "11", "9", "15"), number("other", "payers", "", "8", "1", "19"), number("m", "payers", "", "4.5", "1", "9"),
	), counts
}

// TestFromModel: the first model goes to everybody, with what the row is and what the
// model says; nothing of rows that mix networks, no zeros, no installs.
func TestFromModel(t *testing.T) {
	t.Parallel()
	model, counts := modeledWeek()
	how := ModelTelling{Telling: Telling{Revision: 1, At: model.SealedAt}, First: true, Events: true}
	got := FromModel(model, counts, func(network, source string, _, _ time.Time) Campaign {
		return map[string]Campaign{"n/39": {"w", "Winter"}}[network+"/"+source]
	}, how)
	require.Equal(t, []string{
		"base.0/n/39/239/5239/payer/1|14.2|12|19|20.05|20.05|USD|5239|w|Winter",
		"base.0/n/39/239/5239/events/level/1|28.5|20|41.1||||5239|w|Winter",
		"base.0/n/39/239/5239/events/install/1|9|7|12||||5239|w|Winter",
		"base.0/m/payer/1|4.5|1|9||||||",
	}, figures(got))
	for _, c := range got {
		require.False(t, c.Again)
		require.Equal(t, model.SealedAt, c.OccurredAt, "what waited expires no sooner")
		require.False(t, c.ofPerson())
		require.Equal(t, "true 3 1", fmt.Sprint(c.Fields["is_modeled"], " ", c.Fields["model_version"], " ", c.Fields["revision"]))
		for name := range c.Fields {
			require.True(t, knownMacro(name), name)
		}
	}
	first := got[0].Fields
	require.Equal(t, counts.ID+"/n/39/239/5239", first["row_id"], "the row as cohort and cohort_modeled have it")
	require.Equal(t, first["row_id"], got[1].Fields["row_id"])
	require.Equal(t, "15.5 31", first["revenue_min"]+" "+first["revenue_max"], "the bounds of the estimate")

	how.First, how.Events, how.Revision = false, false, 2
	again := FromModel(model, counts, nil, how)
	require.Equal(t, []string{
		"base.0/n/39/239/5239/payer/2|14.2|12|19|20.05|20.05|USD|5239||",
		"base.0/n/c39/payer/2|0|0|2|0|0|USD|39||",
		"base.0/m/payer/2|4.5|1|9||||||",
	}, figures(again), "zeros take the place of what was told; events that went by the campaign stay")
	for _, c := range again {
		require.True(t, c.Again)
	}
}

// TestFromModelWithoutSignal: what has no number goes as it was observed, once.
func TestFromModelWithoutSignal(t *testing.T) {
	t.Parallel()
	counts := week()
	none := modelOf(counts, 1, number("n/39/239/5239", "payers", "", "", "", ""), number("m", "payers", "", "", "", ""))
	require.False(t, HasNumbers(none))
	first := FromModel(none, counts, nil, ModelTelling{Telling: Telling{Revision: 1}, First: true})
	require.Equal(t, figures(FromRelease(counts, nil, Telling{Part: PartMeasures})), figures(first))
	for _, c := range first {
		require.Equal(t, "false 0", c.Fields["is_modeled"]+" "+c.Fields["revision"])
		require.NotContains(t, c.Fields, "model_version")
		require.False(t, c.Again)
	}
	require.Empty(t, FromModel(none, counts, nil, ModelTelling{Telling: Telling{Revision: 1}}))

	one := modelOf(counts, 1, number("m", "payers", "", "3", "1", "5"))
	require.True(t, HasNumbers(one))
	require.Equal(t, []string{
		"base.0/m/payer/1|3|1|5||||||", "base.0/n/39/239/5239/payer/0|12|12|12|15.5|15.5|USD|5239||",
	}, figures(FromModel(one, counts, nil, ModelTelling{Telling: Telling{Revision: 1}, First: true, Events: true})))

	later := modelOf(counts, 1, number("m", "payers", "", "3", "1", "5"))
	later.Dataset.SequenceIndex = 1
	require.Empty(t, FromModel(later, counts, nil, ModelTelling{First: true}))
}

// TestModeledForwardedIsPublished: over random crowds and random numbers nothing is told
// but a published number of a published row, once for each row and event.
func TestModeledForwardedIsPublished(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 15))
	sent := 0
	for range 200 {
		rel := week()
		rel.Settings.K, rel.Settings.B = 10+r.IntN(20), 3+r.IntN(5)
		p := aggregate.Cut(rel.Dataset, rel.Settings, randomCrowd(r))
		rel.Rows, rel.Events = p.Rows, p.Events
		var numbers []aggregate.ModeledRow
		public := map[string]bool{}
		for _, row := range rel.Rows {
			for _, m := range [][2]string{{"payers", ""}, {"revenue", ""}, {"event", "level"}, {"event", "install"}} {
				at := decimal.NewFromInt(int64(r.IntN(30))).Shift(-1)
				n := number(row.Key(), m[0], m[1], at.String(), "0", at.Add(decimal.New(1, 0)).String())
				if r.IntN(8) == 0 {
					n = number(row.Key(), m[0], m[1], "", "", "")
				}
				numbers = append(numbers, n)
				if n.Estimate == nil || row.NetworkID == "" || row.Level == aggregate.LevelOther {
					continue
				}
				name := map[string]string{"payers": EventPayer, "event": m[1], "revenue": "revenue"}[m[0]]
				public[fmt.Sprintf("%s|%s|%s|%s|%s|%s", row.NetworkID, row.Key(), name, n.Estimate, n.Low, n.High)] = true
			}
		}
		keys := map[string]bool{}
		model := modelOf(rel, 1, numbers...)
		for _, c := range FromModel(model, rel, nil, ModelTelling{Telling: Telling{Revision: 1 + r.IntN(2)}, First: r.IntN(2) == 0, Events: true}) {
			f := c.Fields
			require.False(t, keys[c.DedupKey], c.DedupKey)
			keys[c.DedupKey] = true
			if f["is_modeled"] == "false" {
				continue // TestForwardedIsPublished
			}
			place := strings.TrimPrefix(f["row_id"], rel.ID+"/")
			line := fmt.Sprintf("%s|%s|%s|%s|%s|%s", f["network_id"], place, f["event_name"], f["count"], f["count_low"], f["count_high"])
			require.True(t, public[line], line)
			if f["revenue"] != "" {
				line = fmt.Sprintf("%s|%s|revenue|%s|%s|%s", f["network_id"], place, f["revenue"], f["revenue_min"], f["revenue_max"])
				require.True(t, public[line], line)
			}
			sent++
		}
	}
	require.Greater(t, sent, 1000)
}
