-- +goose Up
-- Readers get rows in the order of app, window, release and row, page by page. Rows
-- of one release are few enough to be sorted.
CREATE INDEX cohort_app_window_release ON cohort (app_id, window_start, release_id);
DROP INDEX cohort_app_window;
CREATE INDEX release_app_window ON release (app_id, window_start, release_id);
-- A redecode stands in the place of its base wherever rows are read.
CREATE INDEX release_redecode ON release (app_id, dataset, window_end) WHERE kind = 'redecode';
