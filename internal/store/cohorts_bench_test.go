package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/pgtest"
)

// BenchmarkCohortQuery: one app and 90 days of 20 apps and two years of weeks, in
// 208,000 rows, by one reader.
func BenchmarkCohortQuery(b *testing.B) {
	for _, on := range []struct {
		name  string
		place func() string
	}{
		{"sqlite", func() string { return "sqlite:" + b.TempDir() }}, {"postgres", func() string { return pgtest.URL(b) }},
	} {
		b.Run(on.name, func(b *testing.B) {
			s, err := Open(b.Context(), Options{Main: on.place(), Published: on.place(), Lab: Lab, Clock: clock.NewManual(start)})
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, s.Close()) })
			from := twoYears(b, s)
			f := CohortFilter{AppID: 1007, From: from, To: from.AddDate(0, 0, 90), Kind: "install"}
			ask := func(name string, do func(l *CohortLook, each func([]any) error) error) {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					var took []time.Duration
					real, rows := clock.Real{}, 0
					for b.Loop() {
						began := real.Now()
						l, err := s.LookAtCohorts(b.Context(), f)
						require.NoError(b, err)
						require.NoError(b, l.Releases(b.Context(), nil, nil, func(*Release) error { return nil }))
						require.NoError(b, do(l, func([]any) error { rows++; return nil }))
						require.NoError(b, l.Close())
						took = append(took, real.Now().Sub(began))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
					b.ReportMetric(float64(rows)/float64(len(took)), "rows/op")
				})
			}
			ask("page", func(l *CohortLook, each func([]any) error) error { return l.Rows(b.Context(), nil, 1001, each) })
			for _, g := range []CohortGroup{{"dataset"}, {"network", "week"}, {"network", "source_2", "month"}} {
				ask(fmt.Sprint("by", g), func(l *CohortLook, each func([]any) error) error { return l.Sums(b.Context(), g, 0, 1001, each) })
			}
		})
	}
}

// twoYears writes 104 weeks of 20 apps, 100 rows each, and says when 90 days begin.
func twoYears(b *testing.B, s *Store) time.Time {
	b.Helper()
	stampOf, number := `strftime('%Y-%m-%dT00:00:00Z', '2026-11-02', CAST(7 * w AS TEXT) || ' days')`, `CAST(? AS NUMERIC)`
	if s.pub.dialect == postgres {
		stampOf = `TIMESTAMPTZ '2026-11-02 00:00:00Z' + w * INTERVAL '7 days'`
	}
	weeks := ` WITH RECURSIVE a (a) AS (SELECT 1000 UNION ALL SELECT a + 1 FROM a WHERE a < 1019),
		w (w) AS (SELECT 0 UNION ALL SELECT w + 1 FROM w WHERE w < 103),
		n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99) `
	id := `CAST(a AS TEXT) || '.0.install.production.' || CAST(1000 + w AS TEXT) || '.week.cohort.base.0'`
	for _, text := range []string{
		`INSERT INTO ` + s.pub.table("release") + weeks + `SELECT ` + id + `, a, CAST(a AS TEXT) || '.0.install.production', 0, 'install',
			'production', 'base', 'published', ` + stampOf + `, ` + stampOf + `, 20, 5, '1', 0, TRUE, ` + stampOf + ` FROM w, a`,
		`INSERT INTO ` + s.pub.table("cohort") + weeks + `SELECT ` + id + `, ` + id + ` || '/net' || CAST(n % 5 AS TEXT) || '/' || CAST(10 + n AS TEXT),
			a, 0, 'install', 'production', ` + stampOf + `, ` + stampOf + `, ` + stampOf + `, ` + stampOf + `, 'net' || CAST(n % 5 AS TEXT), 'source',
			CAST(10 + n AS TEXT), NULL, NULL, 'src2', 40 + n, 3, NULL, NULL, 7, NULL, NULL, 20, 6,
			` + number + ` + n, ` + number + ` + n, ` + number + ` + n, 'USD', NULL, '1' FROM w, a, n`,
	} {
		args := []any{"19.99", "20.015", "24.5"}
		if text[12:12+len(s.pub.table("release"))] == s.pub.table("release") {
			args = nil
		}
		_, err := s.pub.w.ExecContext(b.Context(), s.pub.q(text), args...)
		require.NoError(b, err)
	}
	require.NoError(b, s.packMissing(b.Context()))
	_, err := s.pub.w.ExecContext(b.Context(), "ANALYZE")
	require.NoError(b, err)
	return start.AddDate(1, 0, 0)
}
