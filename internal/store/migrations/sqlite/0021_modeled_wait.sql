-- +goose Up
-- Whether what the installs of a base release did was told to destinations: '' when it
-- was sealed, 'waits' for a model, 'observed', 'modeled'.
ALTER TABLE release_ledger ADD COLUMN told TEXT NOT NULL DEFAULT '';
CREATE INDEX release_waits ON release_ledger (sealed_at) WHERE told = 'waits';
