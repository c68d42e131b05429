package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"skand/forward"
)

const enqueueChunk = 100

// enqueue writes deliveries in the transaction that writes their conversions, and
// returns how many are new: the destination and dedup key of the others were
// known, whatever became of them.
func (s *Store) enqueue(ctx context.Context, t *tx, deliveries []forward.Delivery) (int, error) {
	// One order for all, or two transactions with the same keys could deadlock.
	deliveries = slices.Clone(deliveries)
	slices.SortFunc(deliveries, func(a, b forward.Delivery) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), strings.Compare(a.DestinationID, b.DestinationID),
			strings.Compare(a.DedupKey, b.DedupKey))
	})
	written := 0
	for chunk := range slices.Chunk(deliveries, enqueueChunk) {
		n, err := s.enqueueSome(ctx, t, chunk)
		if err != nil {
			return written, fmt.Errorf("enqueue deliveries: %w", err)
		}
		written += n
	}
	return written, nil
}

func (s *Store) enqueueSome(ctx context.Context, t *tx, chunk []forward.Delivery) (int, error) {
	const row = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 'pending', '', 0)`
	text := `INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields, subject,
			created_at, first_due_at, due_at, expires_at, hold_reason, consent, fence, attempts, state, reason, status)
		VALUES ` + row + strings.Repeat(`, `+row, len(chunk)-1) + ` ON CONFLICT DO NOTHING RETURNING id`
	args := make([]any, 0, 14*len(chunk))
	for _, d := range chunk {
		fields, err := s.sealFields(d.Fields)
		if err != nil {
			return 0, fmt.Errorf("fields of %s: %w", d.ID, err)
		}
		args = append(args, d.AppID, d.ID, d.DestinationID, d.DedupKey, d.Kind, d.EventName, fields, subjectOf(d),
			ms(d.CreatedAt), ms(d.DueAt), ms(d.DueAt), ms(d.ExpiresAt), d.HoldReason, d.Consent)
	}
	var ids []string // counted by RETURNING: drivers differ about affected rows
	if err := t.SelectContext(ctx, &ids, t.q(text), args...); err != nil {
		return 0, err
	}
	return len(ids), nil
}
