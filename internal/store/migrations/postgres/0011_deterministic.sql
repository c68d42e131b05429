-- +goose Up
-- The release that an install was published in, once. The index has those that a
-- release may still take; its condition is the sealer's.
ALTER TABLE install ADD COLUMN sealed_in TEXT;
CREATE INDEX install_open ON install (app_id, received_at)
    WHERE sealed_in IS NULL AND is_test = FALSE AND limited = FALSE AND gdpr <> 'refused' AND review <> 'rejected';
