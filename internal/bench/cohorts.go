package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"skand/internal/store"
)

const (
	cohortWeeks  = 104
	cohortDays   = 90
	cohortPage   = 1000 // rows of a page of /v1/cohorts
	maxCohortP99 = 50 * time.Millisecond
	firstApp     = 1000
)

// cohorts measures what readers of published rows wait: one app, any 90 days of two
// years, in any grouping, while as many others ask. Each question reads what
// /v1/cohorts reads: the releases it is from, and a page of sums, or of rows.
func (b *bench) cohorts(ctx context.Context) error {
	var err error
	for _, kind := range []database{postgres, sqlite} {
		e := b.cohortsOn(ctx, kind)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = errors.Join(err, e)
	}
	return err
}

func (b *bench) cohortsOn(ctx context.Context, kind database) (err error) {
	d, err := b.disk(ctx, kind, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	s, err := d.stocked(ctx, "cohorts", longAgo)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.publishYears(ctx, b.sizes.CohortApps, b.sizes.CohortRows); err != nil {
		return err
	}
	if err := s.packed(ctx); err != nil {
		return err
	}
	fmt.Fprintf(b.notes, "bench: %s: %d published rows\n", kind, b.sizes.CohortApps*cohortWeeks*b.sizes.CohortRows)
	contestants := []struct {
		readers int
		rows    bool
	}{{b.sizes.Readers, false}, {1, false}, {b.sizes.Readers, true}}
	p99, cpus := make([][]float64, len(contestants)), make([][]float64, len(contestants))
	for round := range b.sizes.Rounds {
		for _, i := range order(round, len(contestants)) {
			before, known := cpuSeconds(os.Getpid(), d.url)
			took, err := b.askAll(ctx, s, contestants[i].readers, contestants[i].rows, uint64(round))
			if err != nil {
				return err
			}
			p99[i] = append(p99[i], quantile(took, 0.99))
			if after, ok := cpuSeconds(os.Getpid(), d.url); ok && known {
				cpus[i] = append(cpus[i], (after-before)/float64(len(took)))
			}
		}
	}
	against := func(i int) (most []float64) {
		for _, t := range p99[i] {
			most = append(most, t/maxCohortP99.Seconds())
		}
		return most
	}
	row := "cohorts." + string(kind)
	b.report.add(row, against(0), fmt.Sprintf("%s at %d readers", millis(median(p99[0])), b.sizes.Readers), millis(maxCohortP99.Seconds()))
	if len(cpus[0]) == b.sizes.Rounds {
		// What is left of the 50 ms on two cores of one's own, where the readers wait for each other.
		share := float64(b.sizes.Readers) / 2 / maxCohortP99.Seconds()
		var busy []float64
		for _, c := range cpus[0] {
			busy = append(busy, c*share)
		}
		b.report.add(row+".cpu", busy, millis(median(cpus[0]))+" a question", millis(1/share))
	}
	b.report.add(row+".crowded", ratios(p99[0], p99[1]), millis(median(p99[0])), millis(median(p99[1])))
	b.report.add(row+".rows", against(2), fmt.Sprintf("%s at %d readers", millis(median(p99[2])), b.sizes.Readers), millis(maxCohortP99.Seconds()))
	return nil
}

// packed opens the store anew, which makes of rows that were not published by the
// program what it makes of those that were.
func (s *stocked) packed(ctx context.Context) error {
	old := s.Store
	s.Store = nil
	if err := old.Close(); err != nil {
		return err
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.settle(ctx, s.published)
}

// askAll lets readers ask at once and gives how long each answer took, sorted.
func (b *bench) askAll(ctx context.Context, s *stocked, readers int, rows bool, seed uint64) ([]float64, error) {
	var mu sync.Mutex
	var took []float64
	g, ctx := errgroup.WithContext(ctx)
	for reader := range readers {
		g.Go(func() error {
			r := rand.New(rand.NewPCG(seed, uint64(reader)))
			mine := make([]float64, 0, b.sizes.Asks)
			for range b.sizes.Asks {
				began := now()
				if err := s.ask(ctx, r, b.sizes.CohortApps, rows); err != nil {
					return err
				}
				mine = append(mine, now().Sub(began).Seconds())
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			return nil
		})
	}
	err := g.Wait()
	slices.Sort(took)
	return took, err
}

// ask puts one question: a page of rows, or of sums by a random set of names.
func (s *stocked) ask(ctx context.Context, r *rand.Rand, apps int, page bool) (err error) {
	from := longAgo.AddDate(0, 0, r.IntN(7*cohortWeeks-cohortDays))
	look, err := s.LookAtCohorts(ctx, store.CohortFilter{AppID: firstApp + int64(r.IntN(apps)), From: from, To: from.AddDate(0, 0, cohortDays)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, look.Close()) }()
	releases, rows := 0, 0
	if err := look.Releases(ctx, nil, nil, func(*store.Release) error { releases++; return nil }); err != nil {
		return err
	}
	each := func([]any) error { rows++; return nil }
	if page {
		err = look.Rows(ctx, nil, cohortPage+1, each)
	} else {
		group := store.CohortGroup{}
		for _, name := range store.CohortDimensions() {
			if r.IntN(2) == 0 {
				group = append(group, name)
			}
		}
		err = look.Sums(ctx, group, 0, cohortPage+1, each)
	}
	if err == nil && (releases < cohortDays/7 || rows == 0) {
		err = fmt.Errorf("%d releases and %d rows in an answer", releases, rows)
	}
	return err
}

// publishYears fills the published store week by week, as sealing would: rows of five
// networks with some ninety campaigns of two digits each, of which a part has more.
// Hardly two rows of a release are of one campaign, so packing it adds hardly any up.
func (s *stocked) publishYears(ctx context.Context, apps, rows int) error {
	schema, stamp, money := "", `'%s'`, "TEXT"
	if s.kind == postgres {
		schema, stamp, money = "bi.", `TIMESTAMPTZ '%s'`, "NUMERIC"
	}
	tables := ` WITH RECURSIVE ` + numbers("a", apps) + `, ` + numbers("n", rows) + ` `
	for week := range cohortWeeks {
		at := longAgo.AddDate(0, 0, 7*week)
		start := fmt.Sprintf(stamp, at.Format(time.RFC3339))
		end := fmt.Sprintf(stamp, at.AddDate(0, 0, 7).Format(time.RFC3339))
		id := fmt.Sprintf(`CAST(%d + a AS TEXT) || '.0.install.production.%s.week.cohort.base.0'`, firstApp, at.Format(time.DateOnly))
		amount := `CAST(CAST(n AS TEXT) || '.99' AS ` + money + `)`
		for _, text := range []string{
			`INSERT INTO ` + schema + `release (release_id, app_id, dataset, sequence_index, conversion_kind, environment, kind, state,
				window_start, window_end, k, b, schema_versions, model_version, lab, sealed_at)` + tables +
				fmt.Sprintf(`SELECT %[1]s, %[4]d + a, CAST(%[4]d + a AS TEXT) || '.0.install.production', 0, 'install', 'production', 'base', 'published',
				%[2]s, %[3]s, 20, 5, '1', 0, TRUE, %[3]s FROM a`, id, start, end, firstApp),
			`INSERT INTO ` + schema + `cohort (release_id, row_id, app_id, sequence_index, conversion_kind, environment, window_start, window_end,
				install_from, install_to, network_id, id_kind, source_2, source_3, source_4, level, installs,
				null_installs, unset_installs, unmapped_installs, coarse_low, coarse_medium, coarse_high, fine_installs,
				payers, revenue_min, revenue_est, revenue_max, currency, redownloads, schema_versions)` + tables +
				fmt.Sprintf(`SELECT %[1]s, %[1]s || '/net' || CAST(n / 97 AS TEXT) || '/' || CAST(n AS TEXT), %[4]d + a, 0, 'install', 'production',
				%[2]s, %[3]s, %[2]s, %[3]s, 'net' || CAST(n / 97 AS TEXT), 'source', CAST(10 + n %% 89 AS TEXT),
				CASE WHEN n %% 3 > 0 THEN CAST(100 + n AS TEXT) END, NULL, CASE WHEN n %% 3 > 0 THEN 'src3' ELSE 'src2' END, 40 + n,
				3, NULL, NULL, 7, NULL, NULL, 20, CASE WHEN n %% 4 > 0 THEN 6 END,
				CASE WHEN n %% 4 > 0 THEN %[5]s END, CASE WHEN n %% 4 > 0 THEN %[5]s END, CASE WHEN n %% 4 > 0 THEN %[5]s END,
				'USD', 0, CASE WHEN n %% 2 = 0 THEN '1' ELSE '1 2' END FROM a, n`, id, start, end, firstApp, amount),
		} {
			if _, err := s.published.ExecContext(ctx, text); err != nil {
				return fmt.Errorf("publish a week: %w", err)
			}
		}
	}
	return s.settle(ctx, s.published)
}
