package store

import (
	"context"
	"strings"

	"skand/aggregate"
	"skand/forward"
	"skand/internal/vault"
)

// enqueueConversions routes conversions and writes their deliveries in the
// transaction that writes what they report: neither is ever there without the other.
func (s *Store) enqueueConversions(ctx context.Context, t *tx, conversions ...forward.Conversion) error {
	if len(conversions) == 0 {
		return nil
	}
	dests, err := destinations(ctx, t, conversions[0].AppID)
	if err != nil || len(dests) == 0 {
		return err
	}
	var deliveries []forward.Delivery
	for _, c := range conversions {
		s.hashIDs(&c)
		deliveries = append(deliveries, forward.Route(c, dests, s.clock.Now())...)
	}
	_, err = s.enqueue(ctx, t, deliveries)
	return err
}

// hashIDs takes the ids that are yours out of what names a delivery: they are known
// to whoever sees the id of a delivery or a row of the outbox, sealed fields or not.
func (s *Store) hashIDs(c *forward.Conversion) {
	if c.Subject == "" {
		return // a release is nobody's
	}
	c.Subject = s.vault.Hash(vault.Install, c.Subject)
	kind, id, _ := strings.Cut(c.DedupKey, "/")
	c.DedupKey = kind + "/" + s.vault.Hash(kind, id)
}

// enqueueRelease routes what a sealed release reports of named networks.
func (s *Store) enqueueRelease(ctx context.Context, t *tx, r aggregate.Release) error {
	return s.enqueueConversions(ctx, t, forward.FromRelease(r)...)
}
