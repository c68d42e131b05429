package store

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
)

// TestMigrationsLeaveReleasesAlone: a published store of the first version, with rows,
// is brought to this one. What was published stays to the last byte, the views show it,
// and publishing it once more still changes nothing.
func TestMigrationsLeaveReleasesAlone(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		s, err := reopen(t, o, Lab) // makes the folder, or the database
		require.NoError(t, err)
		p := s.pub
		drop := []string{`DROP SCHEMA bi CASCADE`, `DROP TABLE goose_db_version`}
		if p.dialect == sqlite {
			drop = []string{`DROP TABLE goose_db_version`}
			for _, line := range dump(t, p, `SELECT type || ' ' || name FROM sqlite_master WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite%' AND name <> 'goose_db_version'
				ORDER BY type DESC, name = 'release'`) {
				drop = append(drop, `DROP `+line)
			}
		}
		for _, text := range drop {
			_, err := p.w.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		dir, err := fs.Sub(migrations, "migrations/published_"+string(p.dialect))
		require.NoError(t, err)
		kind := goose.DialectSQLite3
		if p.dialect == postgres {
			kind = goose.DialectPostgres
		}
		first, err := goose.NewProvider(kind, p.w.DB, dir, goose.WithDisableGlobalRegistry(true))
		require.NoError(t, err)
		_, err = first.UpTo(t.Context(), 1)
		require.NoError(t, err)
		old := measured()
		old.Remainders, old.Events, old.Values = nil, nil, nil
		ctx := t.Context()
		require.NoError(t, p.in(ctx, func(t *tx) error { // as that version did it
			_, err := insertPublicRelease(ctx, t, p, old)
			for _, row := range old.Rows {
				err = errors.Join(err, insertCohort(ctx, t, p, old, row))
			}
			return err
		}))
		all := func() []string {
			return append(dump(t, p, `SELECT * FROM `+p.table("release")), dump(t, p, `SELECT * FROM `+p.table("cohort"))...)
		}
		before := all()
		require.Len(t, before, 2)
		_, err = reopen(t, o, Lab)
		require.NoError(t, err)
		require.Equal(t, before, all())
		require.Equal(t, []string{"1"}, dump(t, p, `SELECT COUNT(*) FROM `+p.table("cohort_packed")))
		require.Equal(t, []string{"20|1"}, dump(t, p, `SELECT installs, payers_withheld_rows FROM `+p.table("cohort_by_network")))
		require.NoError(t, s.Publish(t.Context(), measured()))
		require.Equal(t, before, all())
		require.Equal(t, []string{"0"}, dump(t, p, `SELECT COUNT(*) FROM `+p.table("cohort_value")), "a release is all there, or not at all")
	})
}
