-- +goose Up
-- Noised views of apps that declare them, in the same transaction as their release.
CREATE TABLE bi.cohort_crossing (
    release_id   TEXT NOT NULL REFERENCES bi.release (release_id),
    view         TEXT NOT NULL,
    network_id   TEXT,
    value        TEXT NOT NULL,
    installs     BIGINT,
    epsilon      NUMERIC NOT NULL,
    half_width90 BIGINT NOT NULL
);
CREATE UNIQUE INDEX cohort_crossing_line ON bi.cohort_crossing (release_id, view, COALESCE(network_id, ''), value);
