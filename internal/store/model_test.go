package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/forward"
	"skand/internal/apply"
	"skand/internal/clock"
)

// modeller has few draws: what the store does does not hang on them.
func (in inbox) modeller() *aggregate.Modeller {
	s := aggregate.DefaultModelSettings()
	s.Model.Draws, s.Later.Draws = 50, 50
	return &aggregate.Modeller{Store: in.s, Published: in.s, Clock: in.now, Log: slog.New(slog.DiscardHandler), Settings: s}
}

func (in inbox) modelAll() int {
	in.t.Helper()
	n, err := in.modeller().Run(in.t.Context())
	require.NoError(in.t, err)
	return n
}

var modelTables = []string{"cohort_modeled", "cohort_modeled_rollup", "model_check", "cohort_modeled_explained"}

// modelled is all that the model has published, table by table.
func (in inbox) modelled() map[string][]string {
	in.t.Helper()
	out := map[string][]string{}
	for _, table := range modelTables {
		out[table] = dump(in.t, in.s.pub, `SELECT * FROM `+in.s.pub.table(table))
		slices.Sort(out[table])
	}
	out["release"] = dump(in.t, in.s.pub, `SELECT * FROM `+in.s.pub.table("release")+` WHERE kind = 'model' ORDER BY release_id`)
	out["ledger"] = in.dump(`SELECT release_id, state, installs, carried, model_version, release, payload FROM release_ledger WHERE release_kind = 'model' ORDER BY release_id`)
	return out
}

// modelID is the id of the model's release of the test app's week.
func modelID(week int) string { return strings.Replace(weekID(week), ".base.0", ".model.1", 1) }

// TestModelPublishesEveryWindowOnce: what was sealed is modelled, once, from what is
// published: no counted row is left to look at, and no byte of another table changes.
func TestModelPublishesEveryWindowOnce(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		require.Zero(t, in.modelAll(), "nothing was sealed")
		in.campaigns(1, 6)
		before := in.everything()
		in.sql(`DELETE FROM counted_postback`)
		require.Equal(t, 6, in.modelAll())
		require.Zero(t, in.modelAll(), "each window once")
		after := in.everything()
		for table, lines := range before {
			if table == "release" {
				continue
			}
			require.Equal(t, lines, after[table], table)
		}
		for _, line := range before["release"] {
			require.Contains(t, after["release"], line)
		}
		found := in.modelled()
		for _, table := range modelTables {
			require.NotEmpty(t, found[table], table)
		}
		require.Len(t, found["release"], 6)
		for i, line := range in.dump(`SELECT release_id, state, modeled FROM release_ledger WHERE release_kind IN ('base', 'model') ORDER BY window_start, release_kind`) {
			want := fmt.Sprint(weekID(i/2), "|published|1")
			if i%2 == 1 {
				want = modelID(i/2) + "|published|0"
			}
			require.Equal(t, want, line)
		}
		p := in.s.pub
		require.Empty(t, dump(t, p, `SELECT m.row_id FROM `+p.table("cohort_modeled")+` m LEFT JOIN `+p.table("cohort")+` c ON c.row_id = m.row_id
			WHERE c.row_id IS NULL`), "each line is of a published row")
		require.Equal(t, dump(t, p, `SELECT COUNT(*) * 6 FROM `+p.table("cohort")), dump(t, p, `SELECT COUNT(*) FROM `+p.table("cohort_modeled")),
			"payers, revenue and four events of each row")
		require.Equal(t, []string{"month|1", "week|6"}, dump(t, p, `SELECT period, COUNT(DISTINCT period_start) FROM `+p.table("cohort_modeled_rollup")+
			` GROUP BY period ORDER BY period`), "November is over with the window that begins in it and ends in December")
		require.Equal(t, []string{"0.9"}, dump(t, p, `SELECT DISTINCT CAST("interval" AS TEXT) FROM `+p.table("cohort_modeled")))
		require.NotContains(t, strings.Join(in.dump(`SELECT release FROM release_ledger`), ""), `"modeled"`, "the ledger keeps a line")
		require.NoError(t, in.s.packMissing(t.Context()))
		require.Equal(t, []string{"6"}, dump(t, p, `SELECT COUNT(*) FROM `+p.table("cohort_packed")), "a release of the model has no rows to pack")
		require.Equal(t, before["cohort"], after["cohort"])
	})
}

// TestModelOfTheNewestWeekReadsTheWeeksBefore: what is due is fitted with what was
// published before it, and an older week is not told anew.
func TestModelOfTheNewestWeekReadsTheWeeksBefore(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 2)
		require.Equal(t, 2, in.modelAll())
		first := in.modelled()
		in.campaignsOf(7, 2, 1)
		require.Equal(t, 1, in.modelAll())
		second := in.modelled()
		for table, lines := range first {
			for _, line := range lines {
				require.Contains(t, second[table], line, "%s: what was published stays", table)
			}
		}
		require.Len(t, second["release"], 3)
	})
}

// TestModelTakesTwoVersions: one version once, two at most, and what is in the way is named.
func TestModelTakesTwoVersions(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 1)
		require.Equal(t, 1, in.modelAll())
		base, err := in.s.Base(t.Context(), weekID(0))
		require.NoError(t, err)
		version := func(n int) aggregate.Release {
			r := base.Line()
			r.Kind, r.ModelVersion, r.State, r.Coverage = aggregate.ReleaseModel, n, aggregate.StatePrepared, 0.9
			r.ID = aggregate.ReleaseID(r.Dataset, r.Window, r.View, r.Kind, n)
			return r
		}
		refused := func(n int) string {
			var inTheWay *aggregate.InTheWayError
			require.ErrorAs(t, in.s.PrepareModel(t.Context(), version(n), base), &inTheWay)
			return inTheWay.InTheWay
		}
		require.Equal(t, modelID(0), refused(1))
		due, err := in.s.Modelable(t.Context(), 2, in.modeller().Settings)
		require.NoError(t, err)
		require.Len(t, due, 1)
		require.True(t, due[0].Windows[0].Due)
		require.NoError(t, in.s.PrepareModel(t.Context(), version(2), base))
		require.Equal(t, version(2).ID, refused(3), "two versions are what a window takes")
		require.Equal(t, version(2).ID, refused(2))
		due, err = in.s.Modelable(t.Context(), 3, in.modeller().Settings)
		require.NoError(t, err)
		require.Empty(t, due, "nor is it asked for again")
		in.deleteApp(AppDeletion{Match: TagMatch{Any: true}})
		require.ErrorIs(t, in.s.PrepareModel(t.Context(), version(4), base), ErrNoApp)
	})
}

// TestModelReadsTheNewestDecode: of a window that was decoded again the redecode is
// modelled, and nothing before it is published.
func TestModelReadsTheNewestDecode(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 2)
		in.dearer("1.99", "4.99", "19.99", "99.99")
		d := in.redecoder()
		d.Published = failing{}
		_, err := d.Redecode(t.Context(), weekID(1), 2)
		require.Error(t, err)
		due, err := in.s.Modelable(t.Context(), 1, in.modeller().Settings)
		require.NoError(t, err)
		require.Equal(t, []string{weekID(0)}, dueOf(due), "a redecode is on its way")
		in.seal() // publishes it
		due, err = in.s.Modelable(t.Context(), 1, in.modeller().Settings)
		require.NoError(t, err)
		require.Equal(t, []string{weekID(0), again(weekID(1))}, dueOf(due))
		require.Equal(t, 2, in.modelAll())
		require.NotEmpty(t, dump(t, in.s.pub, `SELECT 1 FROM `+in.s.pub.table("cohort_modeled")+` WHERE row_id LIKE '`+weekID(1)+`/%'`), "rows are the base's for ever")
		require.Zero(t, in.modelAll())
	})
}

func dueOf(all []aggregate.Modelable) (ids []string) {
	for _, m := range all {
		for _, w := range m.Windows {
			if w.Due {
				ids = append(ids, w.Counts.ID)
			}
		}
	}
	return ids
}

// TestModelOfLaterWindowsWaitsForTheFirst: a window of index 1 is due when those of index
// 0 up to its end are sealed.
func TestModelOfLaterWindowsWaitsForTheFirst(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		levels := `{"low": {"events": []}, "medium": {"events": []}, "high": {"events": [{"name": "p1", "revenue_min": "1"}]}}`
		in.register(func(a *apply.App) {
			a.Schema = []byte(strings.Replace(string(purchases("1")), `{"index": 1}`, `{"index": 1, "coarse": `+levels+`}`, 1))
		})
		second := func(week int) {
			at := start.Add(time.Duration(week)*weekLong + time.Hour)
			in.decodedAs(0, "", false, crowd{tag: fmt.Sprint("first", week), n: 200, at: at, version: 1})
			in.sql(`UPDATE counted_postback SET fine = NULL, coarse = 'high', value_kind = 'coarse', sequence_index = 1 WHERE sealed_in IS NULL AND first_seen = ?`, ms(at))
			in.decodedAs(1, "", false, crowd{tag: fmt.Sprint("zero", week), n: 300, at: at.Add(time.Minute), payer: true, revenue: "1", version: 1})
		}
		for week := range 4 {
			second(week)
			in.now.Set(start.Add(time.Duration(week+1)*weekLong + time.Hour))
			in.seal()
		}
		in.sql(`UPDATE release_ledger SET state = 'prepared' WHERE sequence_index = 0 AND window_start = ?`, ms(start.Add(2*weekLong)))
		due, err := in.s.Modelable(t.Context(), 1, in.modeller().Settings)
		require.NoError(t, err)
		require.Len(t, due, 2)
		require.Equal(t, 1, due[1].Dataset.SequenceIndex)
		require.Len(t, dueOf(due[1:]), 2, "the third week of index 0 is not published")
		in.sql(`UPDATE release_ledger SET state = 'published' WHERE state = 'prepared'`)
		require.Equal(t, 8, in.modelAll())
		p := in.s.pub
		require.Equal(t, []string{"no_history|4", "no_price|2", "yes|2"}, countedBy(t, in,
			`SELECT signal, COUNT(*) FROM `+p.table("cohort_modeled")+` WHERE row_id LIKE '%.1.install.%' GROUP BY signal ORDER BY signal`))
	})
}

func countedBy(t *testing.T, in inbox, text string) []string {
	t.Helper()
	return dump(t, in.s.pub, text)
}

// TestModelExplainsARow: the newest version's numbers of a row, and why.
func TestModelExplainsARow(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 2)
		in.modelAll()
		rows := dump(t, in.s.pub, `SELECT row_id FROM `+in.s.pub.table("cohort")+` ORDER BY row_id`)
		for _, id := range rows {
			e, err := in.s.ExplainModeled(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, id, e.RowID)
			require.Equal(t, 1, e.ModelVersion)
			require.Equal(t, "USD", e.Currency)
			require.True(t, e.Interval.Equal(decimal.RequireFromString("0.9")))
			require.Len(t, e.Lines, 6)
			require.Equal(t, []string{"payers", "revenue", "p1", "p2", "p3", "p4"}, e.Explanation.Metrics)
			for i, l := range e.Lines {
				sum := 0.0
				for _, part := range e.Explanation.Parts {
					sum += part.Amounts[i]
				}
				require.InDelta(t, l.Estimate.InexactFloat64(), sum, 0.1, "the parts come to the estimate")
			}
			require.NotEmpty(t, e.Explanation.Sentences)
		}
		for _, id := range []string{"", "nobody", rows[0] + "/x", "\x00"} {
			_, err := in.s.ExplainModeled(t.Context(), id)
			require.ErrorIs(t, err, ErrNoModel)
		}
	})
}

// TestModelReadsConsentedCohorts: those that are published in the windows of the fit, of
// installs, and of no other app.
func TestModelReadsConsentedCohorts(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.funnelApp(func(a *apply.App) { a.AllInstalls = true })
		in.now.Set(month.Start)
		in.fourWeeks("5239")
		in.now.Set(month.End.Add(aggregate.Horizon + time.Hour))
		in.seal()
		in.sealConsented()
		due, err := in.s.Modelable(t.Context(), 1, in.modeller().Settings)
		require.NoError(t, err)
		require.NotEmpty(t, due)
		f := aggregate.ModelFit{Dataset: due[0].Dataset, Windows: due[0].Windows[:2]}
		r, err := in.s.ReadModelable(t.Context(), f)
		require.NoError(t, err)
		require.Len(t, r.Consented, 2)
		require.Len(t, r.Windows, 2)
		evidence := aggregate.ModelEvidence(r.Consented)
		require.Len(t, evidence, 1, "organic installs are no campaign's")
		require.InDelta(t, 120, evidence[0].Installs, 1e-6)
		require.Equal(t, len(dueOf(due)), in.modelAll())
	})
}

// TestModelDriftRings: an alarm stands with the newest modelled window, and is told as
// those of destinations are, while its app is described.
func TestModelDriftRings(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 2)
		counts := func(week int) (model, base aggregate.Release) {
			base, err := in.s.Base(t.Context(), weekID(week))
			require.NoError(t, err)
			model = base.Line()
			model.ID, model.Kind, model.ModelVersion, model.State = modelID(week), aggregate.ReleaseModel, 1, aggregate.StatePrepared
			return model, base
		}
		alerts := func() (ids []string) {
			all, err := in.s.Alerts(t.Context(), forward.DefaultThresholds())
			require.NoError(t, err)
			for _, a := range all {
				require.Equal(t, forward.AlertModelDrift, a.Kind)
				require.Equal(t, "playbooks/model-drift.md", a.Playbook)
				require.Equal(t, start, a.Since.UTC())
				require.Equal(t, fmt.Sprint(testApp), a.AppID)
				ids = append(ids, a.ID)
			}
			return ids
		}
		r, base := counts(1)
		r.Drifts = []aggregate.ModelDrift{
			{Level: "cell", Metric: "payers", Since: start, Says: "says", Do: "do"},
			{Level: "network", Metric: "event", EventName: "p1", Since: start, Says: "says", Do: "do"},
		}
		require.NoError(t, in.s.PrepareModel(t.Context(), r, base))
		set := fmt.Sprintf("model_drift/%d.0.install.production", testApp)
		require.Equal(t, []string{set + "/cell/payers", set + "/network/p1"}, alerts())
		r, base = counts(0)
		require.NoError(t, in.s.PrepareModel(t.Context(), r, base))
		require.Len(t, alerts(), 2, "an older window says nothing of now")
		in.campaignsOf(9, 2, 1)
		r, base = counts(2)
		require.NoError(t, in.s.PrepareModel(t.Context(), r, base))
		require.Empty(t, alerts(), "it ends with the first window on which it is not found again")
	})
}

// mortal is killed at the modeller's calls, too.
func (m *mortal) Modelable(ctx context.Context, version int, s aggregate.ModelSettings) (all []aggregate.Modelable, err error) {
	err = m.call(false, func() error { all, err = m.Store.Modelable(ctx, version, s); return err })
	return all, err
}

func (m *mortal) ReadModelable(ctx context.Context, f aggregate.ModelFit) (r aggregate.ModelReading, err error) {
	err = m.call(false, func() error { r, err = m.Store.ReadModelable(ctx, f); return err })
	return r, err
}

func (m *mortal) PrepareModel(ctx context.Context, r, counts aggregate.Release) error {
	return m.call(true, func() error { return m.Store.PrepareModel(ctx, r, counts) })
}

// modelDying models three weeks on emptied lines, with a death at call dies; then the
// sealer runs, or the modeller again, and it tells what stands in the end.
func (in inbox) modelDying(dies int, after, sealer bool) (effects []bool, stands map[string][]string) {
	in.t.Helper()
	in.sql(`DELETE FROM release_ledger WHERE release_kind = 'model'`)
	in.sql(`UPDATE release_ledger SET modeled = 0`)
	in.sql(`DELETE FROM outbox`)
	for _, table := range modelTables {
		_, err := in.s.pub.w.ExecContext(in.t.Context(), `DELETE FROM `+in.s.pub.table(table))
		require.NoError(in.t, err)
	}
	_, err := in.s.pub.w.ExecContext(in.t.Context(), `DELETE FROM `+in.s.pub.table("release")+` WHERE kind = 'model'`)
	require.NoError(in.t, err)
	m := &mortal{Store: in.s, dies: dies, after: after}
	d := in.modeller()
	d.Store, d.Published = m, m
	_, err = d.Run(in.t.Context())
	if dies > 0 {
		require.ErrorIs(in.t, err, errCrash)
	} else {
		require.NoError(in.t, err)
	}
	if sealer {
		in.seal()
	}
	in.modelAll()
	stands = in.modelled()
	stands["outbox"] = in.outbox()
	return m.effects, stands
}

// TestModelSurvivesEveryCrash kills it at each of its calls, before and after the effect.
// What the next run, or the sealer's, ends in is the same to the byte.
func TestModelSurvivesEveryCrash(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		_, err := in.s.SaveDestination(t.Context(), forward.Destination{
			ID: "modeled", AppID: testApp, NetworkID: "n0.skadnetwork", Enabled: true, URL: "https://h.example/",
			Kinds: []string{forward.KindModeled}, SendRevenue: true,
		}, start)
		require.NoError(t, err)
		in.campaigns(1, 3)
		effects, quiet := in.modelDying(0, false, false)
		require.Equal(t, []bool{false, false, false, true, true, true, true, true, true, true, true, true}, effects,
			"pending, due, one read for all three weeks, and prepare, publish, mark for each")
		for call, effect := range effects {
			for _, after := range []bool{false, true} {
				if after && !effect || raced && (!after || call%2 == 0) {
					continue
				}
				_, stands := in.modelDying(call+1, after, call%3 == 0)
				require.Equal(t, quiet, stands, "death at call %d, after its effect: %t", call+1, after)
			}
		}
	})
}

// TestModelGoesOnPastOneApp: an app whose published store lost a release is named, the
// others are modelled.
func TestModelGoesOnPastOneApp(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		apps := []apply.App{{AppID: 1, K: ptr(10), B: ptr(3)}, {AppID: 2, K: ptr(10), B: ptr(3)}}
		in.apply(&apply.Bundle{Apps: apps})
		for _, app := range []int64{1, 2} {
			in.crowd(crowd{tag: fmt.Sprint(app), n: 40, app: app, at: start})
		}
		in.nextWeek()
		in.seal()
		_, err := in.s.pub.w.ExecContext(t.Context(), `UPDATE `+in.s.pub.table("cohort")+` SET installs = installs + 1 WHERE app_id = 1`)
		require.NoError(t, err)
		n, err := in.modeller().Run(t.Context())
		require.ErrorContains(t, err, "model 1.0.install.production")
		require.Equal(t, 1, n)
		require.Equal(t, []string{"none"}, dump(t, in.s.pub, `SELECT DISTINCT signal FROM `+in.s.pub.table("cohort_modeled")), "no schema, no number")
		ctx, stop := context.WithCancel(t.Context())
		stop()
		_, err = in.modeller().Run(ctx)
		require.True(t, errors.Is(err, context.Canceled), "%v", err)
	})
}

// TestModelLooksUpWhatIsDue: the ledger is long, and the job runs often. What is due is
// found by an index of it, and so are the windows before.
func TestModelLooksUpWhatIsDue(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Main: migratedSQLite(t), Lab: Lab, Clock: clock.NewManual(start)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	plan := strings.Join(dump(t, s.main, "EXPLAIN QUERY PLAN "+modelDueSQL, 1), "\n")
	require.Contains(t, plan, "SEARCH b USING INDEX release_modeled (modeled<?)", plan)
	require.NotContains(t, plan, "SCAN", plan)
}
