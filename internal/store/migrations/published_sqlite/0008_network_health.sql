-- +goose Up
-- How well a network was told of the conversions of a week: shares in steps of five per
-- cent and times in wide buckets, never a count.
CREATE TABLE network_health (
    app_id        INTEGER NOT NULL,
    network_id    TEXT NOT NULL,
    week_start    TEXT NOT NULL,
    week_end      TEXT NOT NULL,
    k             INTEGER NOT NULL,
    b             INTEGER NOT NULL,
    delivery_rate INTEGER,
    drop_rate     INTEGER,
    response_p50  TEXT,
    response_p95  TEXT,
    lab           BOOLEAN NOT NULL,
    published_at  TEXT NOT NULL,
    PRIMARY KEY (app_id, network_id, week_start)
);
