package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skand/aggregate"
	"skand/conversion"
	"skand/schema"
)

// ReadModelable implements aggregate.ModelStore. A release never changes, so what it
// published need not be read at one moment.
func (s *Store) ReadModelable(ctx context.Context, f aggregate.ModelFit) (aggregate.ModelReading, error) {
	r := aggregate.ModelReading{Documents: map[int]*schema.Document{}, Checks: map[string][]aggregate.ModelCheck{}}
	for _, w := range f.Windows {
		whole := w.Counts
		if err := s.readPublished(ctx, &whole); err != nil {
			return r, err
		}
		r.Windows = append(r.Windows, whole)
	}
	for _, line := range f.First {
		if err := s.readPublished(ctx, &line); err != nil {
			return r, err
		}
		r.First = append(r.First, line)
	}
	versions, err := schemaVersions(ctx, s.main.r, f.Dataset.AppID)
	if err != nil {
		return r, err
	}
	for _, v := range versions {
		if readBy(v, r.Windows) || readBy(v, r.First) {
			r.Documents[v.Version] = v.Document
		}
	}
	if f.Dataset.Kind == aggregate.KindInstall {
		oldest := r.Windows[0]
		if len(r.First) > 0 {
			oldest = r.First[0]
		}
		span := aggregate.Window{Start: oldest.Window.Start, End: r.Windows[len(r.Windows)-1].Window.End}
		if r.Consented, err = s.consentedWindows(ctx, f.Dataset.AppID, span); err != nil {
			return r, err
		}
	}
	return r, s.readChecks(ctx, r)
}

// readBy says whether values of the releases may have been decoded by the version, in
// their currency: by the dates of the versions alone, or it would say something of rows.
func readBy(v conversion.SchemaVersion, releases []aggregate.Release) bool {
	return slices.ContainsFunc(releases, func(r aggregate.Release) bool {
		again := r.Kind == aggregate.ReleaseRedecode && slices.Contains(r.SchemaVersions, v.Version)
		return (again || mayHaveDecoded(v, r.Window.End)) && v.Document.Currency == r.Settings.Currency
	})
}

// consentedWindows are the published cohorts of people who consented.
func (s *Store) consentedWindows(ctx context.Context, appID int64, span aggregate.Window) ([]aggregate.ConsentedWindow, error) {
	var out []aggregate.ConsentedWindow
	err := s.pub.in(ctx, func(t *tx) error {
		releases, err := publishedIn(ctx, t, s.pub, aggregate.DeterministicDataset(appID), span)
		if err != nil {
			return err
		}
		for _, r := range releases {
			var rows []struct {
				Level     string   `db:"level"`
				NetworkID nullText `db:"network_id"`
				IDKind    nullText `db:"id_kind"`
				Source2   nullText `db:"source_2"`
				Source3   nullText `db:"source_3"`
				Source4   nullText `db:"source_4"`
				Installs  int      `db:"installs"`
				Payers    *int     `db:"payers"`
			}
			err := t.SelectContext(ctx, &rows, t.q(`SELECT level, network_id, id_kind, source_2, source_3, source_4, installs, payers FROM `+
				s.pub.table("deterministic_cohort")+` WHERE release_id = ? ORDER BY `+s.pub.byBytes("row_id")), r.ID)
			if err != nil {
				return err
			}
			w := aggregate.ConsentedWindow{B: r.B}
			for _, x := range rows {
				fine := x.Installs // what consented installs did is known in full
				w.Rows = append(w.Rows, aggregate.Row{
					Level: x.Level, NetworkID: x.NetworkID.String, IDKind: x.IDKind.String, Source2: x.Source2.String,
					Source3: x.Source3.String, Source4: x.Source4.String, Installs: x.Installs, FineInstalls: &fine, Payers: x.Payers,
				})
			}
			out = append(out, w)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the consented cohorts of app %d: %w", appID, err)
	}
	return out, nil
}

// readChecks reads the drift tests of the windows that were modelled before.
func (s *Store) readChecks(ctx context.Context, r aggregate.ModelReading) error {
	const columns = `SELECT c.level, c.metric, c.event_name, c.hidden, c.intervals, c.covered, c.truths_below, c.truths_above, r.model_version`
	for _, w := range r.Windows {
		text := columns + ` FROM ` + s.pub.table("model_check") + ` c JOIN ` + s.pub.table("release") + ` r ON r.release_id = c.release_id
			WHERE c.app_id = ? AND c.test = ? AND r.dataset = ? AND r.window_end = ? AND r.kind = 'model'`
		var lines []checkRow
		err := s.pub.r.SelectContext(ctx, &lines, s.pub.q(text), w.Dataset.AppID, aggregate.CheckWindow, w.Dataset.String(), s.pub.stamp(w.Window.End))
		if err != nil {
			return fmt.Errorf("read model_check of %s: %w", w.ID, err)
		}
		slices.SortFunc(lines, func(a, b checkRow) int {
			return strings.Compare(a.Level+"/"+a.Metric+"/"+a.EventName, b.Level+"/"+b.Metric+"/"+b.EventName)
		})
		newest := 0
		for _, l := range lines {
			newest = max(newest, l.ModelVersion)
		}
		for _, l := range lines {
			if l.ModelVersion == newest {
				base := aggregate.BaseReleaseID(w)
				r.Checks[base] = append(r.Checks[base], l.check(aggregate.CheckWindow))
			}
		}
	}
	return nil
}

// checkRow is a line of model_check as it is read.
type checkRow struct {
	Level        string `db:"level"`
	Metric       string `db:"metric"`
	EventName    string `db:"event_name"`
	Hidden       int    `db:"hidden"`
	Intervals    int    `db:"intervals"`
	Covered      int    `db:"covered"`
	Below        int    `db:"truths_below"`
	Above        int    `db:"truths_above"`
	ModelVersion int    `db:"model_version"`
}

func (c checkRow) check(test string) aggregate.ModelCheck {
	return aggregate.ModelCheck{
		Test: test, Level: c.Level, Metric: c.Metric, EventName: c.EventName,
		Hidden: c.Hidden, Intervals: c.Intervals, Covered: c.Covered, Below: c.Below, Above: c.Above,
	}
}
