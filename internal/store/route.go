package store

import (
	"context"

	"skand/aggregate"
	"skand/forward"
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
		deliveries = append(deliveries, forward.Route(c, dests, s.clock.Now())...)
	}
	_, err = enqueue(ctx, t, deliveries)
	return err
}

// enqueueRelease routes what a sealed release reports of named networks.
func (s *Store) enqueueRelease(ctx context.Context, t *tx, r aggregate.Release) error {
	return s.enqueueConversions(ctx, t, forward.FromRelease(r)...)
}
