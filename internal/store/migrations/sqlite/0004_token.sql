-- +goose Up
-- API tokens. hash is SHA-256 of the token, which itself is nowhere.
CREATE TABLE token (
    token_id   TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('', 'viewer', 'editor', 'operator', 'admin')),
    scopes     TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
);
