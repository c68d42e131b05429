package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// start is when every store test begins: a Monday, so that weeks begin with it.
var start = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// eachStore runs one conformance test on every database: the same promises hold
// on SQLite and on a real PostgreSQL. The clock stands at start until moved.
func eachStore(t *testing.T, test func(t *testing.T, s *Store, now *clock.Movable)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := migratedSQLite(t)
		runOn(t, dir, dir, test)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		main, published := migratedPostgres(t)
		runOn(t, main, published, test)
	})
}

func runOn(t *testing.T, main, published string, test func(*testing.T, *Store, *clock.Movable)) {
	t.Helper()
	now := clock.NewManual(start)
	s, err := Open(t.Context(), Options{Main: main, Published: published, Lab: Lab, Clock: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	test(t, s, now)
}
