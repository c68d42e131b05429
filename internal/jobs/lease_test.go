package jobs_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/jobs"
)

// blocking is a job that runs until it is told to end, or cancelled.
func blocking(spec string) (j jobs.Job, running, end chan struct{}) {
	running, end = make(chan struct{}), make(chan struct{})
	return jobs.Job{Name: "seal", Spec: spec, Run: func(ctx context.Context) (jobs.Result, error) {
		running <- struct{}{}
		select {
		case <-end:
			return jobs.Result{Rows: 1}, nil
		case <-ctx.Done():
			return jobs.Result{}, ctx.Err()
		}
	}}, running, end
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 30*time.Second, time.Millisecond)
}

func TestTwoProcessesNeverRunTheSameJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slow, running, end := blocking("0 * * * *")
	var runs atomic.Int64
	first, second := b.runner(t, slow), b.runner(t, job("seal", "0 * * * *", &runs))
	done := make(chan jobs.Report)
	go func() {
		report, err := first.RunNow(t.Context(), "seal")
		if err != nil {
			t.Errorf("run: %v", err)
		}
		done <- report
	}()
	<-running
	report, err := second.RunNow(t.Context(), "seal")
	require.NoError(t, err)
	require.Equal(t, jobs.Skipped, report.Status)

	// The heartbeat holds the lease as long as the run lasts.
	for range 5 {
		until(t, func() bool { return b.now.Waiting() > 0 })
		b.now.Advance(25 * time.Second)
		until(t, func() bool { return b.now.Waiting() > 0 })
	}
	report, err = second.RunNow(t.Context(), "seal")
	require.NoError(t, err)
	require.Equal(t, jobs.Skipped, report.Status)

	end <- struct{}{}
	require.Equal(t, jobs.OK, (<-done).Status)
	require.Zero(t, runs.Load())
}

func TestDueJobOfAnotherProcessIsSkippedThenTakenOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs atomic.Int64
	r := b.runner(t, job("seal", "0 3 * * *", &runs))
	_, ok, err := b.store.AcquireJob(t.Context(), "seal", "other", start.Add(4*time.Hour), start)
	require.NoError(t, err)
	require.True(t, ok)
	b.now.Advance(4*time.Hour - 30*time.Second)
	reports, err := r.RunDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, []jobs.Report{{Job: "seal", Status: jobs.Skipped, Errors: []string{}}}, reports)

	// The other one died. Its lease runs out, and the time is still due.
	b.now.Advance(time.Minute)
	reports, err = r.RunDue(t.Context())
	require.NoError(t, err)
	require.Len(t, reports, 1)
	require.Equal(t, jobs.OK, reports[0].Status)
}

func TestRunNowWaitsForAnotherProcess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fence, ok, err := b.store.AcquireJob(t.Context(), "seal", "other", start.Add(time.Minute), start)
	require.NoError(t, err)
	require.True(t, ok)
	var runs atomic.Int64
	r := jobs.NewRunner(jobs.Options{Clock: b.now, Leases: b.store, Log: b.store, Patience: 10 * time.Second})
	require.NoError(t, r.Register(job("seal", "", &runs)))
	done := make(chan jobs.Report)
	go func() {
		report, err := r.RunNow(t.Context(), "seal")
		if err != nil {
			t.Errorf("run: %v", err)
		}
		done <- report
	}()
	until(t, func() bool { return b.now.Waiting() > 0 })
	require.NoError(t, b.store.ReleaseJob(t.Context(), "seal", "other", fence))
	b.now.Advance(time.Second)
	require.Equal(t, jobs.OK, (<-done).Status)
}

func TestLostLeaseEndsTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slow, running, _ := blocking("")
	r := b.runner(t, slow)
	done := make(chan jobs.Report)
	go func() {
		report, err := r.RunNow(t.Context(), "seal")
		if err != nil {
			t.Errorf("run: %v", err)
		}
		done <- report
	}()
	<-running
	// As if this process had been suspended for an hour: another one takes over.
	until(t, func() bool { return b.now.Waiting() > 0 })
	_, ok, err := b.store.AcquireJob(t.Context(), "seal", "other", start.Add(2*time.Hour), start.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, ok)
	b.now.Advance(time.Hour)
	report := <-done
	require.Equal(t, jobs.Failed, report.Status)
	require.Contains(t, report.Errors[0], "lease was lost")
}

func TestShutdownLeavesTheJobDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slow, running, _ := blocking("0 3 * * *")
	r := b.runner(t, slow)
	ctx, shutdown := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	until(t, func() bool { return b.now.Waiting() > 0 })
	b.now.Advance(4 * time.Hour)
	<-running
	shutdown()
	require.NoError(t, <-ended)

	var runs atomic.Int64
	reports, err := b.runner(t, job("seal", "0 3 * * *", &runs)).RunDue(t.Context())
	require.NoError(t, err)
	require.Empty(t, reports, "never ran: the first time after this registration is tomorrow")
	last, err := b.store.LastJobRun(t.Context(), "seal")
	require.NoError(t, err)
	require.Zero(t, last, "cut short counts as not having happened")
}

func TestRunLoopRunsAtEachTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs atomic.Int64
	failing := jobs.Job{Name: "model", Spec: "* * * * *", Run: func(context.Context) (jobs.Result, error) {
		panic("always")
	}}
	r := b.runner(t, job("decode", "* * * * *", &runs), failing)
	ctx, shutdown := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	for n := int64(1); n <= 5; n++ {
		until(t, func() bool { return b.now.Waiting() >= 2 }) // both loops sleep again
		b.now.Advance(time.Minute)
		until(t, func() bool { return runs.Load() == n })
	}
	shutdown()
	require.NoError(t, <-ended)
}
