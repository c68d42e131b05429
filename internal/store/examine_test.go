package store

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/pgtest"
)

func TestExamineMakesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	x := Examine(t.Context(), Options{Main: "sqlite:" + dir})
	require.True(t, x.Main.Absent)
	require.True(t, x.Published.Absent)
	require.NoError(t, x.Main.Free)
	require.Positive(t, x.Main.FreeBytes)
	_, err := os.Stat(dir)
	require.ErrorIs(t, err, os.ErrNotExist)

	empty := pgtest.URL(t)
	x = Examine(t.Context(), Options{Main: empty})
	require.NoError(t, x.Main.Reach)
	require.Zero(t, x.Main.Version)
	require.Positive(t, x.Main.Newest)
	require.ErrorContains(t, x.Published.Reach, "does not exist")
	require.Equal(t, x, Examine(t.Context(), Options{Main: empty}), "nothing was made")
}

func TestExamineAStore(t *testing.T) {
	t.Parallel()
	for name, location := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() },
		"postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Main: location(t), Lab: Lab}
			s, err := Open(t.Context(), o)
			require.NoError(t, err)
			require.NoError(t, s.SaveLabOffset(t.Context(), 90_000_000_000))
			require.NoError(t, s.Close())

			x := Examine(t.Context(), o)
			require.NoError(t, x.Settings)
			for _, p := range []Place{x.Main, x.Published} {
				require.NoError(t, p.Reach)
				require.NoError(t, p.Write)
				require.Positive(t, p.Version)
				require.Equal(t, p.Newest, p.Version)
			}
			require.False(t, x.Same)
			require.True(t, x.Lab)
			require.EqualValues(t, 90_000_000_000, x.LabOffset)
			require.Equal(t, name == "postgres", !x.ServerTime.IsZero())
			require.NotContains(t, x.Main.Where, "password")
		})
	}
}

func TestExamineFindsFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "skand.db"), []byte("this is no database, whatever its name says"), 0o600))
	require.Error(t, Examine(t.Context(), Options{Main: "sqlite:" + dir}).Main.Reach)

	main := pgtest.URL(t)
	s, err := Open(t.Context(), Options{Main: main})
	require.NoError(t, err)
	// A role that may read everything and write nothing.
	u, err := url.Parse(main)
	require.NoError(t, err)
	_, err = s.main.w.ExecContext(t.Context(), `ALTER DATABASE "`+u.Path[1:]+`" SET role = pg_read_all_data`)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	x := Examine(t.Context(), Options{Main: main})
	require.NoError(t, x.Main.Reach)
	require.ErrorContains(t, x.Main.Write, "permission denied")
	require.NoError(t, x.Settings)
	require.NoError(t, x.Published.Write)

	// Another spelling of the same database is still the same database.
	other := u.Query()
	other.Set("application_name", "other")
	u.RawQuery = other.Encode()
	require.True(t, Examine(t.Context(), Options{Main: main, Published: u.String()}).Same)
}
