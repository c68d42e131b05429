package store

import (
	"context"
	"fmt"

	"skand/aggregate"
	"skand/forward"
)

// replaceDrifts keeps the alarms that stand with the newest modelled window of a dataset,
// in the transaction that prepares its release: an alarm ends with the first window on
// which it is not found again. An older window (a second version of the model reads the
// old ones, too) changes nothing.
func replaceDrifts(ctx context.Context, t *tx, r aggregate.Release) error {
	const newer = `SELECT COUNT(*) FROM release_ledger WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ?
		AND window_start > ? AND view = 'cohort' AND release_kind = 'model'`
	const remove = `DELETE FROM model_drift WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ?`
	const insert = `INSERT INTO model_drift (app_id, sequence_index, kind, environment, window_end, level, metric, event_name, since, says, do_next)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	var n int
	if err := t.GetContext(ctx, &n, t.q(newer), append(key(r.Dataset), ms(r.Window.Start))...); err != nil {
		return fmt.Errorf("look for newer windows than that of %s: %w", r.ID, err)
	}
	if n > 0 {
		return nil
	}
	if _, err := t.ExecContext(ctx, t.q(remove), key(r.Dataset)...); err != nil {
		return fmt.Errorf("end alarms of %s: %w", r.Dataset, err)
	}
	for _, d := range r.Drifts {
		args := append(key(r.Dataset), ms(r.Window.End), d.Level, d.Metric, d.EventName, ms(d.Since), d.Says, d.Do)
		if _, err := t.ExecContext(ctx, t.q(insert), args...); err != nil {
			return fmt.Errorf("keep alarms of %s: %w", r.Dataset, err)
		}
	}
	return nil
}

// modelAlerts are the alarms of the model that stand, of apps that are described.
func (s *Store) modelAlerts(ctx context.Context) ([]forward.Alert, error) {
	var rows []struct {
		datasetRow
		Level  string `db:"level"`
		Metric string `db:"metric"`
		Event  string `db:"event_name"`
		Since  int64  `db:"since"`
		Says   string `db:"says"`
		Do     string `db:"do_next"`
	}
	text := `SELECT d.app_id, d.sequence_index, d.kind, d.environment, d.level, d.metric, d.event_name, d.since, d.says, d.do_next
		FROM model_drift d JOIN app a ON a.app_id = d.app_id
		WHERE 1 = 1` + onlyGranted(ctx, "d.app_id") + `
		ORDER BY d.app_id, d.sequence_index, d.kind, d.environment, d.level, d.metric, d.event_name`
	if err := s.main.r.SelectContext(ctx, &rows, text); err != nil {
		return nil, fmt.Errorf("alarms of the model: %w", err)
	}
	out := make([]forward.Alert, len(rows))
	for i, r := range rows {
		since := at(r.Since)
		name := r.Metric
		if r.Event != "" {
			name = r.Event
		}
		out[i] = forward.Alert{
			ID:   fmt.Sprintf("%s/%s/%s/%s", forward.AlertModelDrift, r.dataset(), r.Level, name),
			Kind: forward.AlertModelDrift, AppID: fmt.Sprint(r.AppID), Since: &since, Says: r.Says, Do: r.Do, Playbook: "playbooks/model-drift.md",
		}
	}
	return out, nil
}
