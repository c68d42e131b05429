package store

import (
	"context"
	"fmt"

	"skand/aggregate"
)

type publishedRelease struct {
	ID string `db:"release_id"`
	K  int    `db:"k"`
	B  int    `db:"b"`
}

func publishedIn(ctx context.Context, t *tx, d *db, set aggregate.Dataset, p aggregate.Window) ([]publishedRelease, error) {
	var out []publishedRelease
	err := t.SelectContext(ctx, &out, t.q(`SELECT release_id, k, b FROM `+d.table("release")+`
		WHERE app_id = ? AND dataset = ? AND kind = 'base' AND window_end > ? AND window_end <= ? ORDER BY window_end`),
		set.AppID, set.String(), d.stamp(p.Start), d.stamp(p.End))
	return out, err
}

// publishedPlaces are the rows of a release by place and size.
func publishedPlaces(ctx context.Context, t *tx, d *db, view, release string) ([]aggregate.Row, error) {
	table := map[string]string{aggregate.ViewCohort: "cohort", aggregate.ViewDeterministic: "deterministic_cohort"}[view]
	var rows []struct {
		Level     string  `db:"level"`
		NetworkID *string `db:"network_id"`
		IDKind    *string `db:"id_kind"`
		Source2   *string `db:"source_2"`
		Installs  int     `db:"installs"`
	}
	err := t.SelectContext(ctx, &rows, t.q(`SELECT level, network_id, id_kind, source_2, installs FROM `+d.table(table)+
		` WHERE release_id = ? ORDER BY row_id`), release)
	out := make([]aggregate.Row, len(rows))
	for i, r := range rows {
		out[i] = aggregate.Row{Level: r.Level, NetworkID: cell(r.NetworkID), IDKind: cell(r.IDKind), Source2: cell(r.Source2), Installs: r.Installs}
	}
	return out, err
}

// publishedFine are the bins of a release, as far as their values and sizes go.
func publishedFine(ctx context.Context, t *tx, d *db, release string) ([]aggregate.ValueBin, error) {
	var rows []struct {
		NetworkID *string `db:"network_id"`
		IDKind    *string `db:"id_kind"`
		Source2   *string `db:"source_2"`
		Values    string  `db:"value_list"`
		Version   *int    `db:"schema_version"`
		Installs  *int    `db:"installs"`
	}
	err := t.SelectContext(ctx, &rows, t.q(`SELECT network_id, id_kind, source_2, value_list, schema_version, installs FROM `+
		d.table("cohort_value")+` WHERE release_id = ? AND kind = ? ORDER BY value_from, value_to`), release, aggregate.BinFine)
	out := make([]aggregate.ValueBin, len(rows))
	for i, r := range rows {
		version := 0 // several: the list says which
		if r.Version != nil {
			version = *r.Version
		}
		out[i] = aggregate.ValueBin{
			NetworkID: cell(r.NetworkID), IDKind: cell(r.IDKind), Source2: cell(r.Source2),
			Kind: aggregate.BinFine, Values: r.Values, SchemaVersion: version, Installs: r.Installs,
		}
	}
	return out, err
}

var combinedColumns = []column{
	{"release_id", "text"}, {"row_id", "text"}, {"app_id", "bigint"}, {"period_start", "timestamptz"}, {"period_end", "timestamptz"},
	{"network_id", "text"}, {"id_kind", "text"}, {"source_2", "text"}, {"level", "text"},
	{"skan_installs", "bigint"}, {"deterministic_installs", "bigint"},
	{"overlap_est", "bigint"}, {"overlap_low", "bigint"}, {"overlap_high", "bigint"}, {"overlap_source", "text"},
	{"combined_est", "bigint"}, {"combined_low", "bigint"}, {"combined_high", "bigint"}, {"method_version", "bigint"},
}

// insertCombined writes what a release of both sides publishes.
func insertCombined(ctx context.Context, t *tx, d *db, r aggregate.Release) error {
	lines := make([][]any, len(r.Combined))
	for i, c := range r.Combined {
		var est, low, high *int
		if c.Overlap != nil {
			est, low, high = &c.Overlap.Est, &c.Overlap.Low, &c.Overlap.High
		}
		lines[i] = []any{
			r.ID, r.ID + "/" + c.Key(), r.Dataset.AppID, d.stamp(r.Window.Start), d.stamp(r.Window.End),
			null(c.NetworkID), null(c.IDKind), null(c.Source2), c.Level, c.SKAN, c.Deterministic,
			est, low, high, null(c.Source), c.Combined.Est, c.Combined.Low, c.Combined.High, aggregate.CombinedMethod,
		}
	}
	if err := insertLines(ctx, t, d.table("combined"), combinedColumns, lines); err != nil {
		return fmt.Errorf("publish combined of %s: %w", r.ID, err)
	}
	return nil
}
