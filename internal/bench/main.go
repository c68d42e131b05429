// Command bench measures the receiver against what it must not fall behind: the
// bare signature check, the server that one writes in an afternoon (naive), and
// its own cost without a store; sealing against itself on a shorter history; and
// readers of cohorts against what they may wait. `make bench` runs it;
// docs/benchmarks.md explains the rows.
//
// It owns the measurements and the bars. It refuses bare times: machines are
// shared, so a row is the ratio of two figures taken next to each other in one
// run. It is no test: a bar that is not met is printed, and the exit code is 0
// unless something is broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := realMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "bench.json", "file for the rows as JSON; empty: none")
	only := flags.String("only", "", "regular expression: run only the parts whose name matches ("+partNames()+")")
	profile := flags.String("profile", "", "folder for a CPU profile of serve for each ingest measurement")
	sizes := Default()
	flags.DurationVar(&sizes.Load, "load", sizes.Load, "how long one load lasts")
	flags.IntVar(&sizes.Rounds, "rounds", sizes.Rounds, "rounds of each comparison")
	full := flags.Bool("full", os.Getenv("BENCH_FULL") == "1", "the sizes that the bars are set for: a million postbacks in the memory rows, days of 100,000, five million published rows; also BENCH_FULL=1")
	if err := flags.Parse(args); err != nil {
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if *full {
		sizes.Memory, sizes.MemoryChunk = 1_000_000, 10_000
		sizes.SealRows, sizes.CohortApps = 100_000, 100
	}
	b := &bench{sizes: sizes, notes: stderr, profile: *profile, report: newReport(sizes)}
	err = b.run(ctx, match)
	b.report.print(stdout)
	if *out != "" {
		err = errors.Join(err, b.report.write(*out))
	}
	return err
}
