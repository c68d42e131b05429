package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

const maxResident = 150 << 20 // bytes

// memory looks at the resident memory of serve while postbacks come without end.
func (b *bench) memory(ctx context.Context) error {
	var err error
	for _, kind := range []database{postgres, sqlite} {
		e := b.memoryOn(ctx, kind)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = errors.Join(err, e)
	}
	return err
}

func (b *bench) memoryOn(ctx context.Context, kind database) (err error) {
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
	var seen []float64
	for from := 0; from < b.sizes.Memory; from += b.sizes.MemoryChunk {
		requests, err := b.apple.some(from, min(from+b.sizes.MemoryChunk, b.sizes.Memory))
		if err != nil {
			return err
		}
		var next atomic.Int64
		f := feed{requests: requests, next: &next}
		if _, err := (load{addr: p.addr, conns: b.sizes.Conns[0], feed: f, want: "accepted"}).run(ctx); err != nil {
			return err
		}
		bytes, err := p.resident()
		if err != nil {
			return err
		}
		seen = append(seen, bytes)
	}
	// The heap breathes: each half is judged by the most that its later half held.
	n := len(seen)
	half, end := slices.Max(seen[n/4:n/2]), slices.Max(seen[n*3/4:])
	row := "memory." + string(kind)
	b.report.add(row+".resident", []float64{slices.Max(seen) / maxResident}, mebibytes(slices.Max(seen)), mebibytes(maxResident))
	b.report.add(row+".flat", []float64{end / half}, mebibytes(end), mebibytes(half))
	return nil
}

func mebibytes(b float64) string { return fmt.Sprintf("%.0f MiB", b/(1<<20)) }
