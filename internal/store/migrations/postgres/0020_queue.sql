-- +goose Up
-- A claim writes nothing that an index names, so PostgreSQL can write the new version of
-- the row beside the old one and leave every index alone, where the page has room.
ALTER TABLE outbox SET (fillfactor = 70);
