package attack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/conversion"
	"skand/schema"
)

// modelSettings are those of the quarter: few draws, for a leak does not hang on them.
func modelSettings() aggregate.ModelSettings {
	s := aggregate.DefaultModelSettings()
	s.Model.Draws, s.Later.Draws = 50, 50
	return s
}

// model runs the model as its job does.
func (w *world) model() int {
	w.t.Helper()
	m := &aggregate.Modeller{Store: w.store, Published: w.store, Clock: w.now, Log: slog.New(slog.DiscardHandler), Settings: modelSettings()}
	n, err := m.Run(w.t.Context())
	require.NoError(w.t, err)
	return n
}

// recomputed [same bytes]: a reader who has the published tables and the schema, and
// nothing else, computes every modelled number again. So it says nothing that was not
// published, of however few installs.
func (r *reader) recomputed() (found []string) {
	type run struct {
		dataset string
		at      string
	}
	var runs []run
	for _, x := range r.view.kept(func(x *release) bool { return x.kind == aggregate.ReleaseModel }) {
		if one := (run{x.dataset, x.sealed}); !slices.Contains(runs, one) {
			runs = append(runs, one)
		}
	}
	p := newPublishedReleases(r)
	for _, one := range runs {
		m := p.modelable(one.dataset, one.at)
		for _, f := range modelSettings().Plan(m) {
			reading := p.reading(f, one.at)
			releases, err := f.Releases(reading, modelSettings(), time.Time{})
			if err != nil {
				found = append(found, fmt.Sprintf("%s at %s: %v", one.dataset, one.at, err))
				continue
			}
			for _, x := range releases {
				found = append(found, differences(x.ID, linesOf(x), p.modelled[x.ID])...)
				delete(p.modelled, x.ID)
			}
		}
	}
	for id := range p.modelled {
		found = append(found, id+" is of no window that is due")
	}
	return found
}

func differences(id string, want, got []string) (found []string) {
	slices.Sort(want)
	slices.Sort(got)
	if slices.Equal(want, got) {
		return nil
	}
	for _, line := range got {
		if _, there := slices.BinarySearch(want, line); !there {
			found = append(found, fmt.Sprintf("%s says %.200s", id, line))
		}
	}
	return append(found, fmt.Sprintf("%s: %d lines are published, %d computed", id, len(got), len(want)))
}

// linesOf is all that a release of the model publishes, one text a line.
func linesOf(x aggregate.Release) (lines []string) {
	base := aggregate.BaseReleaseID(x)
	text := func(d fmt.Stringer, there bool) string {
		if !there {
			return null
		}
		return d.String()
	}
	number := func(m aggregate.Modeled) string {
		return strings.Join([]string{m.Metric, m.EventName, m.Signal, text(m.Estimate, m.Estimate != nil), text(m.Low, m.Low != nil), text(m.High, m.High != nil)}, "|")
	}
	for _, m := range x.Modeled {
		lines = append(lines, "row|"+base+"/"+m.Key+"|"+number(m.Modeled))
	}
	for _, m := range x.Rollups {
		node := m.Node
		if node == "" {
			node = null
		}
		lines = append(lines, fmt.Sprintf("rollup|%s|%s|%s|%s|%d|%s", m.Level, node, m.Period, m.PeriodStart.Format(time.RFC3339), m.Windows, number(m.Modeled)))
	}
	for _, c := range x.Checks {
		lines = append(lines, fmt.Sprintf("check|%s|%s|%s|%s|%d|%d|%d|%d|%d", c.Test, c.Level, c.Metric, c.EventName, c.Hidden, c.Intervals, c.Covered, c.Below, c.Above))
	}
	for _, e := range x.Explained {
		b, err := json.Marshal(e)
		if err != nil {
			return []string{err.Error()}
		}
		lines = append(lines, "why|"+base+"/"+e.Key+"|"+string(b))
	}
	return lines
}

// publishedReleases is what a reader has of the releases of counts, as a model reads it.
type publishedReleases struct {
	r         *reader
	counts    map[string][]aggregate.Release // by dataset, in order
	sealed    map[string]string              // by release id
	consented map[int64][]consentedRelease
	modelled  map[string][]string // lines by release of the model
}

type consentedRelease struct {
	sealed string
	end    time.Time
	aggregate.ConsentedWindow
}

func newPublishedReleases(r *reader) *publishedReleases {
	p := &publishedReleases{r: r, counts: map[string][]aggregate.Release{}, sealed: map[string]string{}, consented: map[int64][]consentedRelease{}, modelled: map[string][]string{}}
	s := r.snapshots[len(r.snapshots)-1]
	byID := map[string]*aggregate.Release{}
	var ids []string
	for _, x := range r.view.releases {
		p.sealed[x.id] = x.sealed
		start, day, ok := windowOf(x.id)
		if !ok || x.kind == aggregate.ReleaseModel {
			continue
		}
		w := aggregate.Window{Start: start, End: start.AddDate(0, 0, 7)}
		if day {
			w.End = start.AddDate(0, 0, 1)
		}
		byID[x.id] = &aggregate.Release{
			ID: x.id, Dataset: aggregate.Dataset{AppID: x.app, SequenceIndex: x.index, Kind: x.conversion, Environment: x.environment},
			View: aggregate.ViewCohort, Kind: x.kind, Window: w, WindowStart: x.start, K: x.k, B: x.b, State: aggregate.StatePublished,
		}
		ids = append(ids, x.id)
	}
	p.readCounts(s, byID)
	for _, id := range ids {
		x := *byID[id]
		if x.Dataset.Kind == aggregate.KindDeterministic {
			p.consented[x.Dataset.AppID] = append(p.consented[x.Dataset.AppID], consentedRelease{p.sealed[id], x.Window.End, aggregate.ConsentedWindow{B: x.B, Rows: x.Rows}})
			continue
		}
		slices.SortFunc(x.Rows, func(a, b aggregate.Row) int { return strings.Compare(a.Key(), b.Key()) })
		slices.SortFunc(x.Remainders, func(a, b aggregate.Remainder) int {
			return strings.Compare(a.Measure+"/"+a.NetworkID, b.Measure+"/"+b.NetworkID)
		})
		p.counts[x.Dataset.String()] = append(p.counts[x.Dataset.String()], x)
	}
	for _, list := range p.consented {
		slices.SortFunc(list, func(a, b consentedRelease) int { return a.end.Compare(b.end) })
	}
	for _, list := range p.counts {
		slices.SortFunc(list, func(a, b aggregate.Release) int {
			return cmp.Or(a.Window.Start.Compare(b.Window.Start), strings.Compare(a.Kind, b.Kind))
		})
	}
	p.readModelled(s)
	return p
}

// windowOf reads the window out of a release id.
func windowOf(id string) (start time.Time, day, ok bool) {
	for _, kind := range []string{".week.", ".day."} {
		before, _, found := strings.Cut(id, kind)
		if found {
			at, err := time.Parse(time.DateOnly, before[len(before)-len(time.DateOnly):])
			return at, kind == ".day.", err == nil
		}
	}
	return start, false, false
}

func (p *publishedReleases) readCounts(s *snapshot, byID map[string]*aggregate.Release) {
	t := p.r.view.t
	row := func(r reading) aggregate.Row {
		return aggregate.Row{
			Level: r.text("level"), NetworkID: r.text("network_id"), IDKind: r.text("id_kind"), Source2: r.text("source_2"), Source3: r.text("source_3"),
			Source4: r.text("source_4"), Installs: *r.number("installs"), Payers: r.number("payers"),
			RevenueMin: r.money("revenue_min"), RevenueEst: r.money("revenue_est"), RevenueMax: r.money("revenue_max"),
		}
	}
	s.each(t, "cohort", func(r reading) {
		x, in := row(r), byID[r.text("release_id")]
		x.NullInstalls, x.UnsetInstalls, x.UnmappedInstalls = r.number("null_installs"), r.number("unset_installs"), r.number("unmapped_installs")
		x.CoarseLow, x.CoarseMedium, x.CoarseHigh, x.FineInstalls = r.number("coarse_low"), r.number("coarse_medium"), r.number("coarse_high"), r.number("fine_installs")
		in.Rows, in.Settings.Currency = append(in.Rows, x), r.text("currency")
		in.Installs += x.Installs
		for _, v := range strings.Split(r.text("schema_versions"), ",") {
			n := 0
			if _, err := fmt.Sscan(v, &n); err == nil && !slices.Contains(in.SchemaVersions, n) {
				in.SchemaVersions = append(in.SchemaVersions, n)
			}
		}
	})
	s.each(t, "deterministic_cohort", func(r reading) {
		x, in := row(r), byID[r.text("release_id")]
		x.FineInstalls = &x.Installs
		in.Rows = append(in.Rows, x)
	})
	s.each(t, "cohort_remainder", func(r reading) {
		in := byID[r.text("release_id")]
		in.Remainders = append(in.Remainders, aggregate.Remainder{
			NetworkID: r.text("network_id"), Measure: r.text("measure"), Rows: *r.number("rows"), Installs: *r.number("installs"),
			RevenueMin: r.money("revenue_min"), RevenueEst: r.money("revenue_est"), RevenueMax: r.money("revenue_max"),
		})
	})
	s.each(t, "cohort_value", func(r reading) {
		in, version := byID[r.text("release_id")], 0
		if n := r.number("schema_version"); n != nil {
			version = *n
		}
		in.Values = append(in.Values, aggregate.ValueBin{
			NetworkID: r.text("network_id"), IDKind: r.text("id_kind"), Source2: r.text("source_2"), Kind: r.text("kind"),
			From: *r.number("value_from"), To: *r.number("value_to"), Values: r.text("value_list"), SchemaVersion: version, Installs: r.number("installs"),
		})
	})
}

func (p *publishedReleases) readModelled(s *snapshot) {
	t := p.r.view.t
	for _, x := range p.r.view.releases {
		if x.kind == aggregate.ReleaseModel {
			p.modelled[x.id] = nil
		}
	}
	add := func(r reading, line string, names ...string) {
		for _, name := range names {
			line += "|" + r.line[r.at[name]]
		}
		p.modelled[r.text("release_id")] = append(p.modelled[r.text("release_id")], line)
	}
	number := []string{"metric", "event_name", "signal", "estimate", "low", "high"}
	s.each(t, "cohort_modeled", func(r reading) { add(r, "row", append([]string{"row_id"}, number...)...) })
	s.each(t, "cohort_modeled_rollup", func(r reading) {
		add(r, "rollup", append([]string{"level", "node", "period", "period_start", "windows"}, number...)...)
	})
	s.each(t, "model_check", func(r reading) {
		add(r, "check", "test", "level", "metric", "event_name", "hidden", "intervals", "covered", "truths_below", "truths_above")
	})
	s.each(t, "cohort_modeled_explained", func(r reading) { add(r, "why", "row_id", "explanation") })
}

// modelable is what was due of a dataset when the model ran.
func (p *publishedReleases) modelable(dataset, at string) aggregate.Modelable {
	var m aggregate.Modelable
	newest := func(name string) (out []aggregate.Release) {
		for _, x := range p.counts[name] {
			switch n := len(out); {
			case p.sealed[x.ID] > at:
			case n > 0 && out[n-1].Window == x.Window:
				out[n-1] = x // decoded again
			default:
				out = append(out, x)
			}
		}
		return out
	}
	for _, x := range newest(dataset) {
		m.Dataset = x.Dataset
		m.Lab = true
		id := aggregate.ReleaseID(x.Dataset, x.Window, x.View, aggregate.ReleaseModel, aggregate.ModelVersion)
		m.Windows = append(m.Windows, aggregate.ModelableWindow{Counts: x, Due: p.sealed[id] == at})
	}
	first := m.Dataset
	if first.SequenceIndex > 0 {
		first.SequenceIndex = 0
		m.First = newest(first.String())
	}
	return m
}

// reading is what a fit reads, from published tables and the schema alone.
func (p *publishedReleases) reading(f aggregate.ModelFit, at string) aggregate.ModelReading {
	r := aggregate.ModelReading{Documents: map[int]*schema.Document{}, First: f.First}
	for _, w := range f.Windows {
		r.Windows = append(r.Windows, w.Counts)
	}
	for _, v := range p.r.versions[f.Dataset.AppID] {
		for _, x := range slices.Concat(r.Windows, r.First) {
			dated := v.Version == 1 || v.EffectiveFrom.Before(x.Window.End) || x.Kind == aggregate.ReleaseRedecode && slices.Contains(x.SchemaVersions, v.Version)
			if dated && v.Document.Currency == x.Settings.Currency {
				r.Documents[v.Version] = v.Document
			}
		}
	}
	if f.Dataset.Kind == aggregate.KindInstall {
		oldest, newest := r.Windows[0].Window.Start, r.Windows[len(r.Windows)-1].Window.End
		if len(r.First) > 0 {
			oldest = r.First[0].Window.Start
		}
		for _, c := range p.consented[f.Dataset.AppID] {
			if c.sealed <= at && c.end.After(oldest) && !c.end.After(newest) {
				r.Consented = append(r.Consented, c.ConsentedWindow)
			}
		}
	}
	return r
}

// modelledFromCounts is a naive publisher whose model read what was counted: of rows
// whose payers are withheld it knows how many paid.
func (n *naive) modelledFromCounts() *reader {
	n.lore.merges = true
	for _, c := range n.cuts[:3] {
		p := n.cutOf(c)
		r := c.line("", p.Rows)
		r.Values, r.Events, r.Remainders = p.Values, p.Events, p.Remainders
		m := r.Line()
		m.ID, m.Kind, m.ModelVersion, m.Coverage = aggregate.ReleaseID(r.Dataset, r.Window, r.View, aggregate.ReleaseModel, 1), aggregate.ReleaseModel, 1, 0.9
		for _, x := range at(p.Rows, c.batch.Groups) {
			counted := x.measured(everything)
			d := decimal.NewFromInt(int64(*counted.Payers))
			m.Modeled = append(m.Modeled, aggregate.ModeledRow{Key: x.row.Key(), Modeled: aggregate.Modeled{
				Metric: aggregate.MetricNamePayers, Signal: aggregate.SignalYes, Estimate: &d, Low: &d, High: &d,
			}})
		}
		n.publish(r, m)
	}
	return n.reader()
}

// versionsOf is what everybody knows of an app's schema.
func (w *world) versionsOf(t *testing.T) map[int64][]conversion.SchemaVersion {
	out := map[int64][]conversion.SchemaVersion{}
	for _, app := range []int64{weeklyApp, dailyApp} {
		versions, err := w.store.SchemaVersions(t.Context(), app)
		require.NoError(t, err)
		out[app] = versions
	}
	return out
}
