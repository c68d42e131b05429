-- +goose Up
-- What a network says it counted for an app on a calendar day of its own, kept in every
-- revision: the highest stands. lines is JSON; day is its date at midnight UTC.
CREATE TABLE reconciliation (
    app_id      BIGINT NOT NULL,
    network_id  TEXT NOT NULL,
    day         BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    uploaded_by TEXT NOT NULL,
    time_zone   TEXT NOT NULL,
    currency    TEXT NOT NULL,
    source      TEXT NOT NULL,
    line_count  BIGINT NOT NULL,
    counted     BIGINT NOT NULL,
    lines       TEXT NOT NULL,
    PRIMARY KEY (app_id, network_id, day, revision)
);
CREATE INDEX reconciliation_recent ON reconciliation (day, app_id, network_id, revision);

-- Ours of a day are read by when they happened; what was delivered in it by when it was
-- written, and what took longer than six hours by when it was delivered.
CREATE INDEX event_time ON event (app_id, happened_at);
CREATE INDEX outbox_late ON outbox (app_id, destination_id, settled_at)
    WHERE state = 'delivered' AND settled_at > created_at + 21600000;
