package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const forgeries = 2000 // different ones; a flood repeats them

// flood measures what genuine postbacks lose while as many connections send forged
// ones of the version whose check costs most; the sender chooses the version. The
// paced flood would buy more than a core, were each of its postbacks checked. The
// unpaced one sends as fast as it gets answers, whatever they are: its client takes
// CPU from the same machine, so it is told and not judged.
func (b *bench) flood(ctx context.Context) error {
	bad := make([][]byte, forgeries)
	for i := range bad {
		var err error
		if bad[i], err = forged(i); err != nil {
			return err
		}
	}
	var err error
	for _, kind := range []database{postgres, sqlite} {
		e := b.floodOn(ctx, kind, bad)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = errors.Join(err, e)
	}
	return err
}

func (b *bench) floodOn(ctx context.Context, kind database, bad [][]byte) (err error) {
	d, err := b.disk(ctx, kind, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	p, err := d.serve(ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if _, err := b.fresh(ctx, p, b.sizes.FloodConns); err != nil { // warm up
		return err
	}
	got := make([][]float64, 3) // alone, beside a paced flood, beside as much as the connections can send
	sent := make([][]float64, 3)
	for round := range b.sizes.Rounds {
		for _, i := range order(round, 3) {
			var good, evil Figures
			switch i {
			case 0:
				good, err = b.fresh(ctx, p, b.sizes.FloodConns)
			case 1:
				good, evil, err = b.besideFlood(ctx, p, bad, time.Second/time.Duration(b.sizes.FloodRate))
			case 2:
				good, evil, err = b.besideFlood(ctx, p, bad, 0)
			}
			if err != nil {
				return err
			}
			got[i], sent[i] = append(got[i], good.Rate), append(sent[i], evil.Rate)
		}
	}
	for i, row := range []string{1: "flood." + string(kind), 2: "flood." + string(kind) + ".unpaced"} {
		if i > 0 {
			b.report.add(row, ratios(got[i], got[0]),
				perSecond(median(got[i]))+" beside "+perSecond(median(sent[i]))+" forged", perSecond(median(got[0])))
		}
	}
	return nil
}

func (b *bench) besideFlood(ctx context.Context, p *process, bad [][]byte, every time.Duration) (good, evil Figures, err error) {
	if err := b.stock(p, b.sizes.FloodConns); err != nil { // signing is no part of the flood
		return good, evil, err
	}
	var next atomic.Int64
	var g errgroup.Group
	g.Go(func() error {
		var err error
		evil, err = load{
			addr: p.addr, conns: b.sizes.FloodConns, last: b.sizes.Load, every: every, feed: feed{bad, &next, true},
		}.run(ctx)
		return err
	})
	g.Go(func() error {
		var err error
		good, err = b.fresh(ctx, p, b.sizes.FloodConns)
		return err
	})
	err = g.Wait()
	return good, evil, err
}
