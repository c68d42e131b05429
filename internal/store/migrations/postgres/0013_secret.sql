-- +goose Up
-- What destinations sign with, sealed. purpose is signing or oauth; env is the variable
-- that a secret was read from, '' = it was set by itself. expires_at is NULL of the
-- current one. An ended one stays without its value (sealed = ''): an apply from an
-- environment that still has it must not bring it back. fingerprint is a keyed hash.
CREATE TABLE destination_secret (
    app_id         BIGINT NOT NULL,
    destination_id TEXT NOT NULL,
    purpose        TEXT NOT NULL,
    fingerprint    TEXT NOT NULL,
    sealed         TEXT NOT NULL,
    env            TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    created_by     TEXT NOT NULL,
    expires_at     BIGINT,
    PRIMARY KEY (app_id, destination_id, purpose, fingerprint)
);
