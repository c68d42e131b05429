package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"skand/internal/clock"
)

// process is a running server, skand or naive.
type process struct {
	cmd   *exec.Cmd
	log   string // file with what it wrote to standard error
	addr  string
	ready time.Duration // from its start to its first line
	next  atomic.Int64  // the next genuine postback that it hasn't seen
}

// launch starts a server and waits for its first line, which says where it listens.
func (b *bench) launch(program string, env []string, args ...string) (*process, error) {
	log, err := os.CreateTemp(b.dir, "log-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own
	p := &process{cmd: exec.Command(program, args...), log: log.Name()}
	p.cmd.Env = append(plainEnviron(), env...)
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	p.ready = now().Sub(began)
	if err != nil {
		_ = p.cmd.Process.Kill() // it may be gone already
		return nil, p.failed(p.cmd.Wait())
	}
	var first struct {
		Public string `json:"public"`
	}
	err = json.Unmarshal(line, &first)
	u, err2 := url.Parse(first.Public)
	if err = errors.Join(err, err2); err != nil {
		return nil, errors.Join(fmt.Errorf("first line of %s: %w", program, err), p.stop())
	}
	p.addr = u.Host
	return p, nil
}

// plainEnviron is the environment without what would configure skand: each run
// measures the defaults.
func plainEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SKAND_") })
}

func (p *process) failed(err error) error {
	said, _ := os.ReadFile(p.log) // what it said, if anything
	return fmt.Errorf("%s: %w: %s", p.cmd.Path, err, strings.TrimSpace(string(said[max(0, len(said)-2000):])))
}

// stop ends the server as its owner would, and kills it only if it won't.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return p.failed(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return p.failed(err)
		}
		return nil
	case <-clock.Real{}.After(answerWait):
		_ = p.cmd.Process.Kill() // reported below
		return p.failed(errors.New("did not end after SIGTERM"))
	}
}

// resident is the process's resident memory in bytes; it asks Linux.
func (p *process) resident() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%w: no /proc to read the resident memory from", errLeftOut)
	}
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 64)
			return n * 1024, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

// stock signs what the next load of the server may need. It is more than any server
// answers in the time on this kind of machine; should one be faster, its load ends
// early and its rate is right all the same.
func (b *bench) stock(p *process, conns int) error {
	return b.bodies.upTo(int(p.next.Load()) + int(30_000*b.sizes.Load.Seconds()) + conns)
}

// fresh loads the server with postbacks that it has not seen.
func (b *bench) fresh(ctx context.Context, p *process, conns int) (Figures, error) {
	if err := b.stock(p, conns); err != nil {
		return Figures{}, err
	}
	f := feed{requests: b.bodies.all, next: &p.next}
	return load{addr: p.addr, conns: conns, last: b.sizes.Load, feed: f, want: "accepted"}.run(ctx)
}
