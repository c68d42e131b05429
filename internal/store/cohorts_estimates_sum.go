package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"skand/aggregate"
)

// RollupLevel is the roll-up that a group's sums have beside them. Bounds don't add, so
// only a group that was published as a roll-up has one: by week or month, for the app, a
// network, or a source of a network.
func (g CohortGroup) RollupLevel() (level, period string, err error) {
	has := func(name string) bool { return slices.Contains(g, name) }
	switch {
	case has("level"), has("schema_versions"):
		return "", "", errNoRollup
	case has("week") == has("month"):
		return "", "", errNoRollup
	}
	period = aggregate.PeriodWeek
	if has("month") {
		period = aggregate.PeriodMonth
	}
	switch {
	case has("source_2") && !has("network"):
		return "", "", errNoRollup // a number of several networks' campaigns
	case has("source_2"):
		return aggregate.RollupSrc2, period, nil
	case has("network"):
		return aggregate.RollupNetwork, period, nil
	}
	return aggregate.RollupApp, period, nil
}

var errNoRollup = errors.New("bounds of estimates do not add, so only published roll-ups can be given: " +
	"week or month, alone or with network, or with network,source_2")

// SumsEstimated streams sums as Sums does, each with the roll-up of the same rows behind
// it. The look is of whole periods of all levels: anything less would have another sum
// than the roll-up.
func (l *CohortLook) SumsEstimated(ctx context.Context, g CohortGroup, e Estimates, skip, limit int, each func([]any) error) error {
	level, period, err := g.RollupLevel()
	if err != nil {
		return err
	}
	of, err := l.rolledUp(ctx, e, level, period)
	if err != nil {
		return err
	}
	table := g.Table()
	key := places(table, append(columnNames(apart), period))
	node := places(table, []string{"network_id", "id_kind", "source_2", "currency"})
	return l.Sums(ctx, g, skip, limit, func(row []any) error {
		var found *estimate
		if name, ok := nodeOf(level, row, node); ok {
			found = of[keyAt(row, key)+"\x00"+name]
		}
		// Sums of one currency only have a roll-up that is in it, and of nothing else.
		if currency, _ := row[node[3]].(string); found != nil && found.currency != "" && found.currency != currency {
			found = nil
		}
		return each(append(slices.Clone(row), e.cells(found)...))
	})
}

// nodeOf names a sum as roll-ups do; false of what has no roll-up: rows of no single
// network, and of a network those of no single source.
func nodeOf(level string, row []any, at []int) (string, bool) {
	text := func(i int) string {
		s, _ := row[at[i]].(string) // NULL is ""
		return s
	}
	switch level {
	case aggregate.RollupNetwork:
		r := aggregate.Row{Level: aggregate.LevelNetwork, NetworkID: text(0)}
		return r.Key(), r.NetworkID != ""
	case aggregate.RollupSrc2:
		r := aggregate.Row{Level: aggregate.LevelSrc2, NetworkID: text(0), IDKind: text(1), Source2: text(2)}
		return r.Key(), r.NetworkID != "" && r.Source2 != ""
	}
	return "", true
}

// rolledUp are the roll-ups of one level and period, by dataset, time and node.
func (l *CohortLook) rolledUp(ctx context.Context, e Estimates, level, period string) (map[string]*estimate, error) {
	table := RollupTable()
	key := places(table, append(columnNames(apart), "period_start"))
	at := places(table, []string{"node", "metric", "event_name", "signal", "estimate", "low", "high", "interval", "currency", "model_version"})
	out := map[string]*estimate{}
	err := l.Rollups(ctx, level, period, ModeledPick{}, 0, 0, func(row []any) error {
		name, _ := row[at[0]].(string)
		k := keyAt(row, key) + "\x00" + name
		if out[k] == nil {
			out[k] = &estimate{}
		}
		e.put(out[k], modelledAt(row, at))
		return nil
	})
	return out, err
}

// modelledAt reads a number out of a row of RollupTable.
func modelledAt(row []any, at []int) (n modelled) {
	n.Metric, _ = row[at[1]].(string) // as RollupTable says
	n.Event, _ = row[at[2]].(string)
	n.Signal, _ = row[at[3]].(string)
	for i, into := range []*decimal.NullDecimal{&n.Estimate, &n.Low, &n.High} {
		into.Decimal, into.Valid = row[at[4+i]].(decimal.Decimal)
	}
	n.Interval, _ = row[at[7]].(decimal.Decimal)
	n.Currency.String, n.Currency.Valid = row[at[8]].(string)
	n.Version, _ = row[at[9]].(int64)
	return n
}

// WholePeriods reports whether a span of time begins and ends with periods.
func WholePeriods(period string, from, to time.Time) bool {
	for _, t := range []time.Time{from, to} {
		t = t.UTC()
		switch {
		case t.IsZero():
		case !t.Equal(t.Truncate(24 * time.Hour)),
			period == aggregate.PeriodMonth && t.Day() != 1,
			period == aggregate.PeriodWeek && t.Weekday() != time.Monday:
			return false
		}
	}
	return true
}
