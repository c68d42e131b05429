package main

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const forgeries = 2000 // different ones; a flood repeats them

// flood measures what genuine postbacks lose while as many connections send forged
// ones of the version whose check costs most. The sender chooses the version.
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
	var alone, beside, forgedRate []float64
	for round := range b.sizes.Rounds {
		for _, flooded := range order(round, 2) {
			if flooded == 0 {
				f, err := b.fresh(ctx, p, b.sizes.FloodConns)
				if err != nil {
					return err
				}
				alone = append(alone, f.Rate)
				continue
			}
			good, evil, err := b.besideFlood(ctx, p, bad)
			if err != nil {
				return err
			}
			beside, forgedRate = append(beside, good.Rate), append(forgedRate, evil.Rate)
		}
	}
	b.report.add("flood."+string(kind), ratios(beside, alone),
		perSecond(median(beside))+" beside "+perSecond(median(forgedRate))+" forged", perSecond(median(alone)))
	return nil
}

func (b *bench) besideFlood(ctx context.Context, p *process, bad [][]byte) (good, evil Figures, err error) {
	if err := b.stock(p, b.sizes.FloodConns); err != nil { // signing is no part of the flood
		return good, evil, err
	}
	var next atomic.Int64
	var g errgroup.Group
	g.Go(func() error {
		var err error
		evil, err = load{
			addr: p.addr, conns: b.sizes.FloodConns, last: b.sizes.Load, feed: feed{bad, &next, true},
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
