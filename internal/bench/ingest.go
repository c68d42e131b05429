package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

// ingest compares skand with the naive server, and with its own cost without a
// store, in interleaved rounds over the same genuine postbacks.
func (b *bench) ingest(ctx context.Context, kind database, slow bool) (err error) {
	name := "ingest." + string(kind)
	if slow {
		name += ".slow"
	}
	d, err := b.disk(ctx, kind, slow)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	profile := ""
	if b.profile != "" {
		profile = filepath.Join(b.profile, name+".pprof")
	}
	ours, err := d.serve(ctx, profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	naive, err := d.naive(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, naive.stop()) }()
	floor, err := d.floor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.stop()) }()
	return b.compareAll(ctx, d, name, []*process{ours, naive, floor}, profile != "")
}

// compareAll fills the rows of one pair of servers at each number of connections.
// A slow disk has no row against the CPU floor: it isn't the CPU that it costs.
func (b *bench) compareAll(ctx context.Context, d *disk, name string, servers []*process, profiled bool) error {
	ours, naive, floor := servers[0], servers[1], servers[2]
	if d.delay > 0 {
		servers = servers[:2]
	}
	for _, p := range servers { // pools, caches and the heap get their size
		if _, err := b.fresh(ctx, p, b.sizes.Conns[0]); err != nil {
			return err
		}
	}
	for _, conns := range b.sizes.Conns {
		row := fmt.Sprintf("%s.%d", name, conns)
		toggle := profiled && conns == b.sizes.Conns[0]
		if err := toggleProfile(toggle, ours); err != nil {
			return err
		}
		got, err := b.rounds(ctx, d, servers, conns, floor)
		if err != nil {
			return fmt.Errorf("%d connections: %w", conns, err)
		}
		if err := toggleProfile(toggle, ours); err != nil {
			return err
		}
		o, n := got[ours], got[naive]
		b.report.add(row+".rate", ratios(o.rates, n.rates), perSecond(median(o.rates)), perSecond(median(n.rates)))
		b.report.add(row+".p99", ratios(o.p99s, n.p99s), millis(median(o.p99s)), millis(median(n.p99s)))
		if len(o.cpus) == len(n.cpus) && len(o.cpus) == b.sizes.Rounds {
			b.report.add(row+".cpu", ratios(o.cpus, n.cpus), micros(median(o.cpus)), micros(median(n.cpus)))
		}
		if f := got[floor]; f != nil {
			b.report.add(row+".floor", ratios(o.rates, f.rates), perSecond(median(o.rates)), perSecond(median(f.rates)))
		}
	}
	return nil
}

func toggleProfile(really bool, p *process) error {
	if !really {
		return nil
	}
	return p.cmd.Process.Signal(syscall.SIGUSR1)
}

// series are the figures of one server, round by round: answers per second, seconds,
// and CPU seconds per postback, database included (empty where they aren't known).
type series struct{ rates, p99s, cpus []float64 }

func (b *bench) rounds(ctx context.Context, d *disk, servers []*process, conns int, floor *process) (map[*process]*series, error) {
	got := map[*process]*series{}
	for _, p := range servers {
		got[p] = &series{}
	}
	for round := range b.sizes.Rounds {
		for _, i := range order(round, len(servers)) {
			p := servers[i]
			if p == floor { // it stores nothing, so it can see them all again
				p.next.Store(0)
			}
			before, known := cpuSeconds(p.cmd.Process.Pid, d.url)
			f, err := b.fresh(ctx, p, conns)
			if err != nil {
				return nil, err
			}
			if after, ok := cpuSeconds(p.cmd.Process.Pid, d.url); ok && known && after > before {
				got[p].cpus = append(got[p].cpus, (after-before)/float64(f.N))
			}
			got[p].rates = append(got[p].rates, f.Rate)
			got[p].p99s = append(got[p].p99s, f.P99.Seconds())
		}
	}
	return got, nil
}

func perSecond(f float64) string { return fmt.Sprintf("%.0f/s", f) }
func millis(s float64) string    { return fmt.Sprintf("%.1f ms", s*1000) }
func micros(s float64) string    { return fmt.Sprintf("%.0f us", s*1e6) }
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.2f s", d.Seconds())
}
