package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"skand/forward"
	"skand/internal/vault"
)

// enqueueConversions routes conversions of one app and writes their deliveries in the
// transaction that writes what they report: neither is ever there without the other.
func (s *Store) enqueueConversions(ctx context.Context, t *tx, conversions ...forward.Conversion) error {
	if len(conversions) == 0 {
		return nil
	}
	dests, err := destinations(ctx, t, conversions[0].AppID)
	if err != nil || len(dests) == 0 {
		return err
	}
	return s.enqueueTo(ctx, t, dests, conversions)
}

// enqueueTo routes to destinations that are read already.
func (s *Store) enqueueTo(ctx context.Context, t *tx, dests []forward.Destination, conversions []forward.Conversion) error {
	names, err := s.routeNamesOf(ctx, t, conversions[0].AppID)
	if err != nil {
		return err
	}
	for i := range dests {
		dests[i].NetworkID = names.network(dests[i].NetworkID)
	}
	var deliveries []forward.Delivery
	now := s.clock.Now()
	for _, c := range conversions {
		s.hashIDs(&c)
		c.NetworkID = names.network(c.NetworkID)
		if names.bundle != "" {
			c.Fields = maps.Clone(c.Fields)
			c.Fields["bundle_id"] = names.bundle
		}
		deliveries = append(deliveries, forward.Route(c, dests, now)...)
	}
	// A copy from an archive may be older than anybody wants it: that is no delivery.
	deliveries = slices.DeleteFunc(deliveries, func(d forward.Delivery) bool {
		return d.Kind == forward.KindPostback && !d.ExpiresAt.After(now)
	})
	_, err = s.enqueue(ctx, t, deliveries)
	return err
}

// routeNames are what routing has to know by other names: networks that sign with
// two ids are one receiver, and phones call the app by its bundle.
type routeNames struct {
	bundle  string
	aliases map[string]string
}

func (n *routeNames) network(id string) string {
	id = strings.ToLower(id)
	if own, ok := n.aliases[id]; ok {
		return own
	}
	return id
}

func (s *Store) routeNamesOf(ctx context.Context, t *tx, appID int64) (*routeNames, error) {
	n := &routeNames{}
	var err error
	if n.aliases, err = aliases(ctx, t); err != nil {
		return nil, err
	}
	var definition string
	err = newLedger(s, t).get(ctx, &definition, `SELECT definition FROM app WHERE app_id = ?`, appID) // prepared
	if errors.Is(err, sql.ErrNoRows) {
		return n, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up app %d: %w", appID, err)
	}
	var app struct {
		BundleID string `json:"bundle_id"`
	}
	if err := json.Unmarshal([]byte(definition), &app); err != nil {
		return nil, fmt.Errorf("look up app %d: %w", appID, err)
	}
	n.bundle = app.BundleID
	return n, nil
}

// hashIDs takes the ids that are yours out of what names a delivery: they are known
// to whoever sees the id of a delivery or a row of the outbox, sealed fields or not.
func (s *Store) hashIDs(c *forward.Conversion) {
	if c.Subject == "" {
		return // a release is nobody's, nor is a postback
	}
	c.Subject = s.vault.Hash(vault.Install, c.Subject)
	kind, id, _ := strings.Cut(c.DedupKey, "/")
	c.DedupKey = kind + "/" + s.vault.Hash(kind, id)
}
