-- +goose Up
-- What readers see. Nothing finer than a release ever reaches this database.
CREATE SCHEMA bi;

CREATE TABLE bi.release (
    release_id      TEXT PRIMARY KEY,
    app_id          BIGINT NOT NULL,
    dataset         TEXT NOT NULL,
    sequence_index  INTEGER NOT NULL,
    conversion_kind TEXT NOT NULL,
    environment     TEXT NOT NULL,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL,
    window_start    TIMESTAMPTZ NOT NULL,
    window_end      TIMESTAMPTZ NOT NULL,
    k               INTEGER NOT NULL,
    b               INTEGER NOT NULL,
    schema_versions TEXT NOT NULL,
    model_version   INTEGER NOT NULL,
    lab             BOOLEAN NOT NULL,
    sealed_at       TIMESTAMPTZ NOT NULL
);

CREATE TABLE bi.cohort (
    release_id        TEXT NOT NULL REFERENCES bi.release (release_id),
    row_id            TEXT NOT NULL,
    app_id            BIGINT NOT NULL,
    sequence_index    INTEGER NOT NULL,
    conversion_kind   TEXT NOT NULL,
    environment       TEXT NOT NULL,
    window_start      TIMESTAMPTZ NOT NULL,
    window_end        TIMESTAMPTZ NOT NULL,
    install_from      TIMESTAMPTZ NOT NULL,
    install_to        TIMESTAMPTZ NOT NULL,
    network_id        TEXT,
    id_kind           TEXT,
    source_2          TEXT,
    source_3          TEXT,
    source_4          TEXT,
    level             TEXT NOT NULL,
    installs          BIGINT NOT NULL,
    null_installs     BIGINT,
    unset_installs    BIGINT,
    unmapped_installs BIGINT,
    coarse_low        BIGINT,
    coarse_medium     BIGINT,
    coarse_high       BIGINT,
    fine_installs     BIGINT,
    payers            BIGINT,
    revenue_min       NUMERIC,
    revenue_est       NUMERIC,
    revenue_max       NUMERIC,
    currency          TEXT NOT NULL,
    redownloads       BIGINT,
    schema_versions   TEXT NOT NULL,
    PRIMARY KEY (release_id, row_id)
);
CREATE INDEX cohort_app_window ON bi.cohort (app_id, window_start);
