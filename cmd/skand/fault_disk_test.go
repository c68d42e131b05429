package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/pgtest"
)

// fillingUp is a server whose PostgreSQL has a small disk, for everything or for its
// write-ahead log.
type fillingUp struct {
	*pgtest.Server
	p       *program
	l       *ledger
	ballast string
}

func newFillingUp(t *testing.T, dir string, in pgtest.Folders) *fillingUp {
	t.Helper()
	f := &fillingUp{Server: pgtest.NewServerIn(t, in), ballast: filepath.Join(dir, "ballast")}
	f.p = serveProgram(t, "--lab", "--db", f.URL(), "--published", f.URL())
	trustLab(t, f.p)
	f.l = newLedger(t, 400)
	// A segment of the write-ahead log that has just begun: 16 MiB, so that it does not
	// end in the middle of the load, unless the test wants it to.
	require.NoError(t, f.Execute("SELECT pg_switch_wal()"))
	require.NoError(t, f.Execute("CREATE TABLE first_of_the_segment ()"))
	return f
}

// load sends the postbacks from one number up to another, in the background.
func (f *fillingUp) load(from, to int) (part *ledger, done <-chan struct{}) {
	part = &ledger{bodies: f.l.bodies[from:to], answered: f.l.answered[from:to]}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		part.sendAll(f.p)
	}()
	return part, sent
}

// add takes over what the senders of a part that is done were told.
func (f *fillingUp) add(part *ledger) {
	f.l.refused += part.refused
	f.l.unheard += part.unheard
	f.l.kept += part.kept
}

// makeRoom removes the ballast, and what could not be kept is sent again.
func (f *fillingUp) makeRoom(t *testing.T) {
	t.Helper()
	require.Positive(t, f.l.refused)
	require.Less(t, f.l.acknowledged(), len(f.l.bodies), "the disk was not full")
	require.Equal(t, http.StatusOK, statusCode(t, f.p, "/healthz"))
	require.NoError(t, os.Remove(f.ballast))
	if f.Ended() {
		f.Start()
	}
	awaitReady(t, f.p)
	f.l.sendAll(f.p)
	require.Equal(t, len(f.l.bodies), f.l.acknowledged(), "it takes postbacks again by itself")
	require.Zero(t, f.l.unheard, "everyone hears an answer, if only 500")
}

// TestPostgreSQLDiskFull fills the disk under a load: tables can't grow. PostgreSQL
// refuses the transaction and runs on, Apple hears 500, and with room it goes on.
// Neither server is restarted.
func TestPostgreSQLDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 160<<20)
	f := newFillingUp(t, dir, pgtest.Folders{Data: dir})
	part, sent := f.load(0, len(f.l.bodies)/2)
	awaitAnswers(t.Context(), part, 50)
	fill(t, f.ballast)
	<-sent
	f.add(part)
	roomy := f.l.acknowledged()
	f.l.sendAll(f.p)
	require.Contains(t, f.p.log.String(), "No space left on device")
	require.False(t, f.Ended())
	t.Logf("%d acknowledged while it filled, %d more into what was left of PostgreSQL's files", roomy, f.l.acknowledged()-roomy)
	f.makeRoom(t)

	// What was acknowledged is in the files and not only in the memory of the server.
	f.Stop("immediate")
	f.Start()
	awaitReady(t, f.p)
	f.l.settle(t, f.p, "PostgreSQL's disk full, room made, crashed and started")
}

// TestPostgreSQLLogDiskFull fills the disk of the write-ahead log alone. In the middle
// of the commits PostgreSQL needs a segment more, panics, finds no room for its
// recovery either, and ends. Somebody makes room and starts it. skand isn't restarted.
func TestPostgreSQLLogDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 96<<20)
	f := newFillingUp(t, dir, pgtest.Folders{WAL: dir})
	fill(t, f.ballast)
	part, sent := f.load(0, len(f.l.bodies)-1)
	awaitAnswers(t.Context(), part, 100)
	roomy := part.acknowledged()
	// What archive_timeout does: the segment ends early. There may be some that are
	// waiting to be used again, but no room for a new one.
	for n := 0; !f.Ended(); n++ {
		require.Less(t, n, 10_000, "PostgreSQL goes on without a log")
		_ = f.Execute("SELECT pg_switch_wal()") // refused as soon as the server panics
		<-clock.Real{}.After(time.Millisecond)
	}
	<-sent
	f.add(part)
	f.l.send(f.p, len(f.l.bodies)-1) // whenever it ended, this one comes after
	require.Equal(t, http.StatusServiceUnavailable, statusCode(t, f.p, "/readyz"))
	t.Logf("%d acknowledged on a full disk, %d more until PostgreSQL ended by itself", roomy, f.l.acknowledged()-roomy)
	f.makeRoom(t)
	f.l.settle(t, f.p, "disk of PostgreSQL's log full, panic, room made, started")
}
