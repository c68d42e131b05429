-- +goose Up
-- Installs of people who let their app report them: the same tree and the same rules as
-- cohort, and no install of it is joined with a postback.
CREATE TABLE deterministic_cohort (
    release_id    TEXT NOT NULL REFERENCES release (release_id),
    row_id        TEXT NOT NULL,
    app_id        INTEGER NOT NULL,
    window_start  TEXT NOT NULL,
    window_end    TEXT NOT NULL,
    horizon_hours INTEGER NOT NULL,
    network_id    TEXT,
    id_kind       TEXT,
    source_2      TEXT,
    source_3      TEXT,
    source_4      TEXT,
    level         TEXT NOT NULL,
    installs      INTEGER NOT NULL,
    payers        INTEGER,
    revenue_min   NUMERIC,
    revenue_est   NUMERIC,
    revenue_max   NUMERIC,
    currency      TEXT NOT NULL,
    PRIMARY KEY (release_id, row_id)
);
CREATE INDEX deterministic_cohort_app ON deterministic_cohort (app_id, window_start);

CREATE TABLE deterministic_event (
    release_id  TEXT NOT NULL REFERENCES release (release_id),
    network_id  TEXT,
    id_kind     TEXT,
    source_2    TEXT,
    event_name  TEXT NOT NULL,
    installs    INTEGER,
    revenue_est NUMERIC,
    currency    TEXT NOT NULL
);
CREATE UNIQUE INDEX deterministic_event_line ON deterministic_event
    (release_id, COALESCE(network_id, ''), COALESCE(source_2, ''), COALESCE(id_kind, ''), event_name);

CREATE TABLE funnel (
    release_id TEXT NOT NULL REFERENCES release (release_id),
    side       TEXT NOT NULL,
    network_id TEXT,
    id_kind    TEXT,
    source_2   TEXT,
    funnel     INTEGER NOT NULL,
    stage      INTEGER NOT NULL,
    event_name TEXT,
    installs   INTEGER
);
CREATE UNIQUE INDEX funnel_line ON funnel
    (release_id, COALESCE(network_id, ''), COALESCE(source_2, ''), COALESCE(id_kind, ''), funnel, stage);

-- Both sides over four weeks, on a coarsening that both have: sums of published rows,
-- and an overlap that is read from published bins, or modelled.
CREATE TABLE combined (
    release_id             TEXT NOT NULL REFERENCES release (release_id),
    row_id                 TEXT NOT NULL,
    app_id                 INTEGER NOT NULL,
    period_start           TEXT NOT NULL,
    period_end             TEXT NOT NULL,
    network_id             TEXT,
    id_kind                TEXT,
    source_2               TEXT,
    level                  TEXT NOT NULL,
    skan_installs          INTEGER,
    deterministic_installs INTEGER NOT NULL,
    overlap_est            INTEGER,
    overlap_low            INTEGER,
    overlap_high           INTEGER,
    overlap_source         TEXT,
    combined_est           INTEGER NOT NULL,
    combined_low           INTEGER NOT NULL,
    combined_high          INTEGER NOT NULL,
    method_version         INTEGER NOT NULL,
    PRIMARY KEY (release_id, row_id)
);
CREATE INDEX combined_app ON combined (app_id, period_start);
