// Package jobs owns when a job runs and that no two processes run it at once:
// schedules, leases, the run log. It refuses to know what a job does, and it
// keeps no time of its own: it waits on the injected clock, so that in the lab a
// job is due when the lab's time has come.
package jobs

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Status is how a run ended.
type Status string

// The three statuses of `skand job run`.
const (
	OK      Status = "ok"
	Skipped Status = "skipped" // another process is running it, or there was nothing for it to be done
	Failed  Status = "failed"
)

// Result is what a job tells of a run that it went through with.
type Result struct {
	Rows    int64 // what it handled; the unit is the job's own
	Skipped bool  // it had no business here, as with partitions on SQLite
}

// Job is one piece of work. Run has to be safe to run again at any time: a crash
// in the middle is followed by another run. Errors that it survived are returned
// together (errors.Join) beside the rows that went well.
type Job struct {
	Name string
	Spec string // see ParseSchedule; "" runs only when asked
	Run  func(ctx context.Context) (Result, error)
}

// Report is one run as users see it. Errors has one line per failure, never null.
type Report struct {
	Job    string   `json:"job"`
	Status Status   `json:"status"`
	Rows   int64    `json:"rows"`
	Errors []string `json:"errors"`
}

// Last is what the log knows of a job's past; a zero time means never.
type Last struct {
	Started   time.Time // start of the newest run that came to an end, well or not
	Succeeded time.Time // end of the newest run that ended ok
}

// State is a job as a list shows it; a zero time means never or not planned.
type State struct {
	Name      string
	Spec      string
	Next      time.Time
	Started   time.Time
	Succeeded time.Time
}

// Leases is the row per job that only one process can hold.
type Leases interface {
	// AcquireJob takes the job until the given time if nobody holds it now. The
	// fence grows with every acquisition. ok is false if another one holds it.
	AcquireJob(ctx context.Context, job, holder string, until, now time.Time) (fence int64, ok bool, err error)
	// ExtendJob moves the end of a lease; ok is false if it was lost.
	ExtendJob(ctx context.Context, job, holder string, fence int64, until time.Time) (ok bool, err error)
	// ReleaseJob gives a lease back; one that was lost meanwhile is left alone.
	ReleaseJob(ctx context.Context, job, holder string, fence int64) error
}

// RunLog remembers runs. A run that was started and never finished was cut short
// by a crash or a shutdown, and counts as not having happened.
type RunLog interface {
	// StartJobRun notes the start of a run and returns its id.
	StartJobRun(ctx context.Context, job, holder string, fence int64, now time.Time) (run int64, err error)
	// FinishJobRun notes how it ended.
	FinishJobRun(ctx context.Context, run int64, r Report, now time.Time) error
	// LastJobRun returns the zero Last for a job that has not run yet.
	LastJobRun(ctx context.Context, job string) (Last, error)
}

// ErrUnknownJob is returned for a name that nobody registered.
var ErrUnknownJob = errors.New("no such job")

// errLeaseLost cancels a run whose lease another process has taken.
var errLeaseLost = errors.New("the lease was lost to another process")

// messages lists the failures of an error, one line each.
func messages(err error) []string {
	if err == nil {
		return []string{}
	}
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) || err.Error() != errors.Join(many.Unwrap()...).Error() {
		return []string{strings.ReplaceAll(err.Error(), "\n", "; ")} // one error, or several that it words itself
	}
	list := []string{}
	for _, e := range many.Unwrap() {
		list = append(list, messages(e)...)
	}
	return list
}
