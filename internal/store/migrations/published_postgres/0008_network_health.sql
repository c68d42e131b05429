-- +goose Up
-- How well a network was told of the conversions of a week: shares in steps of five per
-- cent and times in wide buckets, never a count.
CREATE TABLE bi.network_health (
    app_id        BIGINT NOT NULL,
    network_id    TEXT NOT NULL,
    week_start    TIMESTAMPTZ NOT NULL,
    week_end      TIMESTAMPTZ NOT NULL,
    k             BIGINT NOT NULL,
    b             BIGINT NOT NULL,
    delivery_rate BIGINT,
    drop_rate     BIGINT,
    response_p50  TEXT,
    response_p95  TEXT,
    lab           BOOLEAN NOT NULL,
    published_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (app_id, network_id, week_start)
);
