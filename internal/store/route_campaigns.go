package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skand/aggregate"
	"skand/forward"
	"skand/internal/apply"
)

// campaignNames reads what the networks of a release called their sources, in the
// spans that are published too.
func campaignNames(ctx context.Context, t *tx, r aggregate.Release) (forward.CampaignNames, error) {
	lines := map[string][]campaignLine{}
	for _, row := range r.Rows {
		if _, known := lines[row.NetworkID]; known || row.NetworkID == "" {
			continue
		}
		var definition string
		err := t.GetContext(ctx, &definition, t.q(`SELECT definition FROM network WHERE network_id = ?`), row.NetworkID)
		if errors.Is(err, sql.ErrNoRows) {
			lines[row.NetworkID] = nil
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("campaigns of network %s: %w", row.NetworkID, err)
		}
		var n apply.Network
		if err := json.Unmarshal([]byte(definition), &n); err != nil {
			return nil, fmt.Errorf("campaigns of network %s: %w", row.NetworkID, err)
		}
		if lines[row.NetworkID], err = campaignLines(&n); err != nil {
			return nil, err
		}
	}
	return func(networkID, source string, from, to time.Time) forward.Campaign {
		return nameThroughout(lines[networkID], source, from, to)
	}, nil
}

// nameThroughout is the one name that a source had from a time to another. Its spans
// never overlap; it may have had the same name in several that join.
func nameThroughout(lines []campaignLine, source string, from, to time.Time) forward.Campaign {
	var found forward.Campaign
	at, last := from.UTC().Format(publishedTime), to.UTC().Format(publishedTime) // of one form, which sorts as time does
	for _, l := range lines {
		if l.source != source || l.to != "" && l.to <= at {
			continue
		}
		if l.from > at {
			return forward.Campaign{}
		}
		name := forward.Campaign{ID: l.id, Name: l.name}
		if found != (forward.Campaign{}) && name != found {
			return forward.Campaign{}
		}
		if found = name; l.to == "" || l.to >= last {
			return found
		}
		at = l.to
	}
	return forward.Campaign{}
}
