-- +goose Up
-- Who hears of conversions. template_version is raised by every edit;
-- disabled_reason is set where skand itself disabled the destination (410 Gone).
CREATE TABLE destination (
    id               TEXT PRIMARY KEY,
    app_id           BIGINT NOT NULL,
    definition       TEXT NOT NULL,
    enabled          BOOLEAN NOT NULL,
    disabled_reason  TEXT NOT NULL,
    template_version BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);

-- One row per conversion and destination, written with the conversion. due_at of
-- a claimed row is the end of its lease, so that a lapsed lease is simply due.
CREATE TABLE outbox (
    app_id         BIGINT NOT NULL,
    id             TEXT NOT NULL,
    destination_id TEXT NOT NULL,
    dedup_key      TEXT NOT NULL,
    kind           TEXT NOT NULL,
    event_name     TEXT NOT NULL,
    fields         TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    first_due_at   BIGINT NOT NULL,
    due_at         BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    leased_until   BIGINT,
    fence          BIGINT NOT NULL,
    attempts       BIGINT NOT NULL,
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    status         BIGINT NOT NULL,
    settled_at     BIGINT,
    PRIMARY KEY (app_id, id),
    UNIQUE (app_id, destination_id, dedup_key)
);
CREATE INDEX outbox_due ON outbox (app_id, destination_id, due_at) WHERE state = 'pending';
CREATE INDEX outbox_waiting ON outbox (app_id, destination_id, first_due_at) WHERE state IN ('pending', 'held', 'gone');
CREATE INDEX outbox_expiry ON outbox (expires_at) WHERE state IN ('pending', 'held', 'gone');
CREATE INDEX outbox_recent ON outbox (created_at, id);

CREATE TABLE delivery_attempt (
    app_id           BIGINT NOT NULL,
    delivery_id      TEXT NOT NULL,
    attempt          BIGINT NOT NULL,
    attempted_at     BIGINT NOT NULL,
    duration_ms      BIGINT NOT NULL,
    class            TEXT NOT NULL,
    status           BIGINT NOT NULL,
    reason           TEXT NOT NULL,
    answer           TEXT NOT NULL,
    template_version BIGINT NOT NULL,
    PRIMARY KEY (app_id, delivery_id, attempt)
);
