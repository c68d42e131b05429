package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"skand/aggregate"
	"skand/conversion"
)

var _ aggregate.CombineStore = (*Store)(nil)

// A period is looked at from the first deterministic window on, and once.
const combinableSQL = `
SELECT l.app_id, MIN(l.window_end) AS first_end, COALESCE((SELECT MAX(c.window_end) FROM release_ledger c
  WHERE c.app_id = l.app_id AND c.view = 'combined'), 0) AS combined_until
FROM release_ledger l JOIN app a ON a.app_id = l.app_id
WHERE l.view = 'deterministic' AND l.state = 'published' GROUP BY l.app_id ORDER BY l.app_id`

// Combinable implements aggregate.CombineStore.
func (s *Store) Combinable(ctx context.Context, now time.Time) ([]aggregate.Combinable, error) {
	var apps []struct {
		AppID    int64 `db:"app_id"`
		FirstEnd int64 `db:"first_end"`
		Until    int64 `db:"combined_until"`
	}
	if err := s.main.r.SelectContext(ctx, &apps, combinableSQL); err != nil {
		return nil, fmt.Errorf("list periods to combine: %w", err)
	}
	var out []aggregate.Combinable
	for _, a := range apps {
		p := aggregate.PeriodAt(at(a.FirstEnd).Add(-time.Millisecond))
		if a.Until > 0 {
			p = aggregate.PeriodAt(at(a.Until))
		}
		for ; !now.Before(p.End); p = aggregate.PeriodAt(p.End) {
			over, err := s.over(ctx, a.AppID, p, now)
			if err != nil {
				return out, err
			}
			if !over {
				break
			}
			c, err := s.sides(ctx, a.AppID, p)
			if err != nil {
				return out, err
			}
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b aggregate.Combinable) int {
		return cmp.Or(a.Period.Start.Compare(b.Period.Start), cmp.Compare(a.AppID, b.AppID))
	})
	return out, nil
}

const preparedUntilSQL = `SELECT COUNT(*) FROM release_ledger
WHERE app_id = ? AND state = 'prepared' AND view IN ('cohort', 'deterministic') AND window_end <= ?`

// over reports whether nothing more of the period will be sealed on either side: what
// is still open was carried, or comes with a later window.
func (s *Store) over(ctx context.Context, appID int64, p aggregate.Window, now time.Time) (over bool, err error) {
	err = s.main.in(ctx, func(t *tx) error {
		history, err := settingsHistory(ctx, t, appID)
		if err != nil {
			return err
		}
		last := aggregate.InForce(history, p.End.Add(-time.Millisecond))
		if now.Before(p.End.Add(aggregate.Horizon + last.SealDelay)) {
			return nil
		}
		var n int
		if err := t.GetContext(ctx, &n, t.q(preparedUntilSQL), appID, ms(p.End)); err != nil || n > 0 {
			return err
		}
		for _, side := range []struct{ set, text string }{
			{aggregate.ViewCohort, `SELECT COUNT(*) FROM (SELECT 1 FROM counted_postback WHERE app_id = ? AND sequence_index = 0
				AND kind = 'install' AND environment = 'production' AND sealed_in IS NULL AND counted_at >= ? AND counted_at < ? LIMIT 1) AS open_rows`},
			{aggregate.ViewDeterministic, `SELECT COUNT(*) FROM (SELECT 1 FROM install WHERE app_id = ? AND ` + sealableInstall +
				` AND received_at >= ? AND received_at < ? LIMIT 1) AS open_rows`},
		} {
			o := aggregate.Open{Dataset: combinedSide(appID, side.set)}
			if err := ledgerEndsOf(ctx, t, side.set, &o); err != nil {
				return err
			}
			if err := t.GetContext(ctx, &n, t.q(side.text), appID, since(o.LastEnd), ms(p.End)); err != nil || n > 0 {
				return err
			}
		}
		over = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look at what is open of app %d: %w", appID, err)
	}
	return over, nil
}

func combinedSide(appID int64, view string) aggregate.Dataset {
	if view == aggregate.ViewDeterministic {
		return aggregate.DeterministicDataset(appID)
	}
	return aggregate.Dataset{AppID: appID, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
}

// sides reads what is published of a period: releases whose window ends in it.
func (s *Store) sides(ctx context.Context, appID int64, p aggregate.Window) (c aggregate.Combinable, err error) {
	c = aggregate.Combinable{AppID: appID, Period: p, Lab: s.lab}
	var versions []conversion.SchemaVersion
	err = s.main.in(ctx, func(t *tx) error {
		history, err := settingsHistory(ctx, t, appID)
		if err != nil {
			return err
		}
		c.Settings = aggregate.InForce(history, p.Start)
		app, err := describedApp(ctx, t, appID)
		if err != nil {
			return err
		}
		c.Sides.AllInstalls = app.AllInstalls
		versions, err = schemaVersions(ctx, t, appID)
		return err
	})
	if err != nil {
		return c, err
	}
	hasBit := overlapBit(versions)
	err = s.pub.in(ctx, func(t *tx) error {
		for _, view := range []string{aggregate.ViewCohort, aggregate.ViewDeterministic} {
			releases, err := publishedIn(ctx, t, s.pub, combinedSide(appID, view), p)
			if err != nil {
				return err
			}
			for _, r := range releases {
				c.Sides.K, c.B = max(c.Sides.K, r.K), max(c.B, r.B)
				rows, err := publishedPlaces(ctx, t, s.pub, view, r.ID)
				if err != nil {
					return err
				}
				if view == aggregate.ViewDeterministic {
					c.Sides.Deterministic = append(c.Sides.Deterministic, rows)
					continue
				}
				c.Sides.SKAN = append(c.Sides.SKAN, rows)
				bins, err := publishedFine(ctx, t, s.pub, r.ID)
				if err != nil {
					return err
				}
				if hasBit != nil {
					c.Sides.Bits = append(c.Sides.Bits, aggregate.BitsOf(bins, hasBit)...)
				}
			}
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("read what is published of app %d: %w", appID, err)
	}
	return c, nil
}

// overlapBit reads the bit of each version; nil if none has one.
func overlapBit(versions []conversion.SchemaVersion) func(version, value int) bool {
	bits := map[int]int{}
	for _, v := range versions {
		if bit := v.Document.OverlapBit; bit != nil {
			bits[v.Version] = *bit
		}
	}
	if len(bits) == 0 {
		return nil
	}
	return func(version, value int) bool {
		bit, has := bits[version]
		return has && value>>bit&1 == 1
	}
}

// PrepareCombined implements aggregate.CombineStore.
func (s *Store) PrepareCombined(ctx context.Context, r aggregate.Release) error {
	return s.main.in(ctx, func(t *tx) error {
		if err := stillDescribed(ctx, t, r.Dataset.AppID); err != nil {
			return err
		}
		return insertRelease(ctx, t, r)
	})
}
