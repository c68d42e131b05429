-- +goose Up
-- Money is TEXT here, exact; SQLite has no exact numeric. Times are integer milliseconds UTC. app_id is part of every key of a large table
-- (it is what a cluster would be distributed by); queues and configuration are small.

CREATE TABLE store_meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE app (
    app_id            INTEGER PRIMARY KEY,
    definition        TEXT NOT NULL,
    trust_development BOOLEAN NOT NULL,
    updated_at        INTEGER NOT NULL
);

-- How windows are cut, from when on: a change never touches a window that has begun.
CREATE TABLE app_setting (
    app_id         INTEGER NOT NULL,
    effective_from INTEGER NOT NULL,
    settings       TEXT NOT NULL,
    PRIMARY KEY (app_id, effective_from)
);

CREATE TABLE network (
    network_id TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE network_alias (
    alias      TEXT PRIMARY KEY,
    network_id TEXT NOT NULL
);

CREATE TABLE network_setting (
    network_id     TEXT NOT NULL,
    effective_from INTEGER NOT NULL,
    short_form     TEXT NOT NULL,
    PRIMARY KEY (network_id, effective_from)
);

CREATE TABLE schema_version (
    app_id         INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    effective_from INTEGER NOT NULL,
    published_at   INTEGER NOT NULL,
    published_by   TEXT NOT NULL,
    document       TEXT NOT NULL,
    PRIMARY KEY (app_id, version)
);

CREATE TABLE trusted_key (
    name        TEXT PRIMARY KEY,
    kid         TEXT NOT NULL,
    spki        TEXT NOT NULL,
    environment TEXT NOT NULL,
    updated_at  INTEGER NOT NULL
);

CREATE TABLE forward_setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Every copy that was answered 200, as it came, with its verdict beside it.
CREATE TABLE postback (
    app_id      INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    id          TEXT NOT NULL,
    source      TEXT NOT NULL,
    relay       TEXT NOT NULL,
    client      TEXT NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    field       TEXT NOT NULL,
    framework   TEXT NOT NULL,
    version     TEXT NOT NULL,
    verdict     TEXT NOT NULL,
    key_name    TEXT NOT NULL,
    flags       TEXT NOT NULL,
    identity    BLOB,
    differs     TEXT NOT NULL,
    body        BLOB NOT NULL,
    PRIMARY KEY (app_id, received_at, id)
);
-- For what is looked at or judged again; what is accepted pays nothing for it.
CREATE INDEX postback_state ON postback (state, received_at) WHERE state IN ('conflict', 'quarantined', 'unsupported');

-- One row for ever per conversion window of an install. Retention never touches it,
-- or a replay would count again. What a development key signed has its own space:
-- any phone can mint such a postback and must not shut out the real one.
CREATE TABLE postback_identity (
    app_id      INTEGER NOT NULL,
    environment TEXT NOT NULL,
    identity    BLOB NOT NULL,
    first_seen  INTEGER NOT NULL,
    PRIMARY KEY (app_id, environment, identity)
);

-- The one copy of each identity whose values count, and what they decode to.
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
    PRIMARY KEY (app_id, environment, identity)
);
CREATE INDEX counted_open ON counted_postback (app_id, environment, kind, sequence_index, counted_at) WHERE sealed_in IS NULL;
CREATE INDEX counted_undecoded ON counted_postback (counted_at) WHERE decoded_at IS NULL;

-- The consented side.
CREATE TABLE click (
    app_id       INTEGER NOT NULL,
    id           TEXT NOT NULL,
    network_id   TEXT NOT NULL,
    clicked_at   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    interaction  TEXT NOT NULL,
    used_by      TEXT,
    body         TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
);

CREATE TABLE install (
    app_id       INTEGER NOT NULL,
    id           TEXT NOT NULL,
    installed_at INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    click_id     TEXT NOT NULL,
    network_id   TEXT NOT NULL,
    decision     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    decided_at   INTEGER NOT NULL,
    body         TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
);
CREATE INDEX install_click ON install (app_id, click_id);

CREATE TABLE event (
    app_id      INTEGER NOT NULL,
    id          TEXT NOT NULL,
    install_id  TEXT NOT NULL,
    name        TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    revenue     TEXT,
    currency    TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
);
CREATE INDEX event_install ON event (app_id, install_id);

-- The ledger of what was sealed. It outlives its app; nothing is ever taken out.
CREATE TABLE release_ledger (
    app_id         INTEGER NOT NULL,
    release_id     TEXT NOT NULL,
    sequence_index INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    environment    TEXT NOT NULL,
    window_start   INTEGER NOT NULL,
    window_end     INTEGER NOT NULL,
    view           TEXT NOT NULL,
    release_kind   TEXT NOT NULL,
    model_version  INTEGER NOT NULL,
    state          TEXT NOT NULL,
    installs       INTEGER NOT NULL,
    carried        INTEGER NOT NULL,
    sealed_at      INTEGER NOT NULL,
    published_at   INTEGER,
    release        TEXT NOT NULL,
    payload        TEXT,
    PRIMARY KEY (app_id, release_id),
    UNIQUE (app_id, sequence_index, kind, environment, window_start, view, release_kind, model_version)
);
