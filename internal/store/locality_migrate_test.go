package store

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/clock"
)

const beforeLocality = 17 // the version whose counted rows lay by their identity

// countedBefore is what every counted row holds besides its place.
const countedBefore = `SELECT app_id, environment, identity, copy_id, source, counted_at, received_at, fine, coarse, decoded_at, value_kind,
	revenue_est, revenue_max, sealed_in, publisher FROM counted_postback ORDER BY counted_at, copy_id`

// TestMigrationKeepsCountedRows: a store in which rows were counted by identity alone
// is brought to this version, after a try that broke off. Not a row is lost or counted
// twice, whatever its state, and what comes for an old identity meets its row.
func TestMigrationKeepsCountedRows(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		now := o.Clock.(*clock.Movable)
		old := storeBefore(t, o, beforeLocality)
		late := now.Now().Add(-time.Hour)
		// 0 is sealed, 1 waits to be decoded, 2 is decoded, 3 was counted long after it was
		// seen (an archive), 4 has lost its identity.
		for n := range 5 {
			seen, counted := ms(late.Add(time.Duration(n)*time.Second)), ms(late.Add(time.Duration(n)*time.Minute))
			if n == 3 {
				seen = ms(late.AddDate(0, -2, 0))
			}
			var sealed, decoded any
			if n == 0 {
				sealed = "a release"
			}
			if n != 1 {
				decoded = counted
			}
			exec(t, old, `INSERT INTO counted_postback (app_id, environment, identity, copy_id, source, counted_at, received_at, framework, version,
				network_id, sequence_index, kind, id_kind, source_id, redownload, fine, coarse, country, interaction, decoded_at, value_kind,
				state, flags, schema_version, payer, revenue_min, revenue_est, revenue_max, sealed_in, publisher)
				VALUES (?, 'production', ?, ?, 'network', ?, ?, 'skadnetwork', '4.0', ?, 0, 'install', 'source', '5239', FALSE, 5, '', '', '', ?,
				'fine', 'decoded', '', 0, FALSE, ?, ?, ?, ?, ?)`,
				testApp, identity(won(n)), fmt.Sprint("copy ", n), counted, seen, testNetwork, decoded, "1.10", "1.20", "1.30", sealed, fmt.Sprint(n))
			if n != 4 {
				exec(t, old, `INSERT INTO postback_identity VALUES (?, 'production', ?, ?)`, testApp, identity(won(n)), seen)
			}
		}
		if old.dialect == postgres {
			exec(t, old, `GRANT SELECT ON counted_postback TO PUBLIC`)
		}
		before := dump(t, old, countedBefore)
		require.Len(t, before, 5)

		breakOff, mend := `DROP INDEX counted_undecoded`, `CREATE INDEX counted_undecoded ON counted_postback (counted_at) WHERE decoded_at IS NULL`
		if old.dialect == postgres { // after all rows are taken out
			breakOff = `ALTER TABLE counted_postback RENAME CONSTRAINT counted_postback_pkey TO other`
			mend = `ALTER TABLE counted_postback RENAME CONSTRAINT other TO counted_postback_pkey`
		}
		exec(t, old, breakOff)
		_, err := reopen(t, o, Lab)
		require.ErrorContains(t, err, "counted_")
		require.Equal(t, before, dump(t, old, countedBefore), "nothing of it stays")
		exec(t, old, mend)

		s, err := reopen(t, o, Lab)
		require.NoError(t, err)
		require.Equal(t, before, dump(t, s.main, countedBefore))
		require.Equal(t, []string{"4"}, dump(t, s.main, `SELECT COUNT(*) FROM counted_postback c JOIN postback_identity i
			ON i.app_id = c.app_id AND i.environment = c.environment AND i.identity = c.identity AND i.first_seen = c.first_seen`))
		require.Equal(t, []string{"copy 4"}, dump(t, s.main, `SELECT copy_id FROM counted_postback WHERE first_seen = counted_at AND copy_id <> 'copy 0'`))
		if old.dialect == postgres {
			require.Equal(t, []string{"true"}, dump(t, s.main, `SELECT has_table_privilege('public', 'counted_postback', 'SELECT')`))
		}
		require.Len(t, dump(t, s.main, map[dialect]string{
			sqlite:   `SELECT 1 FROM sqlite_master WHERE tbl_name = 'counted_postback' AND name IN ('counted_open', 'counted_undecoded')`,
			postgres: `SELECT 1 FROM pg_indexes WHERE tablename = 'counted_postback' AND indexname IN ('counted_open', 'counted_undecoded')`,
		}[s.main.dialect]), 2)

		in := newInbox(t, s, now)
		for n := range 4 {
			require.Equal(t, conversion.Duplicate, in.post(won(n), conversion.Network).State)
		}
		p := won(3)
		p.Fine = ptr(9)
		require.Equal(t, "better_source", in.post(p, conversion.Developer).Reason)
		require.Equal(t, []string{"9"}, in.dump(`SELECT fine FROM counted_postback WHERE identity = ?`, identity(p)))
		require.Equal(t, conversion.Outcome{State: conversion.Conflict}, func() conversion.Outcome {
			p := won(0)
			p.Fine = ptr(9)
			return in.post(p, conversion.Developer)
		}(), "sealed")
		in.register(nil)
		require.Equal(t, 2, in.decode(), "the one that waited, and the one whose better copy came")
		require.Equal(t, []string{"5"}, in.dump(`SELECT COUNT(*) FROM counted_postback WHERE decoded_at IS NOT NULL`))
	})
}

// storeBefore is a main store as an earlier version left it.
func storeBefore(t *testing.T, o Options, version int64) *db {
	t.Helper()
	d, err := openDB(t.Context(), o.Main, "skand.db")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.close()) })
	dir, err := fs.Sub(migrations, "migrations/"+string(d.dialect))
	require.NoError(t, err)
	kind := goose.DialectSQLite3
	if d.dialect == postgres {
		kind = goose.DialectPostgres
	}
	p, err := goose.NewProvider(kind, d.w.DB, dir, goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = p.UpTo(t.Context(), version)
	require.NoError(t, err)
	return d
}

func exec(t *testing.T, d *db, text string, args ...any) {
	t.Helper()
	_, err := d.w.ExecContext(t.Context(), d.q(text), args...)
	require.NoError(t, err)
}
