-- +goose Up
-- People who sign in. apps holds App Store ids with commas between; '' is every app.
-- password is an argon2id hash with its parameters, '' where there is none; issuer and
-- subject name the person at the OpenID provider, NULL where none does.
CREATE TABLE account (
    account_id   TEXT PRIMARY KEY,
    email        TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'operator', 'admin')),
    apps         TEXT NOT NULL,
    password     TEXT NOT NULL,
    issuer       TEXT,
    subject      TEXT,
    disabled     BOOLEAN NOT NULL,
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    changed_at   BIGINT NOT NULL,
    signed_in_at BIGINT,
    UNIQUE (issuer, subject)
);

-- hash is SHA-256 of the secret in the cookie, which itself is nowhere. client is the
-- network that it began in (/24, /48), agent the browser as it called itself.
CREATE TABLE session (
    session_id TEXT PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    method     TEXT NOT NULL,
    client     TEXT NOT NULL,
    agent      TEXT NOT NULL
);
CREATE INDEX session_account ON session (account_id);

-- Attempts to sign in, by the SHA-256 of whom they are counted for. spent_until is when
-- all of them are forgotten: so much later than now as were made.
CREATE TABLE sign_in_limit (
    bucket      BYTEA PRIMARY KEY,
    spent_until BIGINT NOT NULL,
    keep_until  BIGINT NOT NULL
);
CREATE INDEX sign_in_limit_old ON sign_in_limit (keep_until);

ALTER TABLE token ADD COLUMN apps TEXT NOT NULL DEFAULT '';
