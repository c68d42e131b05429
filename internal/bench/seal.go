package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"skand/aggregate"
	"skand/fixtures"
	"skand/internal/apply"
)

// longAgo is the first day of the histories.
var longAgo = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// seal measures what sealing one day costs on top of histories of different lengths:
// a window is computed once, from its own rows, so all should cost the same.
func (b *bench) seal(ctx context.Context) error {
	var err error
	for _, kind := range []database{postgres, sqlite} {
		e := b.sealOn(ctx, kind)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = errors.Join(err, e)
	}
	return err
}

func (b *bench) sealOn(ctx context.Context, kind database) (err error) {
	d, err := b.disk(ctx, kind, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	stores := make([]*stocked, len(b.sizes.Histories))
	for i, days := range b.sizes.Histories {
		if stores[i], err = b.history(ctx, d, days); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stores[i].close()) }()
		fmt.Fprintf(b.notes, "bench: %s: %d days of %d rows\n", kind, days, b.sizes.SealRows)
	}
	took, cpu, written := make([][]float64, len(stores)), make([][]float64, len(stores)), make([][]float64, len(stores))
	for round := range b.sizes.Rounds {
		for _, i := range order(round, len(stores)) {
			at := longAgo.Add(time.Duration(b.sizes.Histories[i]+round) * day)
			if err := stores[i].countDay(ctx, at, b.sizes.SealRows, false); err != nil {
				return err
			}
			if err := stores[i].sync(ctx); err != nil {
				return err
			}
			before := stores[i].spent(ctx, d.url)
			seconds, err := stores[i].sealDay(ctx, at, b.sizes.SealRows)
			if err != nil {
				return err
			}
			took[i] = append(took[i], seconds)
			after := stores[i].spent(ctx, d.url)
			if used := after.cpu - before.cpu; used > 0 {
				cpu[i] = append(cpu[i], used)
			}
			if wrote := after.written - before.written; wrote > 0 {
				written[i] = append(written[i], wrote)
			}
		}
	}
	for i, days := range b.sizes.Histories {
		if i == 0 {
			continue
		}
		b.report.add(fmt.Sprintf("seal.%s.%d", kind, days), ratios(took[i], took[0]), millis(median(took[i])), millis(median(took[0])))
		if len(cpu[i]) == b.sizes.Rounds && len(cpu[0]) == b.sizes.Rounds {
			b.report.add(fmt.Sprintf("seal.cpu.%s.%d", kind, days), ratios(cpu[i], cpu[0]), millis(median(cpu[i])), millis(median(cpu[0])))
		}
		if len(written[i]) == b.sizes.Rounds && len(written[0]) == b.sizes.Rounds {
			b.report.add(fmt.Sprintf("seal.written.%s.%d", kind, days), ratios(written[i], written[0]),
				mebibytes(median(written[i])), mebibytes(median(written[0])))
		}
	}
	return nil
}

// history is a store with so many days behind it, sealed.
func (b *bench) history(ctx context.Context, d *disk, days int) (*stocked, error) {
	s, err := d.stocked(ctx, fmt.Sprintf("seal%d", days), longAgo)
	if err != nil {
		return nil, err
	}
	app := apply.App{AppID: fixtures.PuzzleAppID, Window: "day", Schema: fixtures.PuzzleSchemaJSON()}
	if _, err := s.Apply(ctx, &apply.Bundle{Apps: []apply.App{app}}, "bench", false); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for i := range days {
		// The last one is sealed by the program, so that the ledger has its end.
		if err := s.countDay(ctx, longAgo.Add(time.Duration(i)*day), b.sizes.SealRows, i < days-1); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	err = s.settle(ctx, s.main)
	if err == nil {
		_, err = s.sealDay(ctx, longAgo.Add(time.Duration(days-1)*day), b.sizes.SealRows)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// countDay counts a day's postbacks: six networks, 40 source identifiers each, a fine
// value in 64, half of them of payers. Their identities are as scattered as hashes.
func (s *stocked) countDay(ctx context.Context, at time.Time, n int, sealed bool) error {
	identity, money, sealedIn := "randomblob(32)", "TEXT", "NULL"
	if s.kind == postgres {
		identity, money = fmt.Sprintf("sha256(CAST('%d/' || i AS BYTEA))", at.Unix()), "NUMERIC"
	}
	if sealed {
		sealedIn = at.Format("'history.2006-01-02'")
	}
	amount := `CAST(CASE WHEN i % 2 = 0 THEN '0' ELSE CAST(i % 64 AS TEXT) || '.99' END AS ` + money + `)`
	counted := fmt.Sprintf("%d + i", at.UnixMilli())
	_, err := s.main.ExecContext(ctx, `INSERT INTO counted_postback (app_id, environment, first_seen, identity, copy_id, source, counted_at, received_at,
			framework, version, network_id, sequence_index, kind, id_kind, source_id, redownload, fine, coarse, country, interaction,
			decoded_at, value_kind, state, flags, schema_version, payer, revenue_min, revenue_est, revenue_max, sealed_in)
		WITH RECURSIVE `+numbers("i", n)+fmt.Sprintf(`
		SELECT %d, 'production', %s, %s, '6f1cf3a0-0000-4000-8000-000000000000', 'network', %s, %s,
			'skadnetwork', '4.0', 'network' || CAST(i * 31 %% 6 AS TEXT) || '.skadnetwork', 0, 'install', 'source', CAST(5200 + i * 7 %% 40 AS TEXT), FALSE,
			i %% 64, '', '', 'view', %s, 'fine', 'decoded', '', 1, i %% 2 = 1, %s, %s, %s, %s FROM i`,
		int64(fixtures.PuzzleAppID), counted, identity, counted, counted, counted, amount, amount, amount, sealedIn))
	if err != nil {
		return fmt.Errorf("count a day: %w", err)
	}
	return nil
}

// sealDay seals the day and says how long it took, in seconds.
func (s *stocked) sealDay(ctx context.Context, at time.Time, n int) (float64, error) {
	s.now.Set(at.Add(day + time.Hour))
	sealer := &aggregate.Sealer{Store: s, Published: s, Clock: s.now, Log: slog.New(slog.DiscardHandler)}
	began := now()
	report, err := sealer.Run(ctx)
	took := now().Sub(began).Seconds()
	if err == nil && (report.Published != 1 || report.Installs != n) {
		err = fmt.Errorf("sealed %+v, want one window of %d installs", report, n)
	}
	return took, err
}
