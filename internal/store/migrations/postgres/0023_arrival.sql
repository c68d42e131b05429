-- +goose Up
-- What arrived in an hour, for pages that look at weeks: the copies themselves lie with
-- their bodies, and reading a fortnight of them takes seconds.
CREATE TABLE arrival_hour (
    app_id    BIGINT NOT NULL,
    hour      BIGINT NOT NULL,
    source    TEXT NOT NULL,
    framework TEXT NOT NULL,
    version   TEXT NOT NULL,
    verdict   TEXT NOT NULL,
    state     TEXT NOT NULL,
    copies    BIGINT NOT NULL,
    PRIMARY KEY (app_id, hour, source, framework, version, verdict, state)
);
CREATE INDEX arrival_hour_time ON arrival_hour (hour);

-- What was counted, by the hour in which it was first seen: no copy names its network
-- outside of its body. Test postbacks are not in it.
CREATE TABLE counted_hour (
    app_id     BIGINT NOT NULL,
    hour       BIGINT NOT NULL,
    network_id TEXT NOT NULL,
    framework  TEXT NOT NULL,
    version    TEXT NOT NULL,
    counted    BIGINT NOT NULL,
    PRIMARY KEY (app_id, hour, network_id, framework, version)
);
CREATE INDEX counted_hour_time ON counted_hour (hour);
