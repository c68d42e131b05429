package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMainFileIsItsOwners: whatever the umask was, also for a file of an older version;
// the published one is left as it was given out.
func TestMainFileIsItsOwners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := Options{Main: "sqlite:" + dir}
	mode := func(name string) os.FileMode {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		return info.Mode().Perm()
	}
	s, err := Open(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), mode("skand.db"))
	require.Equal(t, os.FileMode(0o600), mode("skand.db-wal"))
	require.NoError(t, s.Close())
	require.NoError(t, os.Chmod(filepath.Join(dir, "skand.db"), 0o664))
	require.NoError(t, os.Chmod(filepath.Join(dir, "published.db"), 0o640))
	s, err = Open(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), mode("skand.db"))
	require.Equal(t, os.FileMode(0o600), mode("skand.db-wal"))
	require.Equal(t, os.FileMode(0o640), mode("published.db"))
	require.NoError(t, s.Close())
}
