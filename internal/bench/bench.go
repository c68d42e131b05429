package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Sizes bound a run: every loop of it ends by a count or a duration in here.
type Sizes struct {
	Rounds      int           `json:"rounds"`         // of each comparison; the row is the median
	Verify      time.Duration `json:"verify_ns"`      // of one verify loop
	Load        time.Duration `json:"load_ns"`        // of one load on a server
	Conns       []int         `json:"connections"`    // the ingest rows
	FloodConns  int           `json:"flood_conns"`    // genuine ones, and as many forged
	FloodRate   int           `json:"flood_rate"`     // forged postbacks per second, where they are paced
	Memory      int           `json:"memory"`         // postbacks of a memory row
	MemoryChunk int           `json:"memory_chunk"`   // between two looks at the memory
	Starts      int           `json:"starts"`         // of serve
	Demo        bool          `json:"demo"`           // run `skand demo`
	DemoWait    time.Duration `json:"demo_wait_ns"`   // at most
	Histories   []int         `json:"histories"`      // days before the one that is sealed
	SealRows    int           `json:"seal_rows"`      // counted postbacks of a day
	CohortApps  int           `json:"cohort_apps"`    // each with two years of weeks
	CohortRows  int           `json:"cohort_rows"`    // published rows of a week and app
	Readers     int           `json:"readers"`        // at once
	Asks        int           `json:"asks"`           // of each
	Forward     int           `json:"forward"`        // deliveries to each of six endpoints
	Model       int           `json:"model"`          // installs whose rows are modelled
	CommitDelay time.Duration `json:"slow_commit_ns"` // of the slow disk
}

// Default is `make bench`: about eight minutes on two cores.
func Default() Sizes {
	return Sizes{
		Rounds: 5, Verify: 60 * time.Millisecond, Load: 700 * time.Millisecond, Conns: []int{64, 256}, FloodConns: 64, FloodRate: 1000,
		Memory: 40_000, MemoryChunk: 2_000, Starts: 5, Demo: true, DemoWait: time.Minute, CommitDelay: time.Millisecond,
		Histories: []int{1, 10, 90}, SealRows: 10_000, CohortApps: 10, CohortRows: 481, Readers: 8, Asks: 40,
		Forward: 3000, Model: 350_000,
	}
}

// Tiny is for the test that keeps this program from rotting; its ratios mean nothing.
func Tiny() Sizes {
	return Sizes{
		Rounds: 1, Verify: 2 * time.Millisecond, Load: 50 * time.Millisecond, Conns: []int{4}, FloodConns: 2, FloodRate: 200,
		Memory: 80, MemoryChunk: 20, Starts: 1, CommitDelay: time.Millisecond,
		Histories: []int{1, 2}, SealRows: 400, CohortApps: 2, CohortRows: 3, Readers: 2, Asks: 4,
		Forward: 20, Model: 8_000,
	}
}

// bench is one run.
type bench struct {
	sizes   Sizes
	notes   io.Writer // progress, for people
	profile string
	report  *report

	dir    string // everything that the run makes lies in it
	root   string // of the repository
	apple  *signer
	bodies *pool
	built  *binaries
}

// A part is one group of rows. Each stands alone, so that -only can pick it.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

var parts = []part{
	{"verify", (*bench).verify},
	{"ingest-postgres", func(b *bench, ctx context.Context) error { return b.ingest(ctx, postgres, false) }},
	{"ingest-postgres-slow", func(b *bench, ctx context.Context) error { return b.ingest(ctx, postgres, true) }},
	{"ingest-sqlite", func(b *bench, ctx context.Context) error { return b.ingest(ctx, sqlite, false) }},
	{"ingest-sqlite-slow", func(b *bench, ctx context.Context) error { return b.ingest(ctx, sqlite, true) }},
	{"flood", (*bench).flood},
	{"batch", (*bench).batch},
	{"memory", (*bench).memory},
	{"seal", (*bench).seal},
	{"cohorts", (*bench).cohorts},
	{"pages", (*bench).pages},
	{"forward", (*bench).forward},
	{"model", (*bench).model},
	{"start", (*bench).start},
	{"demo", (*bench).demo},
}

func partNames() string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// errLeftOut says that a part can't be run on this machine; the report says why.
var errLeftOut = errors.New("left out")

// run runs the parts in turn, never two at once. A part that fails does not keep
// the others from running; the error names all that did.
func (b *bench) run(ctx context.Context, match *regexp.Regexp) (err error) {
	began := now()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	for _, p := range parts {
		if !match.MatchString(p.name) {
			continue
		}
		fmt.Fprintf(b.notes, "bench: %s\n", p.name)
		switch e := p.run(b, ctx); {
		case ctx.Err() != nil:
			return errors.Join(err, context.Cause(ctx))
		case errors.Is(e, errLeftOut):
			b.report.LeftOut = append(b.report.LeftOut, p.name+": "+e.Error())
		case e != nil:
			err = errors.Join(err, fmt.Errorf("%s: %w", p.name, e))
		}
	}
	b.report.Seconds = now().Sub(began).Seconds()
	return err
}

func (b *bench) prepare(ctx context.Context) error {
	var err error
	if b.root, err = repositoryRoot(ctx); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "skand-bench-"); err != nil {
		return err
	}
	// PostgreSQL's user reads the preloaded library in it.
	if err = os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	if b.apple, err = newSigner(); err != nil {
		return err
	}
	b.bodies = &pool{signer: b.apple}
	return nil
}

// folder makes a fresh folder for one server's data.
func (b *bench) folder(name string) (string, error) {
	dir, err := os.MkdirTemp(b.dir, name+"-")
	if err != nil {
		return "", err
	}
	return filepath.Clean(dir), nil
}

// everything is the -only of a whole run.
var everything = regexp.MustCompile("")
