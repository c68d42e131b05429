package store

import (
	"context"
	"fmt"
	"time"

	"skand/aggregate"
)

const dayMillis = 24 * 60 * 60 * 1000

// byDaySQL reads what was counted, sealed or not: an advice asks what other settings
// would have shown of it.
const byDaySQL = `
SELECT counted_at / 86400000 AS day, COUNT(*) AS n, network_id, id_kind, source_id, value_kind, coarse, payer,
  revenue_min, revenue_est, revenue_max, schema_version
FROM counted_postback
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND counted_at >= ? AND counted_at < ?
  AND decoded_at IS NOT NULL
GROUP BY counted_at / 86400000, network_id, id_kind, source_id, value_kind, coarse, payer,
  revenue_min, revenue_est, revenue_max, schema_version
ORDER BY day`

// CountedByDay implements aggregate.AdviceStore.
func (s *Store) CountedByDay(ctx context.Context, d aggregate.Dataset, from, to time.Time) ([]aggregate.DayBatch, error) {
	var rows []struct {
		Day int64 `db:"day"`
		countedGroup
	}
	err := s.main.r.SelectContext(ctx, &rows, s.main.q(byDaySQL), append(key(d), ms(from), ms(to))...)
	if err != nil {
		return nil, fmt.Errorf("group counted rows of %s by day: %w", d, err)
	}
	var short map[string]string
	err = s.main.in(ctx, func(t *tx) error {
		short, err = shortForms(ctx, t, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	var days []aggregate.DayBatch
	for _, r := range rows {
		day := at(r.Day * dayMillis)
		if len(days) == 0 || !days[len(days)-1].Day.Equal(day) {
			days = append(days, aggregate.DayBatch{Day: day})
		}
		g := aggregate.Counted{
			N: r.N, NetworkID: r.NetworkID, IDKind: r.IDKind, Source: r.Source, ShortForm: short[r.NetworkID],
			Kind: r.Kind, Coarse: r.Coarse, Payer: r.Payer,
			RevenueMin: r.RevenueMin, RevenueEst: r.RevenueEst, SchemaVersion: r.SchemaVersion,
		}
		if g.ShortForm == "" {
			g.ShortForm = aggregate.ShortLast
		}
		if r.RevenueMax.Valid {
			g.RevenueMax = &r.RevenueMax.Decimal
		}
		into := &days[len(days)-1]
		into.Groups = append(into.Groups, g)
	}
	return days, nil
}

// Advise tells what other settings would have shown of an app's dataset. It returns
// ErrNoApp for an app that nobody has described, and aggregate.ErrTooFew.
func (s *Store) Advise(ctx context.Context, d aggregate.Dataset) ([]aggregate.Outlook, error) {
	now := s.clock.Now()
	var history []aggregate.SettingsAt
	err := s.main.in(ctx, func(t *tx) error {
		_, known, err := definition(ctx, t, "app", "app_id", d.AppID)
		if err != nil {
			return err
		}
		if !known {
			return ErrNoApp
		}
		history, err = settingsHistory(ctx, t, d.AppID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return aggregate.Advise(ctx, s, d, aggregate.InForce(history, now), now)
}
