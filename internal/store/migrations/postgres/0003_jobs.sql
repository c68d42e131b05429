-- +goose Up
-- Who runs which job. A lease that has run out belongs to nobody; its row stays,
-- because the fence has to go on growing.
CREATE TABLE job_lease (
    job        TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    fence      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Runs of jobs. finished_at NULL: still running, or cut short.
CREATE TABLE job_run (
    run_id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job         TEXT NOT NULL,
    holder      TEXT NOT NULL,
    fence       BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    status      TEXT CHECK (status IN ('ok', 'skipped', 'failed')),
    row_count   BIGINT,
    errors      TEXT
);
CREATE INDEX job_run_newest ON job_run (job, started_at);
