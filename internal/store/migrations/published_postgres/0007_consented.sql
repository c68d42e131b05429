-- +goose Up
-- Installs of people who let their app report them: the same tree and the same rules as
-- cohort, and no install of it is joined with a postback.
CREATE TABLE bi.deterministic_cohort (
    release_id    TEXT NOT NULL REFERENCES bi.release (release_id),
    row_id        TEXT NOT NULL,
    app_id        BIGINT NOT NULL,
    window_start  TIMESTAMPTZ NOT NULL,
    window_end    TIMESTAMPTZ NOT NULL,
    horizon_hours BIGINT NOT NULL,
    network_id    TEXT,
    id_kind       TEXT,
    source_2      TEXT,
    source_3      TEXT,
    source_4      TEXT,
    level         TEXT NOT NULL,
    installs      BIGINT NOT NULL,
    payers        BIGINT,
    revenue_min   NUMERIC,
    revenue_est   NUMERIC,
    revenue_max   NUMERIC,
    currency      TEXT NOT NULL,
    PRIMARY KEY (release_id, row_id)
);
CREATE INDEX deterministic_cohort_app ON bi.deterministic_cohort (app_id, window_start);

CREATE TABLE bi.deterministic_event (
    release_id  TEXT NOT NULL REFERENCES bi.release (release_id),
    network_id  TEXT,
    id_kind     TEXT,
    source_2    TEXT,
    event_name  TEXT NOT NULL,
    installs    BIGINT,
    revenue_est NUMERIC,
    currency    TEXT NOT NULL
);
CREATE UNIQUE INDEX deterministic_event_line ON bi.deterministic_event
    (release_id, COALESCE(network_id, ''), COALESCE(source_2, ''), COALESCE(id_kind, ''), event_name);

CREATE TABLE bi.funnel (
    release_id TEXT NOT NULL REFERENCES bi.release (release_id),
    side       TEXT NOT NULL,
    network_id TEXT,
    id_kind    TEXT,
    source_2   TEXT,
    funnel     BIGINT NOT NULL,
    stage      BIGINT NOT NULL,
    event_name TEXT,
    installs   BIGINT
);
CREATE UNIQUE INDEX funnel_line ON bi.funnel
    (release_id, COALESCE(network_id, ''), COALESCE(source_2, ''), COALESCE(id_kind, ''), funnel, stage);

-- Both sides over four weeks, on a coarsening that both have: sums of published rows,
-- and an overlap that is read from published bins, or modelled.
CREATE TABLE bi.combined (
    release_id             TEXT NOT NULL REFERENCES bi.release (release_id),
    row_id                 TEXT NOT NULL,
    app_id                 BIGINT NOT NULL,
    period_start           TIMESTAMPTZ NOT NULL,
    period_end             TIMESTAMPTZ NOT NULL,
    network_id             TEXT,
    id_kind                TEXT,
    source_2               TEXT,
    level                  TEXT NOT NULL,
    skan_installs          BIGINT,
    deterministic_installs BIGINT NOT NULL,
    overlap_est            BIGINT,
    overlap_low            BIGINT,
    overlap_high           BIGINT,
    overlap_source         TEXT,
    combined_est           BIGINT NOT NULL,
    combined_low           BIGINT NOT NULL,
    combined_high          BIGINT NOT NULL,
    method_version         BIGINT NOT NULL,
    PRIMARY KEY (release_id, row_id)
);
CREATE INDEX combined_app ON bi.combined (app_id, period_start);
