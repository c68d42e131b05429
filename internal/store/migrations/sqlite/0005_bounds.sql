-- +goose Up
-- How many bodies that did not verify came from one place in one hour. Beyond the
-- bound they are only counted: a flood must not fill the disk.
CREATE TABLE flood_bound (
    hour      INTEGER NOT NULL,
    class     TEXT NOT NULL,
    source    TEXT NOT NULL,
    client    TEXT NOT NULL,
    framework TEXT NOT NULL,
    version   TEXT NOT NULL,
    seen      INTEGER NOT NULL,
    bound     INTEGER NOT NULL,
    PRIMARY KEY (hour, class, source, client, framework, version)
);

-- What waits for an app to trust development keys is looked for every few seconds.
CREATE INDEX postback_development ON postback (app_id) WHERE reason = 'development_not_trusted';
