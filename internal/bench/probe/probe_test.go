package probe

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

func TestStartRefusesWhatIsNoDelay(t *testing.T) {
	t.Parallel()
	require.NoError(t, start("", ""))
	for _, delay := range []string{"x", "0", "-1ms", "5"} {
		require.ErrorContains(t, start(delay, ""), EnvCommitDelay)
	}
}

// TestCommitsTakeLonger is the only test here that opens databases: the hook stays
// for the rest of the process.
func TestCommitsTakeLonger(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	require.NoError(t, start(delay.String(), ""))
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "a.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	began := clockNow()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE a (b INTEGER)")
	require.NoError(t, err)
	require.GreaterOrEqual(t, clockNow().Sub(began), delay-time.Millisecond)
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM a").Scan(&n), "reading is no commit")
}

func clockNow() time.Time { return clock.Real{}.Now() }
