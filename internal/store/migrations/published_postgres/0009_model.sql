-- +goose Up
-- What the model estimates of all installs of published rows. It reads published rows
-- alone, so that no number here says more of a few installs than their row does.
CREATE TABLE bi.cohort_modeled (
    release_id    TEXT NOT NULL REFERENCES bi.release (release_id),
    app_id        BIGINT NOT NULL,
    row_id        TEXT NOT NULL,
    metric        TEXT NOT NULL,
    event_name    TEXT NOT NULL,
    estimate      NUMERIC,
    low           NUMERIC,
    high          NUMERIC,
    "interval"    NUMERIC NOT NULL,
    model_version BIGINT NOT NULL,
    signal        TEXT NOT NULL,
    currency      TEXT,
    PRIMARY KEY (release_id, row_id, metric, event_name)
);
CREATE INDEX cohort_modeled_row ON bi.cohort_modeled (row_id);
-- Sums over rows and windows. Bounds don't add, so each sum has its own.
CREATE TABLE bi.cohort_modeled_rollup (
    release_id      TEXT NOT NULL REFERENCES bi.release (release_id),
    app_id          BIGINT NOT NULL,
    sequence_index  BIGINT NOT NULL,
    conversion_kind TEXT NOT NULL,
    environment     TEXT NOT NULL,
    level           TEXT NOT NULL,
    node            TEXT,
    period          TEXT NOT NULL,
    period_start    TIMESTAMPTZ NOT NULL,
    windows         BIGINT NOT NULL,
    metric          TEXT NOT NULL,
    event_name      TEXT NOT NULL,
    estimate        NUMERIC,
    low             NUMERIC,
    high            NUMERIC,
    "interval"      NUMERIC NOT NULL,
    model_version   BIGINT NOT NULL,
    signal          TEXT NOT NULL,
    currency        TEXT
);
CREATE UNIQUE INDEX cohort_modeled_rollup_line ON bi.cohort_modeled_rollup
    (app_id, period_start, period, sequence_index, conversion_kind, environment, level, COALESCE(node, ''), metric, event_name, model_version);
CREATE INDEX cohort_modeled_rollup_release ON bi.cohort_modeled_rollup (release_id);
-- How well known values were foretold, beside the numbers.
CREATE TABLE bi.model_check (
    release_id   TEXT NOT NULL REFERENCES bi.release (release_id),
    app_id       BIGINT NOT NULL,
    test         TEXT NOT NULL,
    level        TEXT NOT NULL,
    metric       TEXT NOT NULL,
    event_name   TEXT NOT NULL,
    hidden       BIGINT NOT NULL,
    intervals    BIGINT NOT NULL,
    covered      BIGINT NOT NULL,
    truths_below BIGINT NOT NULL,
    truths_above BIGINT NOT NULL,
    coverage     NUMERIC,
    error        NUMERIC,
    bias         NUMERIC,
    "interval"   NUMERIC NOT NULL,
    note         TEXT NOT NULL,
    PRIMARY KEY (release_id, test, level, metric, event_name)
);
-- Where the numbers of a row come from, as JSON.
CREATE TABLE bi.cohort_modeled_explained (
    release_id  TEXT NOT NULL REFERENCES bi.release (release_id),
    row_id      TEXT NOT NULL,
    explanation TEXT NOT NULL,
    PRIMARY KEY (release_id, row_id)
);
