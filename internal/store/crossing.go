package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skand/aggregate"
)

// What the views of crossings read of a counted row.
var crossedColumns = map[string]string{
	aggregate.CrossCountry:     `UPPER(country)`, // unsigned: a relay may have changed it
	aggregate.CrossDigits:      `CASE WHEN id_kind = 'campaign' THEN 'campaign' ELSE CAST(LENGTH(source_id) AS TEXT) END`,
	aggregate.CrossInteraction: `interaction`,
	aggregate.CrossPublisher:   `publisher`,
}

const crossedSQL = `
SELECT COUNT(*) AS n, network_id, %s AS value FROM counted_postback
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND counted_at >= ? AND counted_at < ? AND ` + sealable + `
GROUP BY 2, 3 ORDER BY 2, 3`

// Crossed implements aggregate.CrossingStore.
func (s *Store) Crossed(ctx context.Context, d aggregate.Dataset, taken aggregate.Window, views []string) ([]aggregate.Crossed, error) {
	var out []aggregate.Crossed
	err := s.main.in(ctx, func(t *tx) error {
		var err error
		out, err = groupCrossed(ctx, t, d, taken, views)
		return err
	})
	return out, err
}

func groupCrossed(ctx context.Context, t *tx, d aggregate.Dataset, taken aggregate.Window, views []string) ([]aggregate.Crossed, error) {
	if len(views) == 0 {
		return nil, nil
	}
	networks, err := aliases(ctx, t)
	if err != nil {
		return nil, err
	}
	var out []aggregate.Crossed
	for _, view := range views {
		column, known := crossedColumns[view]
		if !known {
			return nil, fmt.Errorf("crossing %q is of a later version of skand", view)
		}
		var rows []struct {
			N         int    `db:"n"`
			NetworkID string `db:"network_id"`
			Value     string `db:"value"`
		}
		err := t.SelectContext(ctx, &rows, t.q(fmt.Sprintf(crossedSQL, column)), append(key(d), since(taken.Start), ms(taken.End))...)
		if err != nil {
			return nil, fmt.Errorf("group counted rows of %s by %s: %w", d, view, err)
		}
		for _, r := range rows {
			network := strings.ToLower(r.NetworkID)
			if known, ok := networks[network]; ok {
				network = known
			}
			out = append(out, aggregate.Crossed{View: view, NetworkID: network, Value: r.Value, N: r.N})
		}
	}
	return merged(out), nil
}

// merged adds up what an alias has split, so that a digest does not hang on aliases.
func merged(groups []aggregate.Crossed) []aggregate.Crossed {
	at := map[aggregate.Crossed]int{}
	out := groups[:0:0]
	for _, g := range groups {
		n := g.N
		g.N = 0
		i, ok := at[g]
		if !ok {
			i = len(out)
			at[g] = i
			out = append(out, g)
		}
		out[i].N += n
	}
	return slices.Clip(out)
}

// digestAgain is the digest of what a release was cut from, as it is now.
func digestAgain(ctx context.Context, t *tx, r aggregate.Release, b aggregate.Batch) (string, error) {
	crossed, err := groupCrossed(ctx, t, r.Dataset, r.Taken, r.CrossedViews())
	if err != nil {
		return "", err
	}
	return aggregate.DigestCrossed(aggregate.Digest(b.Groups), crossed), nil
}

// chargeCrossings writes what the views of a release have spent to the ledger, where
// they stand in the way of any other draw of the same view and window.
func chargeCrossings(ctx context.Context, t *tx, r aggregate.Release) error {
	for _, c := range r.Charges() {
		if err := insertRelease(ctx, t, c); err != nil {
			return err
		}
	}
	return nil
}

var crossingColumns = []column{
	{"release_id", "text"}, {"view", "text"}, {"network_id", "text"}, {"value", "text"},
	{"installs", "bigint"}, {"epsilon", "numeric"}, {"half_width90", "bigint"},
}

func crossingLines(r aggregate.Release) [][]any {
	lines := make([][]any, len(r.Crossings))
	for i, c := range r.Crossings {
		lines[i] = []any{r.ID, c.View, null(c.NetworkID), c.Value, c.Installs, c.Epsilon, c.HalfWidth90}
	}
	return lines
}
