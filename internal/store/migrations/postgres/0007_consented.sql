-- +goose Up
-- The consented side, with nothing in clear that names a person: ids and identifiers
-- are keyed hashes, what has to be read again is sealed (body, detail). What stands in
-- the tables of before is sealed by the program after this, and they are dropped.
DROP INDEX install_click;
DROP INDEX install_time;
DROP INDEX event_install;
ALTER TABLE click RENAME TO click_before;
ALTER TABLE install RENAME TO install_before;
ALTER TABLE event RENAME TO event_before;
ALTER INDEX click_pkey RENAME TO click_before_pkey;
ALTER INDEX install_pkey RENAME TO install_before_pkey;
ALTER INDEX event_pkey RENAME TO event_before_pkey;

CREATE TABLE click (
    app_id       BIGINT NOT NULL,
    id           TEXT NOT NULL,
    network_id   TEXT NOT NULL,
    clicked_at   BIGINT NOT NULL,
    received_at  BIGINT NOT NULL,
    interaction  TEXT NOT NULL,
    campaign_id  TEXT NOT NULL,
    idfa_hash    TEXT,
    used_by      TEXT,
    body         TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
);
CREATE INDEX click_idfa ON click (app_id, idfa_hash, clicked_at) WHERE idfa_hash IS NOT NULL;
CREATE INDEX click_used ON click (app_id, used_by) WHERE used_by IS NOT NULL;
-- For retention: what led to an install goes with it.
CREATE INDEX click_unused ON click (app_id, received_at) WHERE used_by IS NULL;

-- click_id is the hash of the click that the install names. gdpr '': it does not apply.
CREATE TABLE install (
    app_id        BIGINT NOT NULL,
    id            TEXT NOT NULL,
    installed_at  BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    click_id      TEXT NOT NULL,
    idfa_hash     TEXT,
    idfv_hash     TEXT,
    network_id    TEXT NOT NULL,
    campaign_id   TEXT NOT NULL,
    decision      TEXT NOT NULL,
    reason        TEXT NOT NULL,
    method        TEXT NOT NULL,
    interaction   TEXT NOT NULL,
    flags         TEXT NOT NULL,
    review        TEXT NOT NULL DEFAULT '',
    review_reason TEXT NOT NULL DEFAULT '',
    reviewed_at   BIGINT,
    reviewed_by   TEXT NOT NULL DEFAULT '',
    is_test       BOOLEAN NOT NULL,
    att_status    TEXT NOT NULL,
    limited       BOOLEAN NOT NULL,
    gdpr          TEXT NOT NULL,
    consent_at    BIGINT NOT NULL,
    decided_at    BIGINT NOT NULL,
    detail        TEXT NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
);
CREATE INDEX install_click ON install (app_id, click_id) WHERE click_id <> '';
CREATE INDEX install_idfa ON install (app_id, idfa_hash, installed_at) WHERE idfa_hash IS NOT NULL;
CREATE INDEX install_idfv ON install (app_id, idfv_hash, installed_at) WHERE idfv_hash IS NOT NULL;
CREATE INDEX install_received ON install (app_id, received_at);
CREATE INDEX install_time ON install (app_id, installed_at);

-- revenue_app: in the currency of the app, NULL where no rate said it.
CREATE TABLE event (
    app_id      BIGINT NOT NULL,
    id          TEXT NOT NULL,
    install_id  TEXT NOT NULL,
    name        TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    revenue     NUMERIC,
    currency    TEXT NOT NULL,
    revenue_app NUMERIC,
    flags       TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
);
CREATE INDEX event_install ON event (app_id, install_id);
CREATE INDEX event_received ON event (app_id, received_at);

-- What people allowed, as it changed. A member that a report did not speak of:
-- att_status '', limited NULL, gdpr ''; gdpr none: it does not apply.
CREATE TABLE consent_change (
    app_id      BIGINT NOT NULL,
    id          TEXT NOT NULL,
    install_id  TEXT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    att_status  TEXT NOT NULL,
    limited     BOOLEAN,
    gdpr        TEXT NOT NULL,
    PRIMARY KEY (app_id, id)
);
CREATE INDEX consent_install ON consent_change (app_id, install_id, at);
CREATE INDEX consent_received ON consent_change (app_id, received_at);

-- Units of the currency for one unit of a base that all lines share; day is its begin.
CREATE TABLE rate (
    currency TEXT NOT NULL,
    day      BIGINT NOT NULL,
    rate     TEXT NOT NULL,
    PRIMARY KEY (currency, day)
);

-- Who was erased, by hash: app_id 0 is every app. It also keeps reports of what was
-- erased from bringing it back.
CREATE TABLE erasure (
    id      TEXT PRIMARY KEY,
    app_id  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    by      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    counts  TEXT NOT NULL
);
CREATE INDEX erasure_subject ON erasure (subject, at);

-- For retention, of what is settled: its fields, and the answers it got.
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL AND fields <> '';
CREATE INDEX attempt_answered ON delivery_attempt (attempted_at) WHERE answer <> '';
