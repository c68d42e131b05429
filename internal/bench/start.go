package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"skand/internal/clock"
)

const (
	maxStart = 300 * time.Millisecond
	maxDemo  = 30 * time.Second
)

// start measures serve from its start to its first line, on a store that is there
// already; what the first start costs, which makes the store, is told beside it.
func (b *bench) start(ctx context.Context) error {
	dir, err := b.folder("start")
	if err != nil {
		return err
	}
	var again []float64
	var first time.Duration
	for i := range b.sizes.Starts + 1 {
		p, err := b.serve(ctx, "sqlite:"+dir, nil)
		if err != nil {
			return err
		}
		if err := p.stop(); err != nil {
			return err
		}
		if i == 0 {
			first = p.ready
			continue
		}
		again = append(again, p.ready.Seconds()/maxStart.Seconds())
	}
	b.report.add("start", again,
		fmt.Sprintf("%s (first start %s)", millis(median(again)*maxStart.Seconds()), millis(first.Seconds())), millis(maxStart.Seconds()))
	return nil
}

// demo runs `skand demo` until it has printed its table, which says when the first
// cohort appeared.
func (b *bench) demo(ctx context.Context) (err error) {
	if !b.sizes.Demo {
		return fmt.Errorf("%w: not at this size", errLeftOut)
	}
	built, err := b.programs(ctx)
	if err != nil {
		return err
	}
	cmd := exec.Command(built.skand, "demo", "--json")
	cmd.Env = plainEnviron()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	printed := make(chan []byte, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadBytes('\n') // an early end is an empty line, told below
		printed <- line
	}()
	var line []byte
	select {
	case line = <-printed:
	case <-clock.Real{}.After(b.sizes.DemoWait):
		err = fmt.Errorf("no table after %s", b.sizes.DemoWait)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	err = errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	var table struct {
		First float64 `json:"first_cohort_seconds"`
	}
	if err := json.Unmarshal(line, &table); err != nil {
		return fmt.Errorf("demo printed %q: %w", line, err)
	}
	if table.First == 0 {
		return errors.New("demo: no cohort appeared")
	}
	took := time.Duration(table.First * float64(time.Second))
	b.report.add("demo", []float64{took.Seconds() / maxDemo.Seconds()}, seconds(took), seconds(maxDemo))
	return nil
}
