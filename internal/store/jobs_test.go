package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/jobs"
)

func TestJobLeaseHasOneHolder(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		until := now.Now().Add(time.Minute)
		var got atomic.Int64
		var wg sync.WaitGroup
		for _, holder := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			wg.Go(func() {
				_, ok, err := s.AcquireJob(ctx, "seal", holder, until, now.Now())
				if err != nil {
					t.Errorf("acquire: %v", err)
				}
				if ok {
					got.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, got.Load())
		_, ok, err := s.AcquireJob(ctx, "model", "z", until, now.Now())
		require.NoError(t, err)
		require.True(t, ok, "another job has a lease of its own")
	})
}

func TestJobLeaseExpiresAndFences(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		first, ok, err := s.AcquireJob(ctx, "seal", "a", now.Now().Add(time.Minute), now.Now())
		require.NoError(t, err)
		require.True(t, ok)

		// Not even its holder gets it twice: that would be two runs at once.
		_, ok, err = s.AcquireJob(ctx, "seal", "a", now.Now().Add(time.Minute), now.Now())
		require.NoError(t, err)
		require.False(t, ok)

		ok, err = s.ExtendJob(ctx, "seal", "a", first, now.Now().Add(2*time.Minute))
		require.NoError(t, err)
		require.True(t, ok)
		now.Advance(90 * time.Second)
		_, ok, err = s.AcquireJob(ctx, "seal", "b", now.Now().Add(time.Minute), now.Now())
		require.NoError(t, err)
		require.False(t, ok, "it was extended")

		now.Advance(30 * time.Second)
		second, ok, err := s.AcquireJob(ctx, "seal", "b", now.Now().Add(time.Minute), now.Now())
		require.NoError(t, err)
		require.True(t, ok)
		require.Greater(t, second, first)

		// What the old holder does now has no effect.
		ok, err = s.ExtendJob(ctx, "seal", "a", first, now.Now().Add(time.Hour))
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, s.ReleaseJob(ctx, "seal", "a", first))
		_, ok, err = s.AcquireJob(ctx, "seal", "c", now.Now().Add(time.Minute), now.Now())
		require.NoError(t, err)
		require.False(t, ok)

		require.NoError(t, s.ReleaseJob(ctx, "seal", "b", second))
		third, ok, err := s.AcquireJob(ctx, "seal", "c", now.Now().Add(time.Minute), now.Now())
		require.NoError(t, err)
		require.True(t, ok)
		require.Greater(t, third, second)
	})
}

func TestJobRunLog(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		last, err := s.LastJobRun(ctx, "decode")
		require.NoError(t, err)
		require.Equal(t, jobs.Last{}, last)

		ok, err := s.StartJobRun(ctx, "decode", "a", 1, start)
		require.NoError(t, err)
		report := jobs.Report{Job: "decode", Status: jobs.OK, Rows: 7, Errors: []string{}}
		require.NoError(t, s.FinishJobRun(ctx, ok, report, start.Add(time.Second)))
		failed, err := s.StartJobRun(ctx, "decode", "a", 2, start.Add(time.Hour))
		require.NoError(t, err)
		require.NotEqual(t, ok, failed)
		report = jobs.Report{Job: "decode", Status: jobs.Failed, Errors: []string{"row 3: bad"}}
		require.NoError(t, s.FinishJobRun(ctx, failed, report, start.Add(time.Hour)))
		_, err = s.StartJobRun(ctx, "decode", "a", 3, start.Add(2*time.Hour)) // never finished
		require.NoError(t, err)

		last, err = s.LastJobRun(ctx, "decode")
		require.NoError(t, err)
		require.Equal(t, jobs.Last{Started: start.Add(time.Hour), Succeeded: start.Add(time.Second)}, last)
	})
}

func TestJobRunLogForgets(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		for range 3 {
			for _, job := range []string{"decode", "seal"} {
				run, err := s.StartJobRun(ctx, job, "a", 1, now.Now())
				require.NoError(t, err)
				report := jobs.Report{Job: job, Status: jobs.OK, Errors: []string{}}
				require.NoError(t, s.FinishJobRun(ctx, run, report, now.Now()))
			}
			now.Advance(keepJobRuns + time.Hour)
		}
		var left []string
		require.NoError(t, s.main.r.SelectContext(ctx, &left, `SELECT job FROM job_run ORDER BY job`))
		require.Equal(t, []string{"decode", "seal"}, left)
	})
}
