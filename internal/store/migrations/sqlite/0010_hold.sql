-- +goose Up
-- Why a delivery waits until its due_at for an operator to look at its install: the
-- install's flags. '': it is not held, or not any more.
ALTER TABLE outbox ADD COLUMN hold_reason TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_held ON outbox (due_at, id) WHERE hold_reason <> '';
