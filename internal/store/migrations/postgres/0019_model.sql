-- +goose Up
-- Which version of the model the counts of a window have last, on the line of its base
-- release; the greatest number there is where it takes no other. Windows that are due
-- are found by the index, however long the ledger is.
ALTER TABLE release_ledger ADD COLUMN modeled BIGINT NOT NULL DEFAULT 0;
CREATE INDEX release_modeled ON release_ledger (modeled)
    WHERE release_kind = 'base' AND view = 'cohort' AND state = 'published' AND environment = 'production' AND kind IN ('install', 'reengagement');

-- Alarms of the model that stand: those of the window that was modelled last of each
-- dataset. The next one replaces them. since is milliseconds UTC.
CREATE TABLE model_drift (
    app_id         BIGINT NOT NULL,
    sequence_index BIGINT NOT NULL,
    kind           TEXT NOT NULL,
    environment    TEXT NOT NULL,
    window_end     BIGINT NOT NULL,
    level          TEXT NOT NULL,
    metric         TEXT NOT NULL,
    event_name     TEXT NOT NULL,
    since          BIGINT NOT NULL,
    says           TEXT NOT NULL,
    do_next        TEXT NOT NULL,
    PRIMARY KEY (app_id, sequence_index, kind, environment, level, metric, event_name)
);
