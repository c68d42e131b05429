package jobs

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// runIfDue runs the job if its time has come, and tells how long to wait until
// it is worth asking again. The report is nil if the job was not due.
//
// The log decides what is due, under the lease: when two processes wake for the
// same moment, the second one finds that it has been done.
func (r *Runner) runIfDue(ctx context.Context, e *entry) (*Report, time.Duration, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next.IsZero() {
		if err := r.plan(ctx, e); err != nil {
			return nil, longestWait, err
		}
	}
	if r.wait(e) > 0 {
		return nil, r.wait(e), nil
	}
	fence, ok, err := r.acquire(ctx, e)
	if err != nil {
		return nil, longestWait, err
	}
	if !ok {
		// Ask again when the holder's lease would have run out, in case it died.
		e.next = r.o.Clock.Now().Add(leaseFor)
		s := skipped(e)
		return &s, r.wait(e), nil
	}
	if err := r.plan(ctx, e); err != nil {
		return nil, longestWait, r.giveBack(ctx, e, fence, err)
	}
	if r.wait(e) > 0 {
		return nil, r.wait(e), r.giveBack(ctx, e, fence, nil)
	}
	report, err := r.run(ctx, e, fence)
	if err != nil {
		return nil, longestWait, err
	}
	return &report, r.wait(e), nil
}

// plan sets the next time from the log.
func (r *Runner) plan(ctx context.Context, e *entry) error {
	last, err := r.o.Log.LastJobRun(ctx, e.job.Name)
	if err != nil {
		return fmt.Errorf("job %q: %w", e.job.Name, err)
	}
	if !last.Succeeded.IsZero() {
		r.success.WithLabelValues(e.job.Name).Set(float64(last.Succeeded.UnixMilli()) / 1000)
	}
	e.next = e.after(last, r.o.Clock.Now())
	return nil
}

// after is the first time after the last run, also where that lies before this
// process's start: a time that passed while nothing ran is made up for, once.
// A run that lies ahead, because the lab's clock was set back since, is not waited
// for.
func (e *entry) after(last Last, now time.Time) time.Time {
	if last.Started.IsZero() || last.Started.After(now) {
		return e.schedule.Next(e.since)
	}
	return e.schedule.Next(last.Started)
}

// wait is how long until the job is due, at most longestWait; 0 if it is.
func (r *Runner) wait(e *entry) time.Duration {
	if e.next.IsZero() {
		return longestWait // its time does not come within years
	}
	return min(max(e.next.Sub(r.o.Clock.Now()), 0), longestWait)
}

func (r *Runner) acquire(ctx context.Context, e *entry) (int64, bool, error) {
	now := r.o.Clock.Now()
	fence, ok, err := r.o.Leases.AcquireJob(ctx, e.job.Name, r.o.Holder, now.Add(leaseFor), now)
	if err != nil {
		return 0, false, fmt.Errorf("job %q: %w", e.job.Name, err)
	}
	return fence, ok, nil
}

// giveBack releases the lease also when ctx has ended, and passes err on.
func (r *Runner) giveBack(ctx context.Context, e *entry, fence int64, err error) error {
	release := r.o.Leases.ReleaseJob(context.WithoutCancel(ctx), e.job.Name, r.o.Holder, fence)
	if release != nil {
		// It runs out by itself; the run is not undone by this.
		r.o.Logger.Warn("job lease could not be released", "job", e.job.Name, "error", release)
	}
	return err
}

// run is one run under a lease that is held; it gives the lease back.
func (r *Runner) run(ctx context.Context, e *entry, fence int64) (Report, error) {
	started := r.o.Clock.Now()
	id, err := r.o.Log.StartJobRun(ctx, e.job.Name, r.o.Holder, fence, started)
	if err != nil {
		return Report{}, r.giveBack(ctx, e, fence, fmt.Errorf("job %q: %w", e.job.Name, err))
	}
	work, cancel := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		r.heartbeat(work, cancel, e, fence)
	}()
	result, err := r.safely(work, e.job)
	if err != nil && work.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", context.Cause(work), err)
	}
	cancel(nil)
	<-beating
	report := Report{Job: e.job.Name, Status: OK, Rows: result.Rows, Errors: messages(err)}
	switch {
	case err != nil:
		report.Status = Failed
	case result.Skipped:
		report.Status = Skipped
	}
	if err != nil && ctx.Err() != nil {
		// Cut short by the shutdown: the log keeps it as unfinished, as after a
		// crash, and it is due again.
		return report, r.giveBack(ctx, e, fence, nil)
	}
	if err := r.finish(ctx, e, id, started, report); err != nil {
		return report, r.giveBack(ctx, e, fence, err)
	}
	return report, r.giveBack(ctx, e, fence, nil)
}

func (r *Runner) finish(ctx context.Context, e *entry, id int64, started time.Time, report Report) error {
	now := r.o.Clock.Now()
	if e.schedule != nil {
		e.next = e.schedule.Next(started)
	}
	r.o.Logger.Debug("job ran", "job", e.job.Name, "status", string(report.Status),
		"rows", report.Rows, "errors", report.Errors)
	if report.Status == Failed {
		r.o.Logger.Error("job failed", "job", e.job.Name, "errors", report.Errors)
	} else {
		r.success.WithLabelValues(e.job.Name).Set(float64(now.UnixMilli()) / 1000)
	}
	if err := r.o.Log.FinishJobRun(context.WithoutCancel(ctx), id, report, now); err != nil {
		return fmt.Errorf("job %q: %w", e.job.Name, err)
	}
	return nil
}

// heartbeat keeps the lease until the work's context ends, and ends it when the
// lease is lost. A database that cannot be asked is no loss yet: if another
// process got the lease meanwhile, the next beat learns it.
func (r *Runner) heartbeat(work context.Context, cancel context.CancelCauseFunc, e *entry, fence int64) {
	for {
		select {
		case <-work.Done():
			return
		case <-r.o.Clock.After(leaseFor / 3):
		}
		until := r.o.Clock.Now().Add(leaseFor)
		ok, err := r.o.Leases.ExtendJob(work, e.job.Name, r.o.Holder, fence, until)
		switch {
		case err != nil && work.Err() == nil:
			r.o.Logger.Warn("job lease could not be extended", "job", e.job.Name, "error", err)
		case err == nil && !ok:
			cancel(errLeaseLost)
			return
		}
	}
}

// safely makes a panic of the job a failed run: one bad row must not take the
// receiver down with it.
func (r *Runner) safely(ctx context.Context, j Job) (result Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.o.Logger.Error("job panicked", "job", j.Name, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return j.Run(ctx)
}

func skipped(e *entry) Report {
	return Report{Job: e.job.Name, Status: Skipped, Errors: []string{}}
}
