-- +goose Up
-- What readers see. Nothing finer than a release ever reaches this database.

CREATE TABLE release (
    release_id      TEXT PRIMARY KEY,
    app_id          INTEGER NOT NULL,
    dataset         TEXT NOT NULL,
    sequence_index  INTEGER NOT NULL,
    conversion_kind TEXT NOT NULL,
    environment     TEXT NOT NULL,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL,
    window_start    TEXT NOT NULL,
    window_end      TEXT NOT NULL,
    k               INTEGER NOT NULL,
    b               INTEGER NOT NULL,
    schema_versions TEXT NOT NULL,
    model_version   INTEGER NOT NULL,
    lab             BOOLEAN NOT NULL,
    sealed_at       TEXT NOT NULL
);

CREATE TABLE cohort (
    release_id        TEXT NOT NULL REFERENCES release (release_id),
    row_id            TEXT NOT NULL,
    app_id            INTEGER NOT NULL,
    sequence_index    INTEGER NOT NULL,
    conversion_kind   TEXT NOT NULL,
    environment       TEXT NOT NULL,
    window_start      TEXT NOT NULL,
    window_end        TEXT NOT NULL,
    install_from      TEXT NOT NULL,
    install_to        TEXT NOT NULL,
    network_id        TEXT,
    id_kind           TEXT,
    source_2          TEXT,
    source_3          TEXT,
    source_4          TEXT,
    level             TEXT NOT NULL,
    installs          INTEGER NOT NULL,
    null_installs     INTEGER,
    unset_installs    INTEGER,
    unmapped_installs INTEGER,
    coarse_low        INTEGER,
    coarse_medium     INTEGER,
    coarse_high       INTEGER,
    fine_installs     INTEGER,
    payers            INTEGER,
    revenue_min       NUMERIC,
    revenue_est       NUMERIC,
    revenue_max       NUMERIC,
    currency          TEXT NOT NULL,
    redownloads       INTEGER,
    schema_versions   TEXT NOT NULL,
    PRIMARY KEY (release_id, row_id)
);
CREATE INDEX cohort_app_window ON cohort (app_id, window_start);
