package pgtest

import (
	"os"
	"strings"
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
		require.False(t, s.Ended())
		s.Stop(mode)
		require.True(t, s.Ended())
		require.Error(t, db.PingContext(t.Context()))
		require.Error(t, s.Execute("SELECT 1"))
		s.Start()
		require.NoError(t, s.Execute("SELECT 1"))
		require.NoError(t, db.PingContext(t.Context()))
	}
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM kept").Scan(&n))
	require.Equal(t, 2, n)
	require.NotEqual(t, raw, s.URL())
}

func TestServerInFolders(t *testing.T) {
	t.Parallel()
	folder := func() string {
		// Not t.TempDir, which only its owner reaches.
		dir, err := os.MkdirTemp("/tmp", "skand-pgtest-*")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, os.Remove(dir), "the server leaves nothing behind") })
		require.NoError(t, os.Chmod(dir, 0o777)) // the server's user is another one
		return dir
	}
	in := Folders{Data: folder(), WAL: folder()}
	db := open(t, NewServerIn(t, in).URL())
	var data string
	require.NoError(t, db.QueryRowContext(t.Context(), "SHOW data_directory").Scan(&data))
	require.True(t, strings.HasPrefix(data, in.Data+"/"), data)
	wal, err := os.ReadDir(in.WAL)
	require.NoError(t, err)
	require.Len(t, wal, 1)
}
