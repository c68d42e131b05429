package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/jobs"
	"skand/internal/store"
)

var start = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// bundle is one store with a clock that stands still; runners on it are like
// processes that share a database.
type bundle struct {
	now   *clock.Movable
	store *store.Store
}

func setup(t *testing.T) *bundle {
	t.Helper()
	now := clock.NewManual(start)
	s, err := store.Open(t.Context(), store.Options{Main: "sqlite:" + t.TempDir(), Lab: store.Lab, Clock: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return &bundle{now: now, store: s}
}

func (b *bundle) runner(t *testing.T, list ...jobs.Job) *jobs.Runner {
	t.Helper()
	r := jobs.NewRunner(jobs.Options{Clock: b.now, Leases: b.store, Log: b.store})
	for _, j := range list {
		require.NoError(t, r.Register(j))
	}
	return r
}

// job counts its runs.
func job(name, spec string, runs *atomic.Int64) jobs.Job {
	return jobs.Job{Name: name, Spec: spec, Run: func(context.Context) (jobs.Result, error) {
		return jobs.Result{Rows: runs.Add(1)}, nil
	}}
}

func names(reports []jobs.Report) []string {
	list := []string{}
	for _, r := range reports {
		list = append(list, r.Job)
	}
	return list
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	r := setup(t).runner(t, job("decode", "", &runs))
	require.ErrorContains(t, r.Register(job("decode", "", &runs)), "of that name")
	require.ErrorContains(t, r.Register(job("seal", "0 0 30 2 *", &runs)), "never")
	require.ErrorContains(t, r.Register(jobs.Job{Name: "seal"}), "something to run")
}

func TestRunDueInOrderAndOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var decode, seal, model, idle atomic.Int64
	r := b.runner(t, job("seal", "0 * * * *", &seal), job("decode", "* * * * *", &decode),
		job("model", "0 3 * * *", &model), job("retention", "", &idle))

	reports, err := r.RunDue(t.Context())
	require.NoError(t, err)
	require.Empty(t, reports, "nothing is due at the start")

	b.now.Advance(time.Hour)
	reports, err = r.RunDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"seal", "decode"}, names(reports))
	require.EqualValues(t, 1, decode.Load(), "sixty times have passed: one run makes up for them")

	reports, err = r.MoveClock(t.Context(), func() error { b.now.Advance(14 * 24 * time.Hour); return nil })
	require.NoError(t, err)
	require.Equal(t, []string{"seal", "decode", "model"}, names(reports))
	reports, err = r.RunDue(t.Context())
	require.NoError(t, err)
	require.Empty(t, reports)
	require.Zero(t, idle.Load())

	_, err = r.MoveClock(t.Context(), func() error { return errors.New("not a lab") })
	require.EqualError(t, err, "not a lab")
}

func TestDueIsWhatTheLogSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs atomic.Int64
	first := b.runner(t, job("seal", "0 3 * * *", &runs))
	second := b.runner(t, job("seal", "0 3 * * *", &runs))
	b.now.Advance(4 * time.Hour)
	reports, err := first.RunDue(t.Context())
	require.NoError(t, err)
	require.Len(t, reports, 1)
	reports, err = second.RunDue(t.Context())
	require.NoError(t, err)
	require.Empty(t, reports, "another process did it")

	// A process that starts after a missed time makes up for it.
	b.now.Advance(48 * time.Hour)
	third := b.runner(t, job("seal", "0 3 * * *", &runs))
	reports, err = third.RunDue(t.Context())
	require.NoError(t, err)
	require.Len(t, reports, 1)
	require.EqualValues(t, 2, runs.Load())
}

func TestRunNowReports(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.runner(t,
		jobs.Job{Name: "fine", Run: func(context.Context) (jobs.Result, error) { return jobs.Result{Rows: 3}, nil }},
		jobs.Job{Name: "none", Run: func(context.Context) (jobs.Result, error) { return jobs.Result{Skipped: true}, nil }},
		jobs.Job{Name: "some", Run: func(context.Context) (jobs.Result, error) {
			return jobs.Result{Rows: 2}, errors.Join(errors.New("app 1: bad"), errors.Join(errors.New("app 2: bad")))
		}},
		jobs.Job{Name: "panics", Run: func(context.Context) (jobs.Result, error) { panic("index out of range") }},
	)
	for name, want := range map[string]string{
		"fine":   `{"job":"fine","status":"ok","rows":3,"errors":[]}`,
		"none":   `{"job":"none","status":"skipped","rows":0,"errors":[]}`,
		"some":   `{"job":"some","status":"failed","rows":2,"errors":["app 1: bad","app 2: bad"]}`,
		"panics": `{"job":"panics","status":"failed","rows":0,"errors":["panic: index out of range"]}`,
	} {
		report, err := r.RunNow(t.Context(), name)
		require.NoError(t, err)
		got, err := json.Marshal(report)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
	_, err := r.RunNow(t.Context(), "nothing")
	require.ErrorIs(t, err, jobs.ErrUnknownJob)
}

func TestMetricAndList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs atomic.Int64
	_, err := b.runner(t, job("seal", "0 3 * * *", &runs)).RunNow(t.Context(), "seal")
	require.NoError(t, err)

	// A new process knows from the log when the job last ended well.
	reg := prometheus.NewRegistry()
	r := jobs.NewRunner(jobs.Options{Clock: b.now, Leases: b.store, Log: b.store, Metrics: reg})
	require.NoError(t, r.Register(job("seal", "0 3 * * *", &runs)))
	b.now.Advance(time.Hour)
	_, err = r.RunDue(t.Context())
	require.NoError(t, err)
	families, err := reg.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	require.Equal(t, "skand_job_last_success_timestamp_seconds", families[0].GetName())
	metric := families[0].GetMetric()[0]
	require.Equal(t, "seal", metric.GetLabel()[0].GetValue())
	require.InDelta(t, start.Unix(), metric.GetGauge().GetValue(), 0)
	list, err := r.Jobs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []jobs.State{{Name: "seal", Spec: "0 3 * * *", Next: start.Add(3 * time.Hour),
		Started: start, Succeeded: start}}, list)
}

// TestClockSetBack: what was planned, and run, on a time that lies ahead now does
// not keep a job from running.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs atomic.Int64
	r := b.runner(t, job("seal", "0 * * * *", &runs))
	b.now.Advance(50 * time.Hour)
	reports, err := r.RunDue(t.Context())
	require.NoError(t, err)
	require.Len(t, reports, 1)

	reports, err = r.MoveClock(t.Context(), func() error { b.now.Set(start); return nil })
	require.NoError(t, err)
	require.Empty(t, reports)
	reports, err = r.MoveClock(t.Context(), func() error { b.now.Advance(time.Hour); return nil })
	require.NoError(t, err)
	require.Len(t, reports, 1)
	require.EqualValues(t, 2, runs.Load())
}
