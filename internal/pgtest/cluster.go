package pgtest

import (
	"bufio"
	"cmp"
	_ "embed" // the supervising script
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// clusterScript starts a cluster, prints its URL and stops it when its standard
// input ends. .ci/with-postgres runs the same file.
//
//go:embed cluster.sh
var clusterScript string

// ownCluster starts this process's cluster once. Nobody stops it: the pipe that
// keeps it alive closes when the process ends, in whatever way it ends. Until
// then this variable holds the pipe; an unreachable one is closed by the garbage
// collector, and the server with it.
var ownCluster = sync.OnceValues(func() (*cluster, error) {
	return startCluster(Folders{}, cmp.Or(os.Getenv(envFsync), relaxed))
})

// cluster is one running throwaway server.
type cluster struct {
	url   string
	alive io.WriteCloser // closing it stops the cluster; it takes orders, see cluster.sh
	said  *bufio.Reader
	cmd   *exec.Cmd
}

// Folders say where a server keeps its files; "" leaves it to this package. As root
// the server runs as another user, who must be able to reach and write them.
type Folders struct {
	Data string // everything
	WAL  string // the write-ahead log, if not there
}

// Whether files have to reach the disk. Only a test that takes the server down needs
// it: a program that is killed loses nothing that the server has answered for.
const (
	durable = "on"
	relaxed = "off"
)

func startCluster(in Folders, fsync string) (*cluster, error) {
	cmd := exec.Command("sh", "-c", clusterScript)
	cmd.Env = append(os.Environ(), "SKAND_PG_DATA="+in.Data, "SKAND_PG_WAL="+in.WAL, envFsync+"="+fsync)
	// Its own process group, so that a Ctrl-C on the tests leaves it time to clean up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A file and not a buffer: Wait must not hang on a grandchild that holds the pipe.
	complaints, err := os.CreateTemp("", "skand-pgtest-*.log")
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	defer func() {
		_ = complaints.Close()           // only read below
		_ = os.Remove(complaints.Name()) // a leftover in the temp folder harms nobody
	}()
	cmd.Stderr = complaints
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	said := bufio.NewReader(out)
	line, err := said.ReadString('\n')
	if err != nil {
		said, _ := os.ReadFile(complaints.Name()) // what it said, if anything
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %s", strings.TrimSpace(string(said))), cmd.Wait())
	}
	return &cluster{url: strings.TrimSpace(line), alive: alive, said: said, cmd: cmd}, nil
}

// stop ends the cluster and waits until its folder is gone.
func (c *cluster) stop() error {
	if err := c.alive.Close(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return c.cmd.Wait()
}
