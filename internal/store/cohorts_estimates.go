package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// Estimates are the modelled numbers that stand beside published rows, or beside sums of
// them: payers and revenue, and events by name.
type Estimates struct{ Events []string }

// Columns are those that are added to an answer. All are NULL where nothing was modelled
// (yet), and the numbers where there is no signal.
func (e Estimates) Columns() []Column {
	out := []Column{{"signal", Text}, {"interval", Money}, {"model_version", Number}}
	for _, name := range e.names() {
		out = append(out, Column{name + "_estimate", Money}, Column{name + "_low", Money}, Column{name + "_high", Money})
	}
	return out
}

// names are the metrics as columns begin.
func (e Estimates) names() []string {
	names := []string{aggregate.MetricNamePayers, aggregate.MetricNameRevenue}
	for _, event := range e.Events {
		names = append(names, "event_"+event)
	}
	return names
}

// estimate is all that was modelled of one row or node.
type estimate struct {
	signal, interval, version any
	currency                  string
	numbers                   []any // as Columns has them
}

// put takes one number in; what was not asked for is passed over.
func (e Estimates) put(to *estimate, n modelled) {
	if to.numbers == nil {
		to.numbers = make([]any, 3*len(e.names()))
	}
	at := 0
	switch n.Metric {
	case aggregate.MetricNamePayers:
		to.signal, to.interval, to.version = n.Signal, n.Interval, n.Version
	case aggregate.MetricNameRevenue:
		at = 1
		to.currency = n.Currency.String
	default:
		i := slices.Index(e.Events, n.Event)
		if i < 0 {
			return
		}
		at = 2 + i
	}
	for i, d := range []decimal.NullDecimal{n.Estimate, n.Low, n.High} {
		if d.Valid {
			to.numbers[3*at+i] = d.Decimal
		}
	}
}

// cells are the values of Columns.
func (e Estimates) cells(of *estimate) []any {
	if of == nil {
		return make([]any, 3+3*len(e.names()))
	}
	return append([]any{of.signal, of.interval, of.version}, of.numbers...)
}

// modelled is one number as it is stored.
type modelled struct {
	Place    string              `db:"place"` // row id, or what tells roll-ups apart
	Metric   string              `db:"metric"`
	Event    string              `db:"event_name"`
	Signal   string              `db:"signal"`
	Estimate decimal.NullDecimal `db:"estimate"`
	Low      decimal.NullDecimal `db:"low"`
	High     decimal.NullDecimal `db:"high"`
	Interval decimal.Decimal     `db:"interval"`
	Currency nullText            `db:"currency"`
	Version  int64               `db:"model_version"`
}

// wanted is a condition on metrics and events, so that not all events are read.
func (e Estimates) wanted(w *conditions) {
	const named = `metric <> '` + aggregate.MetricNameEvent + `'`
	if len(e.Events) == 0 {
		w.and(named)
		return
	}
	args := make([]any, len(e.Events))
	for i, name := range e.Events {
		args[i] = name
	}
	w.and(`(`+named+` OR event_name IN (?`+strings.Repeat(", ?", len(args)-1)+`))`, args...)
}

// estimateChunk is how many rows are held while their numbers are looked up.
const estimateChunk = 2_000

// RowsEstimated streams published rows as Rows does, each with its modelled numbers
// behind it. It holds some rows and the numbers of one window of one dataset at a time.
func (l *CohortLook) RowsEstimated(ctx context.Context, e Estimates, after *CohortPlace, limit int, each func([]any) error) error {
	models, err := l.modelOf(ctx)
	if err != nil {
		return err
	}
	var loaded string
	var of map[string]*estimate
	for given := 0; limit == 0 || given < limit; {
		most := estimateChunk
		if limit > 0 {
			most = min(most, limit-given)
		}
		var rows [][]any
		err := l.Rows(ctx, after, most, func(row []any) error {
			rows = append(rows, slices.Clone(row))
			return nil
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			release, _ := row[0].(string) // what CohortTable says
			id, _ := row[1].(string)
			base := strings.TrimSuffix(release, redecoded) + "." + aggregate.ReleaseBase + ".0"
			if !strings.HasSuffix(release, redecoded) {
				base = release
			}
			if base != loaded {
				if of, err = l.estimatesOf(ctx, e, models[base]); err != nil {
					return err
				}
				loaded = base
			}
			if err := each(append(row, e.cells(of[base+strings.TrimPrefix(id, release)])...)); err != nil {
				return err
			}
		}
		if given += len(rows); len(rows) < most {
			return nil
		}
		place := PlaceOf(rows[len(rows)-1])
		after = &place
	}
	return nil
}

const redecoded = "." + aggregate.ReleaseRedecode + ".0"

// modelOf gives the newest release of the model in range by the id of its base release.
func (l *CohortLook) modelOf(ctx context.Context) (map[string]string, error) {
	models := map[string]string{}
	err := l.ModelReleases(ctx, func(r *Release) error {
		base := strings.TrimSuffix(r.ID, fmt.Sprintf(".%s.%d", aggregate.ReleaseModel, r.ModelVersion)) + "." + aggregate.ReleaseBase + ".0"
		models[base] = r.ID
		return nil
	})
	return models, err
}

// estimatesOf are the numbers of a model's release by row id.
func (l *CohortLook) estimatesOf(ctx context.Context, e Estimates, releaseID string) (map[string]*estimate, error) {
	if releaseID == "" {
		return nil, nil
	}
	w := &conditions{}
	w.and(`release_id = ?`, releaseID)
	e.wanted(w)
	out := map[string]*estimate{}
	text := `SELECT row_id AS place, metric, event_name, signal, estimate, low, high, "interval", currency, model_version FROM ` +
		l.d.table("cohort_modeled") + w.String()
	err := l.query(ctx, text, w.args, func(rows *sqlx.Rows) error {
		var n modelled
		if err := rows.StructScan(&n); err != nil {
			return fmt.Errorf("read modelled number: %w", err)
		}
		if out[n.Place] == nil {
			out[n.Place] = &estimate{}
		}
		e.put(out[n.Place], n)
		return nil
	})
	return out, err
}
