package store

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// TestAttackAsBIRole: whoever reads the published database as the role of BI tools
// gets at nothing of raw rows. Each attack that a fresh database would let through is
// first shown to succeed there, so that none of them is toothless.
func TestAttackAsBIRole(t *testing.T) {
	onGranting(t, func(t *testing.T, g granting) {
		g.campaigns(1, 2)
		login := g.readers.Login
		g.super(g.s.main, `CREATE ROLE `+login+` LOGIN PASSWORD '`+readerPassword+`'`)
		main := g.databaseOf(g.main)
		inserted := `SELECT COALESCE(SUM(tup_inserted), 0) FROM pg_stat_database WHERE datname = '` + main + `'`

		naive := g.as(g.published, login)
		require.NoError(t, g.as(g.main, login).PingContext(t.Context()))
		require.GreaterOrEqual(t, count(t, naive, inserted), int64(0))
		require.Positive(t, count(t, naive, `SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)`))
		_, err := naive.ExecContext(t.Context(), `CREATE TEMP TABLE mine (n INTEGER)`)
		require.NoError(t, err)
		require.Positive(t, count(t, naive, `SELECT CAST(lo_creat(-1) AS BIGINT)`))

		g.grant()
		require.ErrorContains(t, g.as(g.main, login).PingContext(t.Context()), "permission denied for database")
		bi := g.as(g.published, login)
		require.Positive(t, count(t, bi, `SELECT COUNT(*) FROM cohort`))

		const denied = "permission denied"
		for _, text := range []string{
			// Statistics of the whole server, and its counters.
			inserted, `SELECT * FROM pg_stat_activity`, `SELECT * FROM pg_stat_bgwriter`, `SELECT * FROM pg_stat_wal`, `SELECT * FROM pg_locks`,
			`SELECT pg_stat_get_db_tuples_inserted(oid) FROM pg_database`, `SELECT pg_current_wal_lsn()`, `SELECT pg_current_wal_insert_lsn()`,
			`SELECT pg_current_xact_id()`, `SELECT txid_current()`, `SELECT pg_current_snapshot()`, `SELECT txid_current_snapshot()`,
			`SELECT pg_current_xact_id_if_assigned()`, `SELECT age(xmin) FROM cohort`, `SELECT checkpoint_lsn FROM pg_control_checkpoint()`,
			`SELECT pg_database_size('` + main + `')`, `SELECT pg_tablespace_size('pg_default')`, `SELECT pg_ls_waldir()`, `SELECT pg_stat_file('base')`,
			`SELECT pg_read_file('postgresql.conf')`, `SELECT pg_read_binary_file('base')`, `SELECT lo_import('/etc/hostname')`,
			// Leaky functions, and what one would be made with.
			`CREATE TEMP TABLE mine (n INTEGER)`, `CREATE TABLE mine (n INTEGER)`, `CREATE TABLE bi.mine (n INTEGER)`, `CREATE SCHEMA mine`,
			`CREATE FUNCTION leak(t TEXT) RETURNS BOOLEAN COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', t; RETURN TRUE; END'`,
			`CREATE FUNCTION pg_temp.leak(t TEXT) RETURNS BOOLEAN LANGUAGE sql AS 'SELECT TRUE'`,
			`CREATE EXTENSION dblink`, `CREATE EXTENSION postgres_fdw`, `SELECT lo_creat(-1)`,
			`COPY cohort TO PROGRAM 'cat'`, `COPY cohort TO '/tmp/skand-attack'`, `CREATE PUBLICATION mine FOR ALL TABLES`,
			// Changing what is published.
			`INSERT INTO campaign VALUES ('n', 's')`, `UPDATE cohort SET installs = 1`, `DELETE FROM release`, `TRUNCATE cohort_event`,
			`ALTER DATABASE ` + main + ` ALLOW_CONNECTIONS true`, `SET ROLE postgres`, `ALTER ROLE ` + login + ` SUPERUSER`,
			`SELECT * FROM public.goose_db_version`, `SELECT rolpassword FROM pg_authid`, `SELECT * FROM pg_statistic`,
		} {
			_, err := bi.ExecContext(t.Context(), text)
			require.Error(t, err, text)
			require.Regexp(t, denied+"|must be|not allowed|no permission", err.Error(), text)
		}
		_, err = bi.ExecContext(t.Context(), `SELECT * FROM postback`)
		require.ErrorContains(t, err, "does not exist", "raw tables are in another database")
		_, err = bi.ExecContext(t.Context(), `SELECT * FROM `+main+`.public.postback`)
		require.ErrorContains(t, err, "cross-database references are not implemented")
		g.catalogsKnowOnlyPublished(bi)
		g.plansTellOnlyPublished(bi)
		g.rowsLieInOrder(bi)
	})
}

// catalogsKnowOnlyPublished: names, sizes and statistics of raw tables are nowhere.
func (g granting) catalogsKnowOnlyPublished(bi *sqlx.DB) {
	g.t.Helper()
	raw, _ := readMigrations(g.t, "postgres")
	published := publishedColumns(g.t, g.s.pub)
	for name := range raw {
		if published[name] != nil { // campaign tables share no name with raw ones today
			continue
		}
		for _, catalog := range []string{
			`SELECT COUNT(*) FROM pg_class WHERE relname = ?`,
			`SELECT COUNT(*) FROM pg_stat_all_tables WHERE relname = ?`,
			`SELECT COUNT(*) FROM pg_statio_all_tables WHERE relname = ?`,
			`SELECT COUNT(*) FROM pg_stats WHERE tablename = ?`,
			`SELECT COUNT(*) FROM information_schema.columns WHERE table_name = ?`,
		} {
			require.Zero(g.t, count(g.t, bi, catalog, name), "%s: %s", catalog, name)
		}
	}
	require.Positive(g.t, count(g.t, bi, `SELECT COUNT(*) FROM pg_class WHERE relname = 'cohort'`))
	// What the planner knows of tables is what is in them.
	g.super(g.s.pub, `ANALYZE`)
	for table := range published {
		estimate := count(g.t, bi, `SELECT CAST(COALESCE(MAX(reltuples), -1) AS BIGINT) FROM pg_class
			WHERE relname = ? AND relkind = 'r' AND relnamespace = 'bi'::regnamespace`, table)
		if estimate >= 0 {
			require.Equal(g.t, count(g.t, bi, `SELECT COUNT(*) FROM `+table), estimate, table)
		}
	}
}

// plansTellOnlyPublished: every number of a plan is one of published rows, and an
// error names a published value.
func (g granting) plansTellOnlyPublished(bi *sqlx.DB) {
	g.t.Helper()
	for _, view := range []string{"cohort", "cohort_current", "cohort_by_source", "cohort_by_week", "cohort_value"} {
		var lines []string
		require.NoError(g.t, bi.SelectContext(g.t.Context(), &lines, `EXPLAIN (ANALYZE, VERBOSE, BUFFERS) SELECT * FROM `+view))
		for _, word := range strings.FieldsFunc(strings.Join(lines, "\n"), func(r rune) bool { return r != '_' && r != '.' && (r < 'a' || r > 'z') }) {
			require.False(g.t, strings.HasPrefix(word, "public."), "%s: %s", view, word)
		}
		require.Contains(g.t, strings.Join(lines, "\n"), "bi.cohort")
	}
	var networks []string
	require.NoError(g.t, bi.SelectContext(g.t.Context(), &networks, `SELECT DISTINCT network_id FROM cohort WHERE network_id IS NOT NULL`))
	_, err := bi.ExecContext(g.t.Context(), `SELECT CAST(network_id AS INTEGER) FROM cohort WHERE network_id IS NOT NULL`)
	require.ErrorContains(g.t, err, "invalid input syntax for type integer: ")
	require.True(g.t, slices.ContainsFunc(networks, func(n string) bool { return strings.Contains(err.Error(), n) }), err)
}

// rowsLieInOrder: where a row lies, and by which transaction it was written, is told
// by its release and its key alone.
func (g granting) rowsLieInOrder(bi *sqlx.DB) {
	g.t.Helper()
	var byPlace, byKey []string
	const rows = `SELECT r.window_start || ' ' || c.row_id FROM cohort c JOIN release r ON r.release_id = c.release_id ORDER BY `
	require.NoError(g.t, bi.SelectContext(g.t.Context(), &byPlace, rows+`c.ctid`))
	require.NoError(g.t, bi.SelectContext(g.t.Context(), &byKey, rows+`r.window_start, c.row_id COLLATE "C"`))
	require.Equal(g.t, byKey, byPlace)
	for _, table := range []string{"cohort", "cohort_event", "cohort_remainder", "cohort_value", "cohort_crossing"} {
		require.Zero(g.t, count(g.t, bi, `SELECT COUNT(*) FROM (SELECT 1 FROM `+table+` GROUP BY release_id HAVING COUNT(DISTINCT CAST(xmin AS TEXT)) > 1) several`), table)
	}
}

// counts of installs are found by what the published dictionary says of their unit, so
// that a column of a version to come is scanned too.
const countColumns = `SELECT table_name || '|' || column_name FROM %sdata_dictionary WHERE unit = 'installs' AND table_name <> 'release'`

// smallCounts lists published counts of 1 to b-1 contributors, and rows below k.
func smallCounts(t *testing.T, d *sqlx.DB, schema string, k, b int64) (small []string) {
	t.Helper()
	var columns []string
	require.NoError(t, d.SelectContext(t.Context(), &columns, strings.Replace(countColumns, "%s", schema, 1)))
	require.Greater(t, len(columns), 60)
	for _, c := range columns {
		table, column, _ := strings.Cut(c, "|")
		least := b
		if column == "installs" && (table == "cohort" || table == "cohort_crossing" || table == "cohort_current" || strings.HasPrefix(table, "cohort_by_")) {
			least = k
		}
		if n := count(t, d, `SELECT COUNT(*) FROM `+schema+table+` WHERE `+column+` > 0 AND `+column+` < ?`, least); n > 0 {
			small = append(small, c)
		}
	}
	return small
}

// TestAttackScanOfEveryTable: no published table or view shows a count below its floor,
// to the BI role on PostgreSQL and to the reader of the file on SQLite; a publisher that
// let one through would be found.
func TestAttackScanOfEveryTable(t *testing.T) {
	spoil := func(in inbox) {
		_, err := in.s.pub.w.ExecContext(in.t.Context(), `UPDATE `+in.s.pub.table("cohort")+` SET payers = 2, installs = 9
			WHERE release_id = (SELECT MIN(release_id) FROM `+in.s.pub.table("cohort")+`)`)
		require.NoError(in.t, err)
	}
	found := []string{"cohort|payers", "cohort|installs", "cohort_current|payers", "cohort_current|installs"}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		runOn(t, "sqlite:"+dir, "sqlite:"+dir, func(t *testing.T, s *Store, now *clock.Movable) {
			in := newInbox(t, s, now)
			in.campaigns(1, 4)
			d, err := sqlx.Open(string(sqlite), "file:"+filepath.Join(dir, "published.db")+"?mode=ro")
			require.NoError(t, err)
			defer func() { require.NoError(t, d.Close()) }()
			require.Empty(t, smallCounts(t, d, "", 10, 3))
			refused(t, d, `UPDATE cohort SET installs = 1`, "readonly")
			refused(t, d, `CREATE TABLE mine (n INTEGER)`, "readonly")
			spoil(in)
			require.Subset(t, smallCounts(t, d, "", 10, 3), found)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		onGranting(t, func(t *testing.T, g granting) {
			g.campaigns(1, 4)
			g.grant()
			bi := g.as(g.published, g.readers.Login)
			require.Empty(t, smallCounts(t, bi, "bi.", 10, 3))
			spoil(g.inbox)
			require.Subset(t, smallCounts(t, bi, "bi.", 10, 3), found)
		})
	})
}
