-- +goose Up
-- How a destination stands by what its attempts came to. breaker_turn is raised by
-- everything that makes attempts under way meaningless: a claim is of one turn, and so
-- is what it says. probe_at is NULL while the breaker is closed; otherwise the time of
-- the next probe, or the end of the lease of the one under way. breaker holds the rest
-- of its state (JSON, '' = nothing failed). disabled_by is the operator who disabled
-- it, '' = skand itself. standing_since is NULL as long as it was always active.
ALTER TABLE destination ADD COLUMN breaker TEXT NOT NULL DEFAULT '';
ALTER TABLE destination ADD COLUMN breaker_turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN probe_at INTEGER;
ALTER TABLE destination ADD COLUMN paused_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE destination ADD COLUMN disabled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE destination ADD COLUMN standing_since INTEGER;
-- When deliveries last waited because no secret to sign with was there.
ALTER TABLE destination ADD COLUMN key_missing_at INTEGER;
