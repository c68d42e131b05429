package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/forward"
)

// modelAgain publishes a second version of a window's model, with every number one more.
func (in inbox) modelAgain(baseID string) {
	in.t.Helper()
	counts, err := in.s.Base(in.t.Context(), baseID)
	require.NoError(in.t, err)
	r := counts.Line()
	r.Kind, r.ModelVersion, r.SealedAt, r.State = aggregate.ReleaseModel, 2, in.now.Now(), aggregate.StatePrepared
	r.ID = aggregate.ReleaseID(r.Dataset, r.Window, r.View, r.Kind, 2)
	r.Coverage = 0.9
	one := decimal.NewFromInt(1)
	for _, line := range in.numbers(baseID) {
		m := aggregate.ModeledRow{Key: line.key, Modeled: aggregate.Modeled{Metric: line.metric, EventName: line.event, Signal: line.signal}}
		if line.signal == aggregate.SignalYes {
			e, l, h := line.estimate.Add(one), line.low.Add(one), line.high.Add(one)
			m.Estimate, m.Low, m.High = &e, &l, &h
		}
		r.Modeled = append(r.Modeled, m)
	}
	require.NoError(in.t, in.s.PrepareModel(in.t.Context(), r, counts))
	require.NoError(in.t, in.s.Publish(in.t.Context(), r))
	require.NoError(in.t, in.s.MarkPublished(in.t.Context(), r.ID))
}

// publishedNumber is a line of cohort_modeled.
type publishedNumber struct {
	key, network, level, metric, event, signal string
	estimate, low, high                        decimal.Decimal
}

// numbers are those of a base release's rows, by the newest model.
func (in inbox) numbers(baseID string) (out []publishedNumber) {
	in.t.Helper()
	p := in.s.pub
	for _, line := range dump(in.t, p, `SELECT m.row_id, COALESCE(c.network_id, ''), c.level, m.metric, m.event_name, m.signal,
			COALESCE(m.estimate, 0), COALESCE(m.low, 0), COALESCE(m.high, 0)
		FROM `+p.table("cohort_modeled")+` m JOIN `+p.table("cohort")+` c ON c.row_id = m.row_id
		WHERE c.release_id = ? AND m.model_version = (SELECT MAX(n.model_version) FROM `+p.table("cohort_modeled")+` n WHERE n.row_id = m.row_id)
		ORDER BY m.row_id, m.metric, m.event_name`, baseID) {
		f := strings.Split(line, "|")
		require.Len(in.t, f, 9)
		out = append(out, publishedNumber{
			strings.TrimPrefix(f[0], baseID+"/"), f[1], f[2], f[3], f[4], f[5],
			decimal.RequireFromString(f[6]), decimal.RequireFromString(f[7]), decimal.RequireFromString(f[8]),
		})
	}
	return out
}

// told are the figures that a destination was sent, one line each, sorted.
func (in inbox) toldFigures(destination string) []string {
	in.t.Helper()
	var out []string
	for _, row := range in.dump(`SELECT fields, event_name FROM outbox WHERE destination_id = ?`, destination) {
		at := strings.LastIndex(row, "|")
		f, err := in.s.openFields(row[:at])
		require.NoError(in.t, err)
		out = append(out, fmt.Sprintf("%s %s r%s modeled=%s v%s %s [%s %s] %s", f["row_id"], row[at+1:], f["revision"], f["is_modeled"],
			f["model_version"], f["count"], f["count_low"], f["count_high"], f["revenue"]))
	}
	slices.Sort(out)
	return out
}

// expected is what of the published numbers a network is to be told.
func expected(baseID, network string, revision, version int, numbers []publishedNumber, zeros, events bool) (out []string) {
	revenue := map[string]string{}
	for _, n := range numbers {
		if n.metric == "revenue" && n.signal == aggregate.SignalYes {
			revenue[n.key] = n.estimate.String()
		}
	}
	for _, n := range numbers {
		if n.network != network || n.level == aggregate.LevelOther || n.signal != aggregate.SignalYes || n.metric == "revenue" ||
			n.metric == "event" && !events || n.estimate.IsZero() && !zeros {
			continue
		}
		event, worth := n.event, ""
		if n.metric == "payers" {
			event, worth = forward.EventPayer, revenue[n.key]
		}
		out = append(out, fmt.Sprintf("%s/%s %s r%d modeled=true v%d %s [%s %s] %s", baseID, n.key, event, revision, version, n.estimate, n.low, n.high, worth))
	}
	slices.Sort(out)
	return out
}

func (in inbox) figures(id, revisions string) {
	in.t.Helper()
	in.destination(id, func(d *forward.Destination) {
		d.NetworkID, d.Kinds, d.SendRevenue = "n0.skadnetwork", []string{forward.KindModeled}, true
		d.Revisions, d.URL = revisions, "https://h.example/?r={row_id}&v={revision}"
	})
}

// without leaves out lines that hold a text.
func without(lines []string, text string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.Contains(l, text) })
}

// TestModelTold: installs go when the window is sealed, what they did when the model's
// release is written, number by number as published; once to who adds, and a second
// version to who replaces.
func TestModelTold(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.s.AwaitModels(ModelPatience)
		in.figures("once", forward.RevisionsOnce)
		in.figures("replace", forward.RevisionsReplace)
		in.campaigns(1, 1)
		base := weekID(0)
		sealed := in.toldFigures("once")
		require.NotEmpty(t, sealed)
		require.Empty(t, without(sealed, " install r0 modeled=false "), "only installs")
		require.Equal(t, []string{"waits"}, in.dump(`SELECT told FROM release_ledger WHERE release_id = ?`, base))

		require.Equal(t, 1, in.modelAll())
		numbers := in.numbers(base)
		want := expected(base, "n0.skadnetwork", 1, 1, numbers, false, true)
		require.NotEmpty(t, want)
		require.True(t, slices.ContainsFunc(want, func(l string) bool { return !strings.Contains(l, " payer ") }), "events are told too")
		for _, id := range []string{"once", "replace"} {
			require.Equal(t, want, without(in.toldFigures(id), "modeled=false"), id)
			require.Equal(t, sealed, without(in.toldFigures(id), "modeled=true"), "and nothing observed beside them")
		}
		require.Equal(t, []string{"modeled"}, in.dump(`SELECT told FROM release_ledger WHERE release_id = ?`, base))
		expires := in.dump(`SELECT MIN(expires_at), MAX(expires_at) FROM outbox WHERE event_name = 'payer'`)
		require.Equal(t, []string{fmt.Sprintf("%[1]d|%[1]d", ms(in.now.Now().Add(7*24*time.Hour)))}, expires)

		in.now.Advance(ModelPatience + time.Hour)
		n, err := in.s.TellWaiting(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "nothing waits any more")
		in.modelAgain(base)
		once := in.toldFigures("once")
		require.Len(t, once, len(sealed)+len(want), "whoever adds hears of no second version")
		second := expected(base, "n0.skadnetwork", 2, 2, in.numbers(base), true, true)
		require.Equal(t, second, slices.DeleteFunc(in.toldFigures("replace"), func(l string) bool { return !strings.Contains(l, " r2 ") }))

		in.dearer("1.99", "4.99", "19.99", "99.99")
		_, err = in.redecoder().Redecode(t.Context(), base, 2)
		require.NoError(t, err)
		require.Equal(t, once, in.toldFigures("once"))
		require.Len(t, in.toldFigures("replace"), len(once)+len(second), "counts of their own do not take the place of estimates")
	})
}

// TestModelLate: where no model comes in time the observed figures go, by the newest
// decode; the model that comes after all is for who replaces, without the events that
// went by the campaign.
func TestModelLate(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.s.AwaitModels(ModelPatience)
		in.figures("once", forward.RevisionsOnce)
		in.figures("replace", forward.RevisionsReplace)
		in.campaigns(1, 1)
		base := weekID(0)
		in.dearer("1.99", "4.99", "19.99", "99.99")
		_, err := in.redecoder().Redecode(t.Context(), base, 2)
		require.NoError(t, err)
		installs := in.toldFigures("once")
		require.Empty(t, without(installs, " install r0 "), "a redecode waits, too")
		tell := func(want int) {
			n, err := in.s.TellWaiting(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		in.now.Advance(ModelPatience - time.Second)
		tell(0)
		in.now.Advance(time.Second)
		tell(1)
		tell(0)
		observed := in.toldFigures("once")
		require.Greater(t, len(observed), len(installs))
		require.Equal(t, observed, in.toldFigures("replace"))
		require.Empty(t, without(observed, " r0 modeled=false "))
		again, found, err := in.s.redecodeOf(t.Context(), must(in.s.Base(t.Context(), base)))
		require.NoError(t, err)
		require.True(t, found)
		revenue := map[string]bool{}
		for _, row := range again.Rows {
			if row.RevenueEst != nil && row.NetworkID == "n0.skadnetwork" {
				revenue[base+"/"+row.Key()+" payer "+row.RevenueEst.String()] = true
			}
		}
		payers := 0
		for _, line := range observed {
			if f := strings.Fields(line); f[1] == "payer" {
				require.True(t, revenue[f[0]+" payer "+f[len(f)-1]], "%s is of the redecode", line)
				payers++
			}
		}
		require.Positive(t, payers)

		require.Equal(t, 1, in.modelAll())
		require.Equal(t, observed, in.toldFigures("once"), "sent once")
		want := expected(base, "n0.skadnetwork", 2, 1, in.numbers(base), true, false)
		require.NotEmpty(t, want)
		require.Equal(t, want, without(in.toldFigures("replace"), "modeled=false"))
	})
}

// TestModelNotAwaited: without a model everything goes when the window is sealed, and
// what waited when the model was turned off goes at the next look.
func TestModelNotAwaited(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.s.AwaitModels(ModelPatience)
		in.figures("once", forward.RevisionsOnce)
		in.campaigns(1, 1)
		waiting := in.toldFigures("once")
		in.s.AwaitModels(0)
		n, err := in.s.TellWaiting(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Greater(t, len(in.toldFigures("once")), len(waiting))
		require.Equal(t, []string{"observed"}, in.dump(`SELECT told FROM release_ledger WHERE release_id = ?`, weekID(0)))
	})
}

// TestModelNoSignalTold: a window of which nothing can be said is told as it was seen.
func TestModelNoSignalTold(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.s.AwaitModels(ModelPatience)
		in.figures("once", forward.RevisionsOnce)
		in.campaigns(1, 1)
		counts := must(in.s.Base(t.Context(), weekID(0)))
		r := counts.Line()
		r.Kind, r.ModelVersion, r.SealedAt, r.State = aggregate.ReleaseModel, 1, in.now.Now(), aggregate.StatePrepared
		r.ID = aggregate.ReleaseID(r.Dataset, r.Window, r.View, r.Kind, 1)
		for _, row := range counts.Rows {
			r.Modeled = append(r.Modeled, aggregate.ModeledRow{Key: row.Key(), Modeled: aggregate.Modeled{Metric: "payers", Signal: aggregate.SignalNone}})
		}
		installs := in.toldFigures("once")
		gone := errors.New("killed")
		err := in.s.main.in(t.Context(), func(tx *tx) error {
			if err := in.s.enqueueModel(t.Context(), tx, r, counts); err != nil {
				return err
			}
			return gone
		})
		require.ErrorIs(t, err, gone)
		require.Equal(t, installs, in.toldFigures("once"), "neither the release nor its deliveries")
		require.NoError(t, in.s.PrepareModel(t.Context(), r, counts))
		told := in.toldFigures("once")
		require.Greater(t, len(told), len(installs))
		require.Empty(t, without(told, " r0 modeled=false v "))
		require.Equal(t, []string{"observed"}, in.dump(`SELECT told FROM release_ledger WHERE release_id = ?`, weekID(0)))
		var again *aggregate.InTheWayError
		require.ErrorAs(t, in.s.PrepareModel(t.Context(), r, counts), &again)
		require.Equal(t, told, in.toldFigures("once"))
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
