-- +goose Up
-- What a release publishes beside its rows, in the same transaction. NULL is withheld.
CREATE TABLE bi.cohort_event (
    release_id      TEXT NOT NULL REFERENCES bi.release (release_id),
    network_id      TEXT,
    source_2        TEXT,
    event_name      TEXT NOT NULL,
    installs        BIGINT,
    count_min       NUMERIC,
    count_est       NUMERIC,
    count_max       NUMERIC,
    ambiguous_share NUMERIC,
    id_kind         TEXT
);
CREATE UNIQUE INDEX cohort_event_line ON bi.cohort_event
    (release_id, COALESCE(network_id, ''), COALESCE(source_2, ''), COALESCE(id_kind, ''), event_name);

CREATE TABLE bi.cohort_remainder (
    release_id  TEXT NOT NULL REFERENCES bi.release (release_id),
    network_id  TEXT,
    measure     TEXT NOT NULL,
    rows        BIGINT NOT NULL,
    installs    BIGINT NOT NULL,
    revenue_min NUMERIC,
    revenue_est NUMERIC,
    revenue_max NUMERIC,
    currency    TEXT NOT NULL
);
CREATE UNIQUE INDEX cohort_remainder_line ON bi.cohort_remainder (release_id, COALESCE(network_id, ''), measure);

CREATE TABLE bi.cohort_value (
    release_id     TEXT NOT NULL REFERENCES bi.release (release_id),
    network_id     TEXT,
    source_2       TEXT,
    kind           TEXT NOT NULL,
    value_from     INTEGER NOT NULL,
    value_to       INTEGER NOT NULL,
    installs       BIGINT,
    id_kind        TEXT,
    value_list     TEXT NOT NULL,
    schema_version INTEGER,
    revenue_min    NUMERIC,
    revenue_est    NUMERIC,
    revenue_max    NUMERIC,
    currency       TEXT NOT NULL,
    CHECK (value_from <= value_to)
);
CREATE INDEX cohort_value_release ON bi.cohort_value (release_id);

-- What people call things. It is configuration: it follows what was applied last,
-- and no release hangs on it. The spans of one source never overlap.
CREATE TABLE bi.campaign (
    network_id    TEXT NOT NULL,
    source        TEXT NOT NULL,
    valid_from    TIMESTAMPTZ,
    valid_to      TIMESTAMPTZ,
    campaign_id   TEXT,
    campaign_name TEXT
);
CREATE INDEX campaign_source ON bi.campaign (network_id, source);

CREATE TABLE bi.source_digits (
    network_id  TEXT NOT NULL,
    column_name TEXT NOT NULL,
    label       TEXT NOT NULL,
    PRIMARY KEY (network_id, column_name)
);

CREATE TABLE bi.data_dictionary (
    table_name  TEXT NOT NULL,
    column_name TEXT NOT NULL,
    position    INTEGER NOT NULL,
    meaning     TEXT NOT NULL,
    unit        TEXT,
    null_says   TEXT,
    PRIMARY KEY (table_name, column_name)
);
