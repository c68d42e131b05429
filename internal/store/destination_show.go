package store

import (
	"context"
	"encoding/json"
	"fmt"

	"skand/forward"
)

// DestinationShown is all that is told of one destination but its figures.
type DestinationShown struct {
	Definition
	Version int           `json:"version"` // of the definition
	Queue   forward.Queue `json:"queue"`
	Secrets []SecretInfo  `json:"secrets"` // in force; without their values
}

// ShowDestination is one destination; ErrNoDestination where there is none.
func (s *Store) ShowDestination(ctx context.Context, id string) (DestinationShown, error) {
	r, err := s.Destination(ctx, id)
	if err != nil {
		return DestinationShown{}, err
	}
	definition, err := json.Marshal(r.Destination)
	if err != nil {
		return DestinationShown{}, fmt.Errorf("show destination %q: %w", id, err)
	}
	standing := standingOf(r)
	shown := DestinationShown{Version: r.TemplateVersion, Definition: Definition{
		ID: id, UpdatedAt: r.UpdatedAt, Definition: definition, DestinationStanding: &standing,
	}}
	if shown.Queue, err = s.queue(ctx, r.Destination.AppID, id); err != nil {
		return DestinationShown{}, fmt.Errorf("show destination %q: %w", id, err)
	}
	shown.Secrets, err = s.SecretInfos(ctx, id)
	return shown, err
}

// DestinationSecrets is a destination and the fingerprints of its current secrets:
// what a look needs to say whether anything can be signed.
type DestinationSecrets struct {
	forward.Registered
	Current []SecretInfo
}

// destinationSecrets lists all destinations. It opens no seal, so it needs no key.
func (s *Store) destinationSecrets(ctx context.Context) ([]DestinationSecrets, error) {
	all, err := s.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]DestinationSecrets, len(all))
	for i, r := range all {
		out[i].Registered = r
		rows, err := secretRows(ctx, s.main.r, r.Destination.ID)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if !row.ExpiresAt.Valid && row.Sealed != "" {
				out[i].Current = append(out[i].Current, row.info(r.Destination.ID))
			}
		}
	}
	return out, nil
}
