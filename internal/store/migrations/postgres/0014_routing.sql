-- +goose Up
-- By which of a destination's templates a delivery is sent: authorized or denied, by the
-- consent of whom it is about. '': it is nobody's, or was written before there was one,
-- and is sent by the destination's own template.
ALTER TABLE outbox ADD COLUMN consent TEXT NOT NULL DEFAULT '';

-- Who may want copies of postbacks: the receiver asks at every commit, and mostly nobody
-- does. The text must be that of the query.
CREATE INDEX destination_postback ON destination (id) WHERE definition LIKE '%"postback"%';
