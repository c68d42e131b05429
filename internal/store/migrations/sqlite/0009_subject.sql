-- +goose Up
-- Whom a delivery is about: the hash of its install, so that an erasure finds it.
-- NULL: nobody's (releases), or enqueued by an earlier version.
ALTER TABLE outbox ADD COLUMN subject TEXT;
CREATE INDEX outbox_subject ON outbox (app_id, subject) WHERE subject IS NOT NULL;
