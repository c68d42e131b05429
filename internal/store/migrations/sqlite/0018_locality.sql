-- +goose Up
-- Counted rows lie in the order in which their identities were first seen. By the
-- identity alone, a hash, each row of a day had its own page of the key. An identity
-- has one first_seen for ever (postback_identity), so it still counts but once.
ALTER TABLE counted_postback RENAME TO counted_before;
DROP INDEX counted_open;
DROP INDEX counted_undecoded;

CREATE TABLE counted_postback (
    app_id         INTEGER NOT NULL,
    environment    TEXT NOT NULL,
    identity       BLOB NOT NULL,
    copy_id        TEXT NOT NULL,
    source         TEXT NOT NULL,
    counted_at     INTEGER NOT NULL,
    received_at    INTEGER NOT NULL,
    framework      TEXT NOT NULL,
    version        TEXT NOT NULL,
    network_id     TEXT NOT NULL,
    sequence_index INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    id_kind        TEXT NOT NULL,
    source_id      TEXT NOT NULL,
    redownload     BOOLEAN NOT NULL,
    fine           INTEGER,
    coarse         TEXT NOT NULL,
    country        TEXT NOT NULL,
    interaction    TEXT NOT NULL,
    decoded_at     INTEGER,
    value_kind     TEXT NOT NULL,
    state          TEXT NOT NULL,
    flags          TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    payer          BOOLEAN NOT NULL,
    revenue_min    TEXT NOT NULL DEFAULT '0',
    revenue_est    TEXT NOT NULL DEFAULT '0',
    revenue_max    TEXT,
    install_point  INTEGER,
    install_from   INTEGER,
    install_to     INTEGER,
    sealed_in      TEXT,
    publisher      TEXT NOT NULL DEFAULT '',
    first_seen     INTEGER NOT NULL,
    PRIMARY KEY (app_id, environment, first_seen, identity)
);
INSERT INTO counted_postback
    SELECT c.*, COALESCE(i.first_seen, c.counted_at)
    FROM counted_before c LEFT JOIN postback_identity i
      ON i.app_id = c.app_id AND i.environment = c.environment AND i.identity = c.identity
    ORDER BY c.rowid;
DROP TABLE counted_before;
CREATE INDEX counted_open ON counted_postback (app_id, environment, kind, sequence_index, counted_at) WHERE sealed_in IS NULL;
CREATE INDEX counted_undecoded ON counted_postback (counted_at) WHERE decoded_at IS NULL;
