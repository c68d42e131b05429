-- +goose Up
-- The app in which the ad was shown, for crossings (source-app-id, or
-- publisher-item-identifier). '': not sent, or counted by an earlier version.
ALTER TABLE counted_postback ADD COLUMN publisher TEXT NOT NULL DEFAULT '';
