-- +goose Up
-- The delivery log is read newest first by destination and state, by kind and event, by
-- what was answered, and by the time of an attempt; every other look is by a key. What
-- was answered 200, or not at all, is found by its state.
CREATE INDEX outbox_log ON outbox (app_id, destination_id, state, created_at, id, settled_at);
CREATE INDEX outbox_named ON outbox (app_id, kind, event_name, created_at, id);
CREATE INDEX outbox_status ON outbox (app_id, status, created_at, id) WHERE status NOT IN (0, 200);
DROP INDEX outbox_recent;
CREATE INDEX attempt_time ON delivery_attempt (attempted_at, delivery_id);

-- What became of the deliveries that were written in an hour. What is neither delivered,
-- refused nor expired waits. stale: how often it was upset since it was counted.
CREATE TABLE delivery_hour (
    app_id         INTEGER NOT NULL,
    destination_id TEXT NOT NULL,
    hour           INTEGER NOT NULL,
    eligible       INTEGER NOT NULL,
    delivered      INTEGER NOT NULL,
    refused        INTEGER NOT NULL,
    expired        INTEGER NOT NULL,
    response_ms    INTEGER NOT NULL,
    responses      TEXT NOT NULL,
    stale          INTEGER NOT NULL,
    PRIMARY KEY (app_id, destination_id, hour)
);
CREATE INDEX delivery_hour_stale ON delivery_hour (app_id, destination_id, hour) WHERE stale > 0;

-- The attempts that were begun in an hour; retries are those after the first.
CREATE TABLE attempt_hour (
    app_id         INTEGER NOT NULL,
    destination_id TEXT NOT NULL,
    hour           INTEGER NOT NULL,
    class          TEXT NOT NULL,
    status         INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    retries        INTEGER NOT NULL,
    PRIMARY KEY (app_id, hour, destination_id, class, status)
);
CREATE INDEX attempt_hour_time ON attempt_hour (hour);

-- Reports of conversions that were known already, by the hour in which they came.
CREATE TABLE conversion_repeat (
    app_id  INTEGER NOT NULL,
    hour    INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    repeats INTEGER NOT NULL,
    PRIMARY KEY (app_id, hour, kind)
);

-- Replays by the key that whoever asked for them gave, with how far they have come: the
-- same key goes on where it was stopped, and does nothing twice.
CREATE TABLE delivery_replay (
    replay_key  TEXT PRIMARY KEY,
    request     TEXT NOT NULL,
    begun_at    INTEGER NOT NULL,
    finished_at INTEGER,
    place       TEXT NOT NULL,
    counts      TEXT NOT NULL
);

-- The health of a network in a week as it is published: worked out once, then copied.
CREATE TABLE network_week (
    app_id          INTEGER NOT NULL,
    network_id      TEXT NOT NULL,
    week_start      INTEGER NOT NULL,
    k               INTEGER NOT NULL,
    b               INTEGER NOT NULL,
    delivery_rate   INTEGER,
    drop_rate       INTEGER,
    response_p50    TEXT,
    response_p95    TEXT,
    published_at    INTEGER NOT NULL,
    PRIMARY KEY (app_id, network_id, week_start)
);
