package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"skand/internal/apply"
)

// naming is what a network calls its sources.
type naming struct {
	campaigns []campaignLine
	digits    []digitLine
}

func (n naming) equal(o naming) bool {
	return slices.Equal(n.campaigns, o.campaigns) && slices.Equal(n.digits, o.digits)
}

// publishNames brings the published names of these networks in step with what was
// applied. It is called before the main store commits: either both have the names
// or, should that commit fail, the next opening puts the old ones back.
func (s *Store) publishNames(ctx context.Context, networks []apply.Network) error {
	wanted := map[string]naming{}
	for i := range networks {
		n := &networks[i]
		lines, err := campaignLines(n)
		if err != nil {
			return err
		}
		wanted[n.NetworkID] = naming{lines, digitLines(n)}
	}
	if len(wanted) == 0 {
		return nil
	}
	known, err := s.publishedNames(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(wanted, func(id string, n naming) bool { return n.equal(known[id]) })
	if len(wanted) == 0 {
		return nil
	}
	return s.pub.in(ctx, func(t *tx) error {
		for _, id := range slices.Sorted(maps.Keys(wanted)) {
			if err := replaceNames(ctx, t, s.pub, id, wanted[id]); err != nil {
				return fmt.Errorf("publish names of network %s: %w", id, err)
			}
		}
		return nil
	})
}

// publishAllNames does it for every network: names that an older version only kept,
// or that a crash left behind.
func (s *Store) publishAllNames(ctx context.Context) error {
	return s.main.in(ctx, func(t *tx) error {
		var definitions []string
		err := t.SelectContext(ctx, &definitions, `SELECT definition FROM network ORDER BY network_id`+t.forUpdate())
		if err != nil {
			return fmt.Errorf("read networks: %w", err)
		}
		networks := make([]apply.Network, len(definitions))
		for i, d := range definitions {
			if err := json.Unmarshal([]byte(d), &networks[i]); err != nil {
				return fmt.Errorf("read networks: %w", err)
			}
		}
		return s.publishNames(ctx, networks)
	})
}

func (s *Store) publishedNames(ctx context.Context) (map[string]naming, error) {
	var campaigns []struct {
		NetworkID string  `db:"network_id"`
		Source    string  `db:"source"`
		From      *Stamp  `db:"valid_from"`
		To        *Stamp  `db:"valid_to"`
		ID        *string `db:"campaign_id"`
		Name      *string `db:"campaign_name"`
	}
	err := s.pub.r.SelectContext(ctx, &campaigns,
		`SELECT network_id, source, valid_from, valid_to, campaign_id, campaign_name FROM `+s.pub.table("campaign")+
			` ORDER BY network_id, `+s.pub.byBytes("source")+`, valid_from NULLS FIRST`)
	if err != nil {
		return nil, fmt.Errorf("read published names: %w", err)
	}
	var digits []struct {
		NetworkID string `db:"network_id"`
		Column    string `db:"column_name"`
		Label     string `db:"label"`
	}
	err = s.pub.r.SelectContext(ctx, &digits,
		`SELECT network_id, column_name, label FROM `+s.pub.table("source_digits")+` ORDER BY network_id, column_name`)
	if err != nil {
		return nil, fmt.Errorf("read published names: %w", err)
	}
	out := map[string]naming{}
	for _, c := range campaigns {
		n := out[c.NetworkID]
		n.campaigns = append(n.campaigns, campaignLine{c.Source, cell(c.From), cell(c.To), cell(c.ID), cell(c.Name)})
		out[c.NetworkID] = n
	}
	for _, d := range digits {
		n := out[d.NetworkID]
		n.digits = append(n.digits, digitLine{d.Column, d.Label})
		out[d.NetworkID] = n
	}
	return out, nil
}

var (
	campaignColumns = []column{
		{"network_id", "text"}, {"source", "text"}, {"valid_from", "text"}, {"valid_to", "text"},
		{"campaign_id", "text"}, {"campaign_name", "text"},
	}
	digitColumns = []column{{"network_id", "text"}, {"column_name", "text"}, {"label", "text"}}
)

func replaceNames(ctx context.Context, t *tx, d *db, id string, n naming) error {
	for _, table := range []string{"campaign", "source_digits"} {
		if _, err := t.ExecContext(ctx, t.q(`DELETE FROM `+d.table(table)+` WHERE network_id = ?`), id); err != nil {
			return err
		}
	}
	var campaigns, digits [][]any
	for _, c := range n.campaigns {
		campaigns = append(campaigns, []any{id, c.source, null(c.from), null(c.to), null(c.id), null(c.name)})
	}
	for _, l := range n.digits {
		digits = append(digits, []any{id, l.column, l.label})
	}
	if err := insertLines(ctx, t, d.table("campaign"), campaignColumns, campaigns); err != nil {
		return err
	}
	return insertLines(ctx, t, d.table("source_digits"), digitColumns, digits)
}
