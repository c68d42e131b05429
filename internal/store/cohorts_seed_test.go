package store

import (
	"context"
	"fmt"
	"strings"
)

// Raced is raced, for the tests of this folder that see the store from outside.
const Raced = raced

// SeedPublished writes releases of one day each, with 100 rows, for an app straight
// into the published store: what sealing them one after the other would take hours for.
func (s *Store) SeedPublished(ctx context.Context, app int64, releases int) error {
	day, number := `strftime('%Y-%m-%dT00:00:00Z', '2026-11-02', CAST(d AS TEXT) || ' days')`, `CAST('20.015' AS NUMERIC)`
	if s.pub.dialect == postgres {
		day = `TIMESTAMPTZ '2026-11-02 00:00:00Z' + d * INTERVAL '1 day'`
	}
	id := `CAST(a AS TEXT) || '.0.install.production.' || CAST(100000 + d AS TEXT) || '.day.cohort.base.0'`
	with := fmt.Sprintf(` WITH RECURSIVE a (a) AS (SELECT %d), d (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM d WHERE d < %d),
		n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99) `, app, releases-1)
	spread := func(prime int) string { return fmt.Sprintf("(d * %d + n * 104729) %% 100003", prime) } // or a file would hold little of it
	rows := map[string]string{
		"release_id": id, "row_id": id + ` || '/net' || CAST(n % 5 AS TEXT) || '/' || CAST(10 + n AS TEXT)`, "app_id": "a",
		"sequence_index": "0", "conversion_kind": "'install'", "environment": "'production'",
		"window_start": day, "window_end": day, "install_from": day, "install_to": day,
		"network_id": `'net' || CAST(n % 5 AS TEXT) || '.skadnetwork'`, "id_kind": "'source'", "source_2": "CAST(10 + n AS TEXT)",
		"level": "'src2'", "installs": spread(7919), "null_installs": spread(6101), "fine_installs": spread(3571), "payers": spread(2293),
		"revenue_min": number + " + " + spread(1867), "revenue_est": number + " + " + spread(5407), "revenue_max": number + " + " + spread(4003),
		"currency": "'USD'", "schema_versions": "'1'",
	}
	values := make([]string, len(cohortTable))
	for i, c := range cohortTable {
		values[i] = "NULL"
		if v, ok := rows[c.Name]; ok {
			values[i] = v
		}
	}
	for _, text := range []string{
		`INSERT INTO ` + s.pub.table("release") + ` (release_id, app_id, dataset, sequence_index, conversion_kind, environment, kind, state,
			window_start, window_end, k, b, schema_versions, model_version, lab, sealed_at)` + with + `SELECT ` + id + `, a,
			CAST(a AS TEXT) || '.0.install.production', 0, 'install', 'production', 'base', 'published', ` + day + `, ` + day + `,
			20, 5, '1', 0, TRUE, ` + day + ` FROM a, d`,
		`INSERT INTO ` + s.pub.table("cohort") + ` (` + strings.Join(CohortColumns(), ", ") + `)` + with +
			`SELECT ` + strings.Join(values, ", ") + ` FROM a, d, n`,
		`ANALYZE`,
	} {
		if _, err := s.pub.w.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("seed the published store: %w", err)
		}
	}
	return nil
}
