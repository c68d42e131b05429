package store

import (
	"context"
	"fmt"

	"skand/aggregate"
)

var (
	deterministicColumns = []column{
		{"release_id", "text"}, {"row_id", "text"}, {"app_id", "bigint"}, {"window_start", "timestamptz"}, {"window_end", "timestamptz"},
		{"horizon_hours", "bigint"}, {"network_id", "text"}, {"id_kind", "text"}, {"source_2", "text"}, {"source_3", "text"},
		{"source_4", "text"}, {"level", "text"}, {"installs", "bigint"}, {"payers", "bigint"},
		{"revenue_min", "numeric"}, {"revenue_est", "numeric"}, {"revenue_max", "numeric"}, {"currency", "text"},
	}
	doneColumns = []column{
		{"release_id", "text"}, {"network_id", "text"}, {"id_kind", "text"}, {"source_2", "text"}, {"event_name", "text"},
		{"installs", "bigint"}, {"revenue_est", "numeric"}, {"currency", "text"},
	}
	funnelColumns = []column{
		{"release_id", "text"}, {"side", "text"}, {"network_id", "text"}, {"id_kind", "text"}, {"source_2", "text"},
		{"funnel", "bigint"}, {"stage", "bigint"}, {"event_name", "text"}, {"installs", "bigint"},
	}
)

// insertDeterministic writes what a release of consented installs publishes.
func insertDeterministic(ctx context.Context, t *tx, d *db, r aggregate.Release) error {
	cohort := make([][]any, len(r.Rows))
	for i, row := range r.Rows {
		cohort[i] = []any{
			r.ID, r.ID + "/" + row.Key(), r.Dataset.AppID, d.stamp(r.WindowStart), d.stamp(r.Window.End),
			int(aggregate.Horizon.Hours()), null(row.NetworkID), null(row.IDKind), null(row.Source2), null(row.Source3),
			null(row.Source4), row.Level, row.Installs, row.Payers,
			row.RevenueMin, row.RevenueEst, row.RevenueMax, r.Settings.Currency,
		}
	}
	done := make([][]any, len(r.Done))
	for i, e := range r.Done {
		done[i] = []any{
			r.ID, null(e.NetworkID), null(e.IDKind), null(e.Source2), e.EventName, e.Installs, e.RevenueEst, r.Settings.Currency,
		}
	}
	if err := insertLines(ctx, t, d.table("deterministic_cohort"), deterministicColumns, cohort); err != nil {
		return fmt.Errorf("publish deterministic_cohort of %s: %w", r.ID, err)
	}
	if err := insertLines(ctx, t, d.table("deterministic_event"), doneColumns, done); err != nil {
		return fmt.Errorf("publish deterministic_event of %s: %w", r.ID, err)
	}
	return nil
}

// insertFunnels writes the stages of either side.
func insertFunnels(ctx context.Context, t *tx, d *db, r aggregate.Release) error {
	lines := make([][]any, len(r.Funnels))
	for i, f := range r.Funnels {
		lines[i] = []any{
			r.ID, r.Side(), null(f.NetworkID), null(f.IDKind), null(f.Source2), f.Funnel, f.Stage, null(f.EventName), f.Installs,
		}
	}
	if err := insertLines(ctx, t, d.table("funnel"), funnelColumns, lines); err != nil {
		return fmt.Errorf("publish funnel of %s: %w", r.ID, err)
	}
	return nil
}

// ofPostbacks leaves the consented side out of the ledger of cohorts.
const ofPostbacks = `conversion_kind NOT IN ('` + aggregate.KindDeterministic + `', '` + aggregate.KindCombined + `')`
