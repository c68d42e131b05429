package pgtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerStopsAndStarts(t *testing.T) {
	t.Parallel()
	s := NewServer(t)
	raw := s.URL()
	db := open(t, raw)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE kept (n bigint)")
	require.NoError(t, err)
	for _, mode := range []string{"fast", "immediate"} {
		_, err := db.ExecContext(t.Context(), "INSERT INTO kept VALUES (1)")
		require.NoError(t, err)
		s.Stop(mode)
		require.Error(t, db.PingContext(t.Context()))
		s.Start()
		require.NoError(t, db.PingContext(t.Context()))
	}
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM kept").Scan(&n))
	require.Equal(t, 2, n)
	require.NotEqual(t, raw, s.URL())
}
