-- +goose Up
-- Who hears of conversions. template_version is raised by every edit;
-- disabled_reason is set where skand itself disabled the destination (410 Gone).
CREATE TABLE destination (
    id               TEXT PRIMARY KEY,
    app_id           INTEGER NOT NULL,
    definition       TEXT NOT NULL,
    enabled          BOOLEAN NOT NULL,
    disabled_reason  TEXT NOT NULL,
    template_version INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
);

-- One row per conversion and destination, written with the conversion. due_at of
-- a claimed row is the end of its lease, so that a lapsed lease is simply due.
CREATE TABLE outbox (
    app_id         INTEGER NOT NULL,
    id             TEXT NOT NULL,
    destination_id TEXT NOT NULL,
    dedup_key      TEXT NOT NULL,
    kind           TEXT NOT NULL,
    event_name     TEXT NOT NULL,
    fields         TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    first_due_at   INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    leased_until   INTEGER,
    fence          INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    status         INTEGER NOT NULL,
    settled_at     INTEGER,
    PRIMARY KEY (app_id, id),
    UNIQUE (app_id, destination_id, dedup_key)
);
CREATE INDEX outbox_due ON outbox (app_id, destination_id, due_at) WHERE state = 'pending';
CREATE INDEX outbox_waiting ON outbox (app_id, destination_id, first_due_at) WHERE state IN ('pending', 'held', 'gone');
CREATE INDEX outbox_expiry ON outbox (expires_at) WHERE state IN ('pending', 'held', 'gone');
CREATE INDEX outbox_recent ON outbox (created_at, id);

CREATE TABLE delivery_attempt (
    app_id           INTEGER NOT NULL,
    delivery_id      TEXT NOT NULL,
    attempt          INTEGER NOT NULL,
    attempted_at     INTEGER NOT NULL,
    duration_ms      INTEGER NOT NULL,
    class            TEXT NOT NULL,
    status           INTEGER NOT NULL,
    reason           TEXT NOT NULL,
    answer           TEXT NOT NULL,
    template_version INTEGER NOT NULL,
    PRIMARY KEY (app_id, delivery_id, attempt)
);
