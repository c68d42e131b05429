-- +goose Up
-- Counted rows lie in the order in which their identities were first seen. By the
-- identity alone, a hash, each row of a day had its own page of the key, and whatever
-- wrote a new version of the row (as the seal does, which marks it) read and logged
-- that page: the longer the history, the fewer of them are in memory. An identity
-- has one first_seen for ever (postback_identity), so it still counts but once.
--
-- Written anew and not changed in place, which would leave as much room empty as it
-- takes; by way of a table that goes with this transaction, so that the rights that
-- roles have been given on this one stay.
CREATE TEMP TABLE counted_before ON COMMIT DROP AS
    SELECT c.*, COALESCE(i.first_seen, c.counted_at) AS first_seen
    FROM counted_postback c LEFT JOIN postback_identity i USING (app_id, environment, identity);
TRUNCATE counted_postback;
ALTER TABLE counted_postback DROP CONSTRAINT counted_postback_pkey;
ALTER TABLE counted_postback ADD COLUMN first_seen BIGINT NOT NULL;
ALTER TABLE counted_postback ADD PRIMARY KEY (app_id, environment, first_seen, identity);
INSERT INTO counted_postback SELECT * FROM counted_before ORDER BY counted_at;
