-- +goose Up
-- Why a version was published, and what it was made of. A published version is
-- never changed afterwards.
ALTER TABLE schema_version ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE schema_version ADD COLUMN from_draft TEXT NOT NULL DEFAULT '';
ALTER TABLE schema_version ADD COLUMN rolled_back_from INTEGER;

-- What editors work on. document is the text as it was sent, also where it is no
-- schema yet; revision is raised by every save, so that of two editors at once one
-- hears of the other. based_on 0: begun from nothing.
CREATE TABLE schema_draft (
    app_id     INTEGER NOT NULL,
    draft_id   TEXT NOT NULL,
    document   TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    based_on   INTEGER NOT NULL,
    note       TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, draft_id)
);

-- Who did what, or looked at what. Rows are only ever added. app_id 0: it concerns
-- no single app.
CREATE TABLE audit_log (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id      INTEGER NOT NULL,
    happened_at INTEGER NOT NULL,
    who         TEXT NOT NULL,
    role        TEXT NOT NULL,
    action      TEXT NOT NULL,
    object      TEXT NOT NULL,
    detail      TEXT NOT NULL
);
CREATE INDEX audit_app ON audit_log (app_id, id);

-- For looks at the consented installs of closed weeks.
CREATE INDEX install_time ON install (app_id, installed_at);
