-- +goose Up
-- Every definition of a destination that was ever saved: what the attempt log's
-- template_version names. rolled_back_from is the version that one is a copy of, 0 = none.
CREATE TABLE destination_version (
    app_id           BIGINT NOT NULL,
    destination_id   TEXT NOT NULL,
    version          INTEGER NOT NULL,
    definition       TEXT NOT NULL,
    saved_at         BIGINT NOT NULL,
    saved_by         TEXT NOT NULL,
    rolled_back_from INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (app_id, destination_id, version)
);
INSERT INTO destination_version (app_id, destination_id, version, definition, saved_at, saved_by)
SELECT app_id, id, template_version, definition, updated_at, '' FROM destination;
