package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"skand/internal/clock"
)

const (
	// leaseFor is how long a dead process keeps a job from the others.
	leaseFor = time.Minute
	// longestWait bounds a sleep, since the wall clock may be set and machines
	// are suspended.
	longestWait = time.Minute
	// patienceStep is how often RunNow asks again for a lease.
	patienceStep = 100 * time.Millisecond
)

// Options are what a Runner works with. Clock, Leases and Log are required.
type Options struct {
	Clock    clock.Clock
	Leases   Leases
	Log      RunLog
	Logger   *slog.Logger          // default: slog.Default()
	Metrics  prometheus.Registerer // default: none
	Holder   string                // default: unique to this runner
	Patience time.Duration         // how long RunNow waits for another process; default: not at all
}

// Runner runs registered jobs, each at its time and never twice at once.
type Runner struct {
	o       Options
	jobs    []*entry
	success *prometheus.GaugeVec
	gate    sync.RWMutex // held for writing while the clock is moved by hand
}

type entry struct {
	job      Job
	schedule *Schedule
	since    time.Time // registered: what counts until there is a first run

	mu   sync.Mutex // one run at a time in this process
	next time.Time  // zero: ask the log
}

// NewRunner returns a runner without jobs.
func NewRunner(o Options) *Runner {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Holder == "" {
		o.Holder = uuid.NewString()
	}
	r := &Runner{o: o, success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "skand_job_last_success_timestamp_seconds",
		Help: "When each job last ended well, in seconds since 1970.",
	}, []string{"job"})}
	if o.Metrics != nil {
		o.Metrics.MustRegister(r.success)
	}
	return r
}

// Register adds a job. It is not safe beside Run.
func (r *Runner) Register(j Job) error {
	if j.Name == "" || j.Run == nil {
		return fmt.Errorf("register job %q: needs a name and something to run", j.Name)
	}
	if _, err := r.find(j.Name); err == nil {
		return fmt.Errorf("register job %q: there is one of that name", j.Name)
	}
	e := &entry{job: j, since: r.o.Clock.Now()}
	if j.Spec != "" {
		s, err := ParseSchedule(j.Spec)
		if err != nil {
			return fmt.Errorf("register job %q: %w", j.Name, err)
		}
		e.schedule = &s
	}
	r.jobs = append(r.jobs, e)
	return nil
}

func (r *Runner) find(name string) (*entry, error) {
	for _, e := range r.jobs {
		if e.job.Name == name {
			return e, nil
		}
	}
	return nil, fmt.Errorf("job %q: %w", name, ErrUnknownJob)
}

// Run runs the scheduled jobs until ctx ends, each on its own so that a long one
// does not hold up the others. It always returns nil then: a failing job or
// database is logged and tried again at the next occasion.
func (r *Runner) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, e := range r.jobs {
		if e.schedule != nil {
			wg.Go(func() { r.loop(ctx, e) })
		}
	}
	<-ctx.Done()
	wg.Wait()
	return nil
}

func (r *Runner) loop(ctx context.Context, e *entry) {
	for ctx.Err() == nil {
		r.gate.RLock()
		_, wait, err := r.runIfDue(ctx, e)
		r.gate.RUnlock()
		if err != nil && ctx.Err() == nil {
			r.o.Logger.Error("job could not be run", "job", e.job.Name, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-r.o.Clock.After(wait):
		}
	}
}

// RunDue runs every job whose time has come, one after the other in the order of
// registration, each at most once however many of its times have passed.
func (r *Runner) RunDue(ctx context.Context) ([]Report, error) {
	return r.MoveClock(ctx, func() error { return nil })
}

// MoveClock moves the clock by calling move while no scheduled job runs, and then
// does what RunDue does. Without this the loop of Run would run the due jobs
// first and the caller would hear of none.
func (r *Runner) MoveClock(ctx context.Context, move func() error) ([]Report, error) {
	r.gate.Lock()
	defer r.gate.Unlock()
	before := r.o.Clock.Now()
	if err := move(); err != nil {
		return nil, err
	}
	if now := r.o.Clock.Now(); now.Before(before) {
		for _, e := range r.jobs {
			e.beginAgain(now)
		}
	}
	reports := []Report{}
	var errs []error
	for _, e := range r.jobs {
		if e.schedule == nil {
			continue
		}
		report, _, err := r.runIfDue(ctx, e)
		if err != nil {
			errs = append(errs, err)
		}
		if report != nil {
			reports = append(reports, *report)
		}
	}
	return reports, errors.Join(errs...)
}

// beginAgain drops what was planned on a clock that has gone back to now.
func (e *entry) beginAgain(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.since, e.next = now, time.Time{}
}

// RunNow runs one job whether it is due or not. It waits for a run of the same
// job in another process as long as Options.Patience, and reports Skipped when
// that was not enough. ErrUnknownJob if there is no such job; a job that fails is
// no error but a report.
func (r *Runner) RunNow(ctx context.Context, name string) (Report, error) {
	e, err := r.find(name)
	if err != nil {
		return Report{}, err
	}
	r.gate.RLock()
	defer r.gate.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	deadline := r.o.Clock.Now().Add(r.o.Patience)
	for {
		fence, ok, err := r.acquire(ctx, e)
		if err != nil {
			return Report{}, err
		}
		if ok {
			return r.run(ctx, e, fence)
		}
		if !r.o.Clock.Now().Before(deadline) {
			return skipped(e), nil
		}
		select {
		case <-ctx.Done():
			return Report{}, fmt.Errorf("job %q: %w", name, context.Cause(ctx))
		case <-r.o.Clock.After(patienceStep):
		}
	}
}

// Jobs lists the jobs in the order of registration.
func (r *Runner) Jobs(ctx context.Context) ([]State, error) {
	list := make([]State, 0, len(r.jobs))
	for _, e := range r.jobs {
		last, err := r.o.Log.LastJobRun(ctx, e.job.Name)
		if err != nil {
			return nil, fmt.Errorf("job %q: %w", e.job.Name, err)
		}
		s := State{Name: e.job.Name, Spec: e.job.Spec, Started: last.Started, Succeeded: last.Succeeded}
		if e.schedule != nil {
			s.Next = e.after(last, r.o.Clock.Now())
		}
		list = append(list, s)
	}
	return list, nil
}
