package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/internal/jobs"
)

// The store keeps the leases and the log of the jobs.
var (
	_ jobs.Leases = (*Store)(nil)
	_ jobs.RunLog = (*Store)(nil)
)

// keepJobRuns is how long the log of a job goes back.
const keepJobRuns = 30 * 24 * time.Hour

// One statement, so that of two processes at the same moment one gets no row.
const acquireJob = `INSERT INTO job_lease (job, holder, fence, expires_at) VALUES (?, ?, 1, ?)
	ON CONFLICT (job) DO UPDATE SET
		holder = excluded.holder, fence = job_lease.fence + 1, expires_at = excluded.expires_at
	WHERE job_lease.expires_at <= ?
	RETURNING fence`

// AcquireJob implements jobs.Leases.
func (s *Store) AcquireJob(ctx context.Context, job, holder string, until, now time.Time) (int64, bool, error) {
	var fence int64
	err := s.main.w.GetContext(ctx, &fence, s.main.q(acquireJob), job, holder, ms(until), ms(now))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("acquire lease: %w", err)
	}
	return fence, true, nil
}

// ExtendJob implements jobs.Leases. A lease that has run out is still extended
// if nobody took it: the fence tells.
func (s *Store) ExtendJob(ctx context.Context, job, holder string, fence int64, until time.Time) (bool, error) {
	const extend = `UPDATE job_lease SET expires_at = ? WHERE job = ? AND holder = ? AND fence = ?`
	done, err := s.main.w.ExecContext(ctx, s.main.q(extend), ms(until), job, holder, fence)
	if err != nil {
		return false, fmt.Errorf("extend lease: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("extend lease: %w", err)
	}
	return n == 1, nil
}

// ReleaseJob implements jobs.Leases.
func (s *Store) ReleaseJob(ctx context.Context, job, holder string, fence int64) error {
	const release = `UPDATE job_lease SET expires_at = 0 WHERE job = ? AND holder = ? AND fence = ?`
	_, err := s.main.w.ExecContext(ctx, s.main.q(release), job, holder, fence)
	if err != nil {
		return fmt.Errorf("release lease: %w", err)
	}
	return nil
}

// StartJobRun implements jobs.RunLog.
func (s *Store) StartJobRun(ctx context.Context, job, holder string, fence int64, now time.Time) (int64, error) {
	const start = `INSERT INTO job_run (job, holder, fence, started_at) VALUES (?, ?, ?, ?) RETURNING run_id`
	var run int64
	err := s.main.w.GetContext(ctx, &run, s.main.q(start), job, holder, fence, ms(now))
	if err != nil {
		return 0, fmt.Errorf("log start of run: %w", err)
	}
	return run, nil
}

// FinishJobRun implements jobs.RunLog, and forgets runs of the job that are older
// than keepJobRuns.
func (s *Store) FinishJobRun(ctx context.Context, run int64, r jobs.Report, now time.Time) error {
	errs, err := json.Marshal(r.Errors)
	if err != nil {
		return fmt.Errorf("log end of run: %w", err)
	}
	const (
		finish = `UPDATE job_run SET finished_at = ?, status = ?, row_count = ?, errors = ? WHERE run_id = ?`
		forget = `DELETE FROM job_run WHERE job = ? AND started_at < ? AND run_id <> ?`
	)
	return s.main.in(ctx, func(t *tx) error {
		_, err := t.ExecContext(ctx, t.q(finish), ms(now), string(r.Status), r.Rows, string(errs), run)
		if err != nil {
			return fmt.Errorf("log end of run: %w", err)
		}
		_, err = t.ExecContext(ctx, t.q(forget), r.Job, ms(now.Add(-keepJobRuns)), run)
		if err != nil {
			return fmt.Errorf("forget old runs: %w", err)
		}
		return nil
	})
}

// LastJobRun implements jobs.RunLog.
func (s *Store) LastJobRun(ctx context.Context, job string) (jobs.Last, error) {
	const newest = `SELECT
		(SELECT started_at FROM job_run WHERE job = ? AND finished_at IS NOT NULL
			ORDER BY started_at DESC LIMIT 1),
		(SELECT finished_at FROM job_run WHERE job = ? AND status <> 'failed'
			ORDER BY started_at DESC LIMIT 1)`
	var started, succeeded sql.NullInt64
	err := s.main.r.QueryRowxContext(ctx, s.main.q(newest), job, job).Scan(&started, &succeeded)
	if err != nil {
		return jobs.Last{}, fmt.Errorf("read log of runs: %w", err)
	}
	var last jobs.Last
	if started.Valid {
		last.Started = at(started.Int64)
	}
	if succeeded.Valid {
		last.Succeeded = at(succeeded.Int64)
	}
	return last, nil
}
