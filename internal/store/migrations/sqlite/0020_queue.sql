-- +goose Up
-- A claim writes nothing that an index names. PostgreSQL needs room on a page for that;
-- SQLite writes a row in its place, and has nothing to change.
SELECT 1;
