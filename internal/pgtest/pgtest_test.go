package pgtest

import (
	"bufio"
	"context"
	"database/sql"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestURLGivesFreshDatabases(t *testing.T) {
	t.Parallel()
	a, b := URL(t), URL(t)
	require.NotEqual(t, a, b)
	db := open(t, a)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE only_here (n bigint)")
	require.NoError(t, err)
	_, err = open(t, b).ExecContext(t.Context(), "SELECT n FROM only_here")
	require.ErrorContains(t, err, "only_here")
}

func TestCopy(t *testing.T) {
	t.Parallel()
	of := URL(t)
	db := open(t, of)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE copied AS SELECT 7 AS n")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	a, b := Copy(t, of), Copy(t, of)
	_, err = open(t, a).ExecContext(t.Context(), "UPDATE copied SET n = 8")
	require.NoError(t, err)
	var n int
	require.NoError(t, open(t, b).QueryRowContext(t.Context(), "SELECT n FROM copied").Scan(&n))
	require.Equal(t, 7, n)
}

func TestURLDropsItsDatabases(t *testing.T) {
	t.Parallel()
	server := open(t, URL(t))
	var name string
	t.Run("inner", func(t *testing.T) {
		u, err := url.Parse(URL(t))
		require.NoError(t, err)
		name = strings.TrimPrefix(u.Path, "/")
		_, err = server.ExecContext(t.Context(), "CREATE DATABASE "+name+"_published")
		require.NoError(t, err)
		require.NoError(t, open(t, u.String()).PingContext(t.Context())) // left open: FORCE
	})
	var left int
	err := server.QueryRowContext(t.Context(),
		"SELECT count(*) FROM pg_database WHERE datname LIKE $1 || '%'", name).Scan(&left)
	require.NoError(t, err)
	require.Zero(t, left)
}

// TestClusterDurability: promises about what survives the server are only tested with
// the defaults on; those about what survives its clients need commits that wait for
// the log, which no setting of ours takes away.
func TestClusterDurability(t *testing.T) {
	t.Parallel()
	show := func(url, setting string) (value string) {
		require.NoError(t, open(t, url).QueryRowContext(t.Context(), "SHOW "+setting).Scan(&value))
		return value
	}
	shared, own := URL(t), NewServer(t).URL()
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		require.Equal(t, "on", show(own, setting), setting)
	}
	require.Equal(t, "on", show(shared, "synchronous_commit"))
	if os.Getenv(envServer) == "" && os.Getenv(envFsync) == "" {
		require.Equal(t, "off", show(shared, "fsync"))
	}
}

func TestClusterOutlivesGarbageCollection(t *testing.T) {
	t.Parallel()
	db := open(t, URL(t))
	for range 3 {
		runtime.GC() // closes files that nothing refers to any more
	}
	require.NoError(t, db.PingContext(t.Context()))
	open(t, URL(t))
}

func TestClusterStopsWithItsOwner(t *testing.T) {
	t.Parallel()
	URL(t) // skips or fails with the remedy where there is no PostgreSQL
	c, err := startCluster(Folders{}, relaxed)
	require.NoError(t, err)
	require.NoError(t, open(t, c.url).PingContext(t.Context()))
	require.NoError(t, c.stop())
	requireGone(t, c.url)
}

// TestClusterStopsWhenOwnerIsKilled kills -9 a process that owns a cluster.
func TestClusterStopsWhenOwnerIsKilled(t *testing.T) {
	t.Parallel()
	if os.Getenv("SKAND_PGTEST_OWNER") == "1" {
		own, err := ownCluster()
		require.NoError(t, err)
		_, err = os.Stdout.WriteString("URL " + own.url + "\n")
		require.NoError(t, err)
		<-t.Context().Done() // until killed
	}
	URL(t)
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestClusterStopsWhenOwnerIsKilled$", "-test.timeout=2m")
	owner.Env = append(os.Environ(), "SKAND_PGTEST_OWNER=1")
	out, err := owner.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	var own string
	for lines := bufio.NewScanner(out); own == "" && lines.Scan(); {
		own, _ = strings.CutPrefix(lines.Text(), "URL ")
		if own == lines.Text() {
			own = ""
		}
	}
	require.NotEmpty(t, own)
	require.NoError(t, open(t, own).PingContext(t.Context()))
	require.NoError(t, owner.Process.Kill())
	require.Error(t, owner.Wait())
	requireGone(t, own)
}

// requireGone waits until nothing listens where the cluster was.
func requireGone(t *testing.T, raw string) {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", u.Host)
		if err == nil {
			_ = conn.Close() // still there: ask again
		}
		return err != nil
	}, time.Minute, 50*time.Millisecond)
}

func open(t *testing.T, raw string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", raw)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() }) // its server may be gone by then
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, db.PingContext(ctx))
	return db
}
