package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/pgtest"
)

// ledger is what senders were told while something broke.
type ledger struct {
	bodies   [][]byte
	mu       sync.Mutex
	answered []bool // 200: it must be found
	refused  int    // 500: it must be sent again
	unheard  int    // no answer: it may be there or not
	kept     int    // no 200 at first, and a duplicate when sent again: committed, the answer lost
}

func newLedger(t *testing.T, n int) *ledger {
	t.Helper()
	return &ledger{bodies: signedBodies(t, n), answered: make([]bool, n)}
}

// send posts one body and notes the answer.
func (l *ledger) send(p *program, i int) {
	state, err := post(p, l.bodies[i])
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		if !l.answered[i] && state == "duplicate" {
			l.kept++
		}
		l.answered[i] = true
	case strings.HasPrefix(err.Error(), "500 "):
		l.refused++
	default:
		l.unheard++
	}
}

// sendAll posts all bodies that have no 200 yet, four at a time.
func (l *ledger) sendAll(p *program) {
	todo := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range todo {
				l.send(p, i)
			}
		})
	}
	for i := range l.bodies {
		l.mu.Lock()
		done := l.answered[i]
		l.mu.Unlock()
		if !done {
			todo <- i
		}
	}
	close(todo)
	wg.Wait()
}

func (l *ledger) acknowledged() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.answered {
		if a {
			n++
		}
	}
	return n
}

// settle sends everything once more to a healthy server, and tells the table: what
// was answered 200 is a duplicate now, and every install is counted once.
func (l *ledger) settle(t *testing.T, p *program, what string) {
	t.Helper()
	acknowledged, found := l.acknowledged(), 0
	for i, body := range l.bodies {
		state, err := post(p, body)
		require.NoError(t, err)
		switch {
		case state != "duplicate":
			require.Equal(t, "accepted", state)
			require.Falsef(t, l.answered[i], "postback %d was answered 200 and is lost", i)
		case l.answered[i]:
			found++
		default:
			l.kept++
		}
	}
	require.Equal(t, acknowledged, found)
	c := statusOf(t, p)
	require.EqualValues(t, len(l.bodies), c.Counted["install"], "each identity is counted once")
	require.True(t, conserved(c), "%+v", c)
	t.Logf("| %s | sent %d | acknowledged %d | found %d | refused with 500 %d | no answer %d | kept without an answer %d | counted %d |",
		what, len(l.bodies), acknowledged, found, l.refused, l.unheard, l.kept, c.Counted["install"])
}

// TestPostgreSQLStoppedAndStarted stops the server in the middle of a load, in both
// of its ways, and starts it again. skand isn't restarted.
func TestPostgreSQLStoppedAndStarted(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"fast", "immediate"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := pgtest.NewServer(t)
			p := serveProgram(t, "--lab", "--db", server.URL(), "--published", server.URL())
			trustLab(t, p)
			l := newLedger(t, 300)
			down := make(chan struct{})
			go func() {
				defer close(down)
				awaitAnswers(t.Context(), l, len(l.bodies)/3)
				server.Stop(mode)
			}()
			l.sendAll(p)
			<-down
			l.send(p, len(l.bodies)-1)
			require.Positive(t, l.refused)
			require.Equal(t, http.StatusServiceUnavailable, statusCode(t, p, "/readyz"))
			require.Equal(t, http.StatusOK, statusCode(t, p, "/healthz"))

			server.Start()
			awaitReady(t, p)
			l.sendAll(p)
			l.settle(t, p, "PostgreSQL stopped "+mode+" and started")
		})
	}
}

// awaitAnswers returns when so many postbacks were acknowledged.
func awaitAnswers(ctx context.Context, l *ledger, enough int) {
	for ctx.Err() == nil && l.acknowledged() < enough {
		<-clock.Real{}.After(time.Millisecond)
	}
}

// awaitReady returns when the program says that it can store.
func awaitReady(t *testing.T, p *program) {
	t.Helper()
	require.Eventually(t, func() bool { return statusCode(t, p, "/readyz") == http.StatusOK }, time.Minute, 20*time.Millisecond)
}

func statusCode(t *testing.T, p *program, path string) int {
	t.Helper()
	resp, err := postClient.Get(p.Public + path)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// TestCutBetweenCommitAndAnswer: the answer is on the wire when the line to the
// sender breaks. The sender can't know; its repeat is a duplicate and counts once.
func TestCutBetweenCommitAndAnswer(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		args := []string{"--lab", "--db", cfg.DB}
		if cfg.Published != "" {
			args = append(args, "--published", cfg.Published)
		}
		p := serveProgram(t, args...)
		trustLab(t, p)
		l := newLedger(t, 40)
		line := newDeafLine(t, strings.TrimPrefix(p.Public, "http://"))
		for _, body := range l.bodies {
			// One connection each: a client repeats by itself on a kept one that breaks.
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Post("http://"+line+"/postbacks/skadnetwork", "application/json", bytes.NewReader(body))
			if err == nil {
				require.NoError(t, resp.Body.Close())
			}
			require.Error(t, err, "the answer came through")
			l.unheard++
			state, err := post(p, body)
			require.NoError(t, err)
			require.Equal(t, "duplicate", state, "what was committed is known at the repeat")
			l.kept++
		}
		for i := range l.answered {
			l.answered[i] = true // by the repeat
		}
		l.settle(t, p, "cut between commit and answer")
	})
}

// newDeafLine is a TCP line that carries requests, waits for the first byte of the
// answer, and breaks.
func newDeafLine(t *testing.T, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return // the test has ended
			}
			wg.Go(func() { carryDeaf(in, target) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // ends the loop above
		wg.Wait()
	})
	return l.Addr().String()
}

func carryDeaf(in net.Conn, target string) {
	defer func() { _ = in.Close() }() // that is the cut
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }() // as above
	go func() { _, _ = io.Copy(out, in) }()
	_, _ = io.ReadFull(out, make([]byte, 1)) // there is an answer, so there was a commit
}

// TestDiskFull fills the file system that SQLite writes to, with a load running, and
// makes room again. skand isn't restarted.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 16<<20)
	p := serveProgram(t, "--lab", "--db", "sqlite:"+filepath.Join(dir, "data"))
	trustLab(t, p)
	l := newLedger(t, 300)
	for i := range 100 {
		l.send(p, i)
	}
	require.Equal(t, 100, l.acknowledged())

	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	l.sendAll(p)
	require.Positive(t, l.refused, "the disk was not full")
	require.Zero(t, l.unheard)
	require.Equal(t, http.StatusOK, statusCode(t, p, "/healthz"))
	full := l.acknowledged()
	t.Logf("%d acknowledged with room, %d more into what was left of SQLite's files", 100, full-100)

	require.NoError(t, os.Remove(ballast))
	awaitReady(t, p)
	l.sendAll(p)
	require.Equal(t, len(l.bodies), l.acknowledged(), "it takes postbacks again by itself")

	// What was acknowledged is on the disk and not only in the process.
	p.kill(t)
	p = serveProgram(t, "--lab", "--db", "sqlite:"+filepath.Join(dir, "data"))
	l.settle(t, p, "disk full, room made, kill -9")
}

// smallDisk mounts a file system of its own, which root alone may do.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("a full disk needs a small file system, which only root on Linux may mount")
	}
	// Not t.TempDir, which only its owner reaches: PostgreSQL runs as another user.
	dir, err := os.MkdirTemp("/tmp", "skand-disk-*")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.Remove(dir)) })
	if err := mountMemory(dir, size); err != nil {
		t.Skipf("a full disk needs a small file system, and mounting one is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Errorf("unmount the small file system: %v", err)
		}
	})
	return dir
}

// fill writes until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	for size := 64 << 10; size > 0; {
		n, err := f.Write(make([]byte, size))
		if err != nil || n < size {
			require.True(t, errors.Is(err, errNoSpace), fmt.Sprint(err))
			size /= 2
		}
	}
}
