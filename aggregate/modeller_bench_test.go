package aggregate_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
	"skand/internal/clock"
	"skand/schema"
)

// BenchmarkModelReleases is one new week of an app with 350,000 installs in twelve weeks,
// as the job computes it: estimates and draws of all weeks, why, two back-tests, roll-ups.
//
//	GOMAXPROCS=1 go test ./aggregate -run '^$' -bench ModelReleases -benchtime 1x
func BenchmarkModelReleases(b *testing.B) {
	s, ok := worlds.Find("worse")
	require.True(b, ok)
	w, err := worlds.New(s, 1, 350_000/12, 12)
	require.NoError(b, err)
	meanings := []aggregate.Meaning{aggregate.MeaningOf(1, w.Schema, laterSet)}
	var windows []aggregate.ModelWindow
	rows := 0
	for week, x := range w.Weeks {
		p := aggregate.Cut(laterSet, aggregate.Settings{K: 20, B: 5, Depth: 4}, aggregate.Batch{Groups: x.Groups, Schemas: meanings})
		windows = append(windows, aggregate.ModelWindow{Window: week, B: 5, Rows: p.Rows, Remainders: p.Remainders, Values: p.Values})
		rows += len(p.Rows)
	}
	releases := releasesOf(laterSet, windows)
	reading := aggregate.ModelReading{Windows: releases, Documents: map[int]*schema.Document{1: w.Schema}}
	w = nil
	in, err := aggregate.NewModelInput(aggregate.NewAlphabet(reading.Documents, laterSet), windows)
	require.NoError(b, err)
	runtime.GC()
	peak := watchHeap(b)
	for b.Loop() {
		begin := clock.Real{}.Now()
		_, err := in.Predict(model.Defaults(), 1)
		require.NoError(b, err)
		b.ReportMetric(clock.Real{}.Now().Sub(begin).Seconds(), "s/fit+draws")
		_, err = fitOf(releases, 1).Releases(reading, aggregate.DefaultModelSettings(), modelNow)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(rows), "rows")
	b.ReportMetric(float64(peak()>>20), "MB-heap")
}

// watchHeap tells the most that the heap held since.
func watchHeap(b *testing.B) func() uint64 {
	b.Helper()
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-tick.C:
			case <-stop:
				tick.Stop()
				most <- peak
				return
			}
		}
	}()
	return func() uint64 { close(stop); return <-most }
}
