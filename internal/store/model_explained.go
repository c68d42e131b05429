package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// ErrNoModel says that nothing is published of the model for a row.
var ErrNoModel = errors.New("no release of the model has this row")

// ModeledExplained is what the newest version of the model says of a published row, and
// where it has it from.
type ModeledExplained struct {
	RowID        string
	ReleaseID    string // of the model
	ModelVersion int
	Interval     decimal.Decimal // what share of the intervals should hold
	Currency     string          // of revenue
	Lines        []aggregate.ModeledRow
	// Explanation is nil where there is no signal.
	Explanation *aggregate.ModelExplanation
}

const modeledLinesSQL = `
SELECT m.release_id, m.metric, m.event_name, m.estimate, m.low, m.high, m."interval" AS coverage, m.model_version, m.signal,
  COALESCE(m.currency, '') AS currency
FROM %[1]s m
WHERE m.row_id = ? AND m.model_version = (SELECT MAX(n.model_version) FROM %[1]s n WHERE n.row_id = m.row_id)
ORDER BY CASE m.metric WHEN 'payers' THEN 0 WHEN 'revenue' THEN 1 ELSE 2 END, %[2]s`

// ExplainModeled reads it; ErrNoModel if the row does not exist or was not modelled yet.
func (s *Store) ExplainModeled(ctx context.Context, rowID string) (ModeledExplained, error) {
	out := ModeledExplained{RowID: rowID}
	if !fitsText(rowID) {
		return out, ErrNoModel
	}
	var rows []struct {
		ReleaseID string           `db:"release_id"`
		Metric    string           `db:"metric"`
		Event     string           `db:"event_name"`
		Estimate  *decimal.Decimal `db:"estimate"`
		Low       *decimal.Decimal `db:"low"`
		High      *decimal.Decimal `db:"high"`
		Coverage  decimal.Decimal  `db:"coverage"`
		Version   int              `db:"model_version"`
		Signal    string           `db:"signal"`
		Currency  string           `db:"currency"`
	}
	text := fmt.Sprintf(modeledLinesSQL, s.pub.table("cohort_modeled"), s.pub.byBytes("m.event_name"))
	if err := s.pub.r.SelectContext(ctx, &rows, s.pub.q(text), rowID); err != nil {
		return out, fmt.Errorf("read modelled row %s: %w", rowID, err)
	}
	if len(rows) == 0 {
		return out, ErrNoModel
	}
	for _, r := range rows {
		out.ReleaseID, out.ModelVersion, out.Interval = r.ReleaseID, r.Version, r.Coverage
		if r.Currency != "" {
			out.Currency = r.Currency
		}
		out.Lines = append(out.Lines, aggregate.ModeledRow{Modeled: aggregate.Modeled{
			Metric: r.Metric, EventName: r.Event, Signal: r.Signal, Estimate: r.Estimate, Low: r.Low, High: r.High,
		}})
	}
	var explanation string
	err := s.pub.r.GetContext(ctx, &explanation, s.pub.q(`SELECT explanation FROM `+s.pub.table("cohort_modeled_explained")+
		` WHERE release_id = ? AND row_id = ?`), out.ReleaseID, rowID)
	if errors.Is(err, sql.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read why of modelled row %s: %w", rowID, err)
	}
	out.Explanation = &aggregate.ModelExplanation{}
	if err := json.Unmarshal([]byte(explanation), out.Explanation); err != nil {
		return out, fmt.Errorf("read why of modelled row %s: %w", rowID, err)
	}
	for i := range out.Lines {
		out.Lines[i].Key = out.Explanation.Key
	}
	return out, nil
}
