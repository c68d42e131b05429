package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// modelsOfWindowSQL lists the releases of the model of a window, newest version first.
const modelsOfWindowSQL = `
SELECT release_id, state, model_version FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND window_start = ? AND view = ? AND release_kind = 'model'
ORDER BY model_version DESC`

// modelledForEver is what the line of a base release says when its window takes no
// other version of the model.
const modelledForEver = math.MaxInt32

const setModeledSQL = `
UPDATE release_ledger SET modeled = ?
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND window_start = ? AND view = ? AND release_kind = 'base'`

// PrepareModel implements aggregate.ModelStore.
func (s *Store) PrepareModel(ctx context.Context, r, counts aggregate.Release) error {
	return s.main.in(ctx, func(t *tx) error {
		if err := stillDescribed(ctx, t, r.Dataset.AppID); err != nil {
			return err
		}
		of := append(key(r.Dataset), ms(r.Window.Start), r.View)
		var before []struct {
			ID      string `db:"release_id"`
			State   string `db:"state"`
			Version int    `db:"model_version"`
		}
		if err := t.SelectContext(ctx, &before, t.q(modelsOfWindowSQL), of...); err != nil {
			return fmt.Errorf("releases of the model before %s: %w", r.ID, err)
		}
		for _, b := range before {
			if b.Version == r.ModelVersion || len(before) == aggregate.MostModels {
				return &aggregate.InTheWayError{Release: r.ID, Window: r.Window, InTheWay: b.ID, State: b.State}
			}
		}
		if err := insertRelease(ctx, t, r); err != nil {
			return err
		}
		modeled := r.ModelVersion
		if len(before) == aggregate.MostModels-1 {
			modeled = modelledForEver
		}
		if _, err := t.ExecContext(ctx, t.q(setModeledSQL), append([]any{modeled}, of...)...); err != nil {
			return fmt.Errorf("mark the window of %s as modelled: %w", r.ID, err)
		}
		if err := replaceDrifts(ctx, t, r); err != nil {
			return err
		}
		return s.enqueueModel(ctx, t, r, counts)
	})
}

var (
	modeledColumns = []column{
		{"release_id", "text"}, {"app_id", "bigint"}, {"row_id", "text"}, {"metric", "text"}, {"event_name", "text"},
		{"estimate", "numeric"}, {"low", "numeric"}, {"high", "numeric"}, {"interval", "numeric"},
		{"model_version", "bigint"}, {"signal", "text"}, {"currency", "text"},
	}
	rollupColumns = []column{
		{"release_id", "text"}, {"app_id", "bigint"}, {"sequence_index", "bigint"}, {"conversion_kind", "text"}, {"environment", "text"},
		{"level", "text"}, {"node", "text"}, {"period", "text"}, {"period_start", "timestamptz"}, {"windows", "bigint"},
		{"metric", "text"}, {"event_name", "text"}, {"estimate", "numeric"}, {"low", "numeric"}, {"high", "numeric"}, {"interval", "numeric"},
		{"model_version", "bigint"}, {"signal", "text"}, {"currency", "text"},
	}
	checkColumns = []column{
		{"release_id", "text"}, {"app_id", "bigint"}, {"test", "text"}, {"level", "text"}, {"metric", "text"}, {"event_name", "text"},
		{"hidden", "bigint"}, {"intervals", "bigint"}, {"covered", "bigint"}, {"truths_below", "bigint"}, {"truths_above", "bigint"},
		{"coverage", "numeric"}, {"error", "numeric"}, {"bias", "numeric"}, {"interval", "numeric"}, {"note", "text"},
	}
	explainedColumns = []column{{"release_id", "text"}, {"row_id", "text"}, {"explanation", "text"}}
)

// currencyOf is that of a modelled number; nil where it is no money.
func currencyOf(r aggregate.Release, metric string) *string {
	if metric != aggregate.MetricNameRevenue {
		return nil
	}
	return &r.Settings.Currency
}

// coverageOf is the share of intervals that held, to a thousandth; nil where there were none.
func coverageOf(c aggregate.ModelCheck) *decimal.Decimal {
	if c.Intervals == 0 {
		return nil
	}
	d := decimal.NewFromInt(int64(c.Covered)).DivRound(decimal.NewFromInt(int64(c.Intervals)), 3)
	return &d
}

// insertModel writes what a release of the model publishes.
func insertModel(ctx context.Context, t *tx, d *db, r aggregate.Release) error {
	base, interval, set := aggregate.BaseReleaseID(r), decimal.NewFromFloat(r.Coverage), r.Dataset
	rows := make([][]any, len(r.Modeled))
	for i, m := range r.Modeled {
		rows[i] = []any{
			r.ID, set.AppID, base + "/" + m.Key, m.Metric, m.EventName, m.Estimate, m.Low, m.High, interval,
			r.ModelVersion, m.Signal, currencyOf(r, m.Metric),
		}
	}
	rollups := make([][]any, len(r.Rollups))
	for i, m := range r.Rollups {
		rollups[i] = []any{
			r.ID, set.AppID, set.SequenceIndex, set.Kind, set.Environment, m.Level, null(m.Node), m.Period, d.stamp(m.PeriodStart), m.Windows,
			m.Metric, m.EventName, m.Estimate, m.Low, m.High, interval, r.ModelVersion, m.Signal, currencyOf(r, m.Metric),
		}
	}
	checks := make([][]any, len(r.Checks))
	for i, c := range r.Checks {
		checks[i] = []any{
			r.ID, set.AppID, c.Test, c.Level, c.Metric, c.EventName, c.Hidden, c.Intervals, c.Covered, c.Below, c.Above,
			coverageOf(c), c.Error, c.Bias, interval, c.Note,
		}
	}
	explained := make([][]any, len(r.Explained))
	for i, e := range r.Explained {
		text, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("explain %s: %w", e.Key, err)
		}
		explained[i] = []any{r.ID, base + "/" + e.Key, string(text)}
	}
	for _, w := range []struct {
		table   string
		columns []column
		lines   [][]any
	}{
		{"cohort_modeled", modeledColumns, rows}, {"cohort_modeled_rollup", rollupColumns, rollups},
		{"model_check", checkColumns, checks}, {"cohort_modeled_explained", explainedColumns, explained},
	} {
		if err := insertLines(ctx, t, d.table(w.table), w.columns, w.lines); err != nil {
			return fmt.Errorf("publish %s of %s: %w", w.table, r.ID, err)
		}
	}
	return nil
}
