package web

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"skand/aggregate"
	"skand/internal/store"
)

// modelledFigure is one published estimate with its interval of 90 per cent. Without a
// signal all three are nil: nothing was estimated.
type modelledFigure struct {
	node             string // of roll-ups: "", a network, network/39, network/c7
	begin            time.Time
	place            sum // of rows: where the row stands
	metric           string
	value, low, high *decimal.Decimal
}

// modelledRollups streams the published estimates of networks (network), campaigns (src2)
// or the app (app) by week or month: all but those of events.
func modelledRollups(ctx context.Context, from CohortReader, f store.CohortFilter, level, period string, each func(modelledFigure)) error {
	look, err := from.LookAtCohorts(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }() // it has only read
	at := columnIndex(store.RollupTable())
	for _, metric := range []string{aggregate.MetricNamePayers, aggregate.MetricNameRevenue} {
		err := look.Rollups(ctx, level, period, store.ModeledPick{Metric: metric}, 0, 0, func(row []any) error {
			begin, _ := row[at["period_start"]].(store.Stamp)
			each(modelledFigure{
				node: value(textCell(row[at["node"]])), begin: time.Time(begin), metric: metric,
				value: decimalCell(row[at["estimate"]]), low: decimalCell(row[at["low"]]), high: decimalCell(row[at["high"]]),
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// modelledRows streams the published estimates of single rows.
func modelledRows(ctx context.Context, from CohortReader, f store.CohortFilter, each func(modelledFigure)) error {
	look, err := from.LookAtCohorts(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = look.Close() }() // it has only read
	at := columnIndex(store.ModeledTable())
	for _, metric := range []string{aggregate.MetricNamePayers, aggregate.MetricNameRevenue} {
		err := look.Modeled(ctx, store.ModeledPick{Metric: metric}, 0, 0, func(row []any) error {
			f := modelledFigure{metric: metric, value: decimalCell(row[at["estimate"]]), low: decimalCell(row[at["low"]]), high: decimalCell(row[at["high"]])}
			for name, into := range map[string]**string{
				"network_id": &f.place.network, "id_kind": &f.place.idKind, "source_2": &f.place.source2, "source_3": &f.place.source3,
				"source_4": &f.place.source4, "level": &f.place.level,
			} {
				*into = textCell(row[at[name]])
			}
			each(f)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// estimate is what a cell of a page shows of the model. Estimates add up, bounds do not:
// over several periods only the estimate is told.
type estimate struct {
	sum, low, high *decimal.Decimal
	periods        int
	without        int // periods without a signal
}

// plus puts another period's or row's estimate to e.
func (e estimate) plus(f modelledFigure) estimate {
	if f.value == nil {
		e.without++
		return e
	}
	e.periods++
	if e.periods == 1 {
		sum := *f.value
		e.sum, e.low, e.high = &sum, f.low, f.high
		return e
	}
	sum := e.sum.Add(*f.value)
	e.sum, e.low, e.high = &sum, nil, nil
	return e
}

// estimates are by the key of a line of the page, then by metric.
type estimates map[string]map[string]estimate

func (e estimates) add(key string, f modelledFigure) {
	if e[key] == nil {
		e[key] = map[string]estimate{}
	}
	e[key][f.metric] = e[key][f.metric].plus(f)
}
