package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

type database string

const (
	sqlite   database = "sqlite"
	postgres database = "postgres"
)

// disk is where servers keep their data: fresh folders, or a throwaway PostgreSQL
// cluster of this run's own, on a disk that is as it is or slow.
type disk struct {
	b     *bench
	kind  database
	delay time.Duration // 0: as it is
	url   string        // of the cluster
	alive io.Closer     // closing it ends the cluster
	cmd   *exec.Cmd
}

func (b *bench) disk(ctx context.Context, kind database, slow bool) (*disk, error) {
	d := &disk{b: b, kind: kind}
	if slow {
		d.delay = b.sizes.CommitDelay
	}
	if kind == sqlite {
		return d, nil
	}
	if os.Getenv("SKAND_TEST_NO_POSTGRES") == "1" {
		return nil, fmt.Errorf("%w: SKAND_TEST_NO_POSTGRES=1", errLeftOut)
	}
	env := os.Environ()
	if slow {
		library, err := b.slowFsync(ctx)
		if err != nil {
			return nil, err
		}
		env = append(env, "SKAND_PG_PRELOAD="+library, fmt.Sprintf("SLOWFSYNC_US=%d", d.delay.Microseconds()))
	}
	// A server that is named for the tests is not used: it may be shared, and its
	// disk can't be slowed down.
	d.cmd = exec.Command("sh", "internal/pgtest/cluster.sh")
	d.cmd.Dir, d.cmd.Env, d.cmd.Stderr = b.root, env, b.notes
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C leaves it time to clean up
	var err error
	if d.alive, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL (SKAND_TEST_NO_POSTGRES=1 leaves its rows out): %w", err), d.close())
	}
	d.url = strings.TrimSpace(line)
	return d, nil
}

func (d *disk) close() error {
	if d.alive == nil {
		return nil
	}
	if err := d.alive.Close(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return d.cmd.Wait()
}

// place makes an empty store and returns it as --db wants it.
func (d *disk) place(ctx context.Context, name string) (string, error) {
	if d.kind == sqlite {
		dir, err := d.b.folder(name)
		return "sqlite:" + dir, err
	}
	built, err := d.b.programs(ctx)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, built.naive, "-db", d.url, "-create", name+","+name+"_published")
	if err := quiet(cmd); err != nil {
		return "", err
	}
	u, err := url.Parse(d.url)
	if err != nil {
		return "", errors.New("the cluster's URL does not parse") // it holds a password
	}
	u.Path = "/" + name
	return u.String(), nil
}

// env slows SQLite's commits down where the disk is slow; PostgreSQL's are already.
func (d *disk) env() []string {
	if d.kind == sqlite && d.delay > 0 {
		return []string{"SKAND_BENCH_COMMIT_DELAY=" + d.delay.String()}
	}
	return nil
}

// serve starts skand on an empty store.
func (d *disk) serve(ctx context.Context, profile string) (*process, error) {
	db, err := d.place(ctx, "skand")
	if err != nil {
		return nil, err
	}
	env := d.env()
	if profile != "" {
		env = append(env, "SKAND_BENCH_PROFILE="+profile)
	}
	return d.b.serve(ctx, db, env)
}

func (b *bench) serve(ctx context.Context, db string, env []string) (*process, error) {
	built, err := b.programs(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--db", db, "--public", "127.0.0.1:0", "--admin", "127.0.0.1:0"}
	return b.launch(built.skand, env, args...)
}

// naive starts the naive server on an empty store.
func (d *disk) naive(ctx context.Context) (*process, error) {
	db, err := d.place(ctx, "naive")
	if err != nil {
		return nil, err
	}
	built, err := d.b.programs(ctx)
	if err != nil {
		return nil, err
	}
	return d.b.launch(built.naive, d.env(), "-db", db)
}

// floor starts what is left of a receiver without a store: HTTP and the check.
func (d *disk) floor(ctx context.Context) (*process, error) {
	built, err := d.b.programs(ctx)
	if err != nil {
		return nil, err
	}
	return d.b.launch(built.naive, nil)
}
