// Package probe owns what a benchmark puts into a server that it built for itself:
// a slow disk under SQLite and a CPU profile. internal/bench adds it to skand with
// a build overlay, so that no line of it is in the program that people run; it
// refuses to do anything unless its environment variables are set.
package probe

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"skand/internal/clock"
)

// The environment variables of a probed server.
const (
	EnvCommitDelay = "SKAND_BENCH_COMMIT_DELAY" // a Go duration: every commit of SQLite takes this much longer
	EnvProfile     = "SKAND_BENCH_PROFILE"      // a file: SIGUSR1 begins a CPU profile, the next one ends it
)

func init() {
	if err := start(os.Getenv(EnvCommitDelay), os.Getenv(EnvProfile)); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(2)
	}
}

func start(delay, profile string) error {
	if delay != "" {
		d, err := time.ParseDuration(delay)
		if err != nil || d <= 0 {
			return fmt.Errorf("%s=%q: want a duration above 0, as in 1ms", EnvCommitDelay, delay)
		}
		sqlite.RegisterConnectionHook(slowCommits(d))
	}
	if profile != "" {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGUSR1)
		go func() {
			for {
				if err := record(profile, signals); err != nil {
					fmt.Fprintln(os.Stderr, "probe:", err)
					return
				}
			}
		}()
	}
	return nil
}

// slowCommits makes each commit that has something to write wait, as a disk's
// flush would: a pure Go SQLite has no fsync that a preloaded library could delay.
func slowCommits(d time.Duration) sqlite.ConnectionHookFn {
	return func(conn sqlite.ExecQuerierContext, _ string) error {
		hooks, ok := conn.(sqlite.HookRegisterer)
		if !ok {
			return errors.New("probe: this SQLite driver has no commit hooks")
		}
		hooks.RegisterCommitHook(func() int32 {
			<-clock.Real{}.After(d)
			return 0
		})
		return nil
	}
}

func record(file string, signals <-chan os.Signal) error {
	<-signals
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	<-signals
	pprof.StopCPUProfile()
	return f.Close()
}
