package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"skand/aggregate"
	"skand/conversion"
)

// Value and flags are read of fine values only: of the others they say nothing that
// is published, and would split groups that are alike.
const groupCountedSQL = `
SELECT COUNT(*) AS n, network_id, id_kind, source_id, value_kind, coarse, payer,
  revenue_min, revenue_est, revenue_max, schema_version, redownload,
  CASE WHEN value_kind = 'fine' THEN COALESCE(fine, 0) ELSE 0 END AS fine,
  CASE WHEN value_kind = 'fine' THEN flags ELSE '' END AS flags
FROM counted_postback
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND counted_at >= ? AND counted_at < ? AND ` + sealable + `
GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
ORDER BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14`

type countedGroup struct {
	N             int                 `db:"n"`
	NetworkID     string              `db:"network_id"`
	IDKind        string              `db:"id_kind"`
	Source        string              `db:"source_id"`
	Kind          string              `db:"value_kind"`
	Coarse        string              `db:"coarse"`
	Payer         bool                `db:"payer"`
	RevenueMin    decimal.Decimal     `db:"revenue_min"`
	RevenueEst    decimal.Decimal     `db:"revenue_est"`
	RevenueMax    decimal.NullDecimal `db:"revenue_max"`
	SchemaVersion int                 `db:"schema_version"`
	Redownload    bool                `db:"redownload"`
	Fine          int                 `db:"fine"`
	Flags         string              `db:"flags"`
}

func (r *countedGroup) counted() aggregate.Counted {
	flags := strings.Fields(r.Flags)
	g := aggregate.Counted{
		N: r.N, NetworkID: strings.ToLower(r.NetworkID), IDKind: r.IDKind, Source: r.Source, ShortForm: aggregate.ShortLast,
		Kind: r.Kind, Coarse: r.Coarse, Fine: r.Fine, Payer: r.Payer,
		Clamped:    slices.Contains(flags, conversion.FlagClamped),
		Ambiguous:  slices.Contains(flags, conversion.FlagAmbiguous),
		RevenueMin: r.RevenueMin, RevenueEst: r.RevenueEst, SchemaVersion: r.SchemaVersion, Redownload: r.Redownload,
	}
	if r.RevenueMax.Valid {
		g.RevenueMax = &r.RevenueMax.Decimal
	}
	return g
}

// Counted implements aggregate.SealStore.
func (s *Store) Counted(ctx context.Context, d aggregate.Dataset, taken aggregate.Window) (aggregate.Batch, error) {
	var b aggregate.Batch
	err := s.main.in(ctx, func(t *tx) error {
		var err error
		b, err = groupCounted(ctx, t, d, taken)
		return err
	})
	return b, err
}

func groupCounted(ctx context.Context, t *tx, d aggregate.Dataset, taken aggregate.Window) (aggregate.Batch, error) {
	b := aggregate.Batch{KnowsRedownloads: true}
	var rows []countedGroup
	err := t.SelectContext(ctx, &rows, t.q(groupCountedSQL), append(key(d), since(taken.Start), ms(taken.End))...)
	if err != nil {
		return b, fmt.Errorf("group counted rows of %s: %w", d, err)
	}
	short, err := shortForms(ctx, t, taken.End)
	if err != nil {
		return b, err
	}
	networks, err := aliases(ctx, t)
	if err != nil {
		return b, err
	}
	for i := range rows {
		g := rows[i].counted()
		if network, ok := networks[g.NetworkID]; ok {
			g.NetworkID = network
		}
		if form, ok := short[g.NetworkID]; ok {
			g.ShortForm = form
		}
		b.Groups = append(b.Groups, g)
	}
	app, err := describedApp(ctx, t, d.AppID)
	if err != nil {
		return b, err
	}
	b.Funnels = app.Funnel
	return b, meanings(ctx, t, d, taken.End, &b)
}

// shortForms are those in force for the window that ends at end, by network.
func shortForms(ctx context.Context, t *tx, end time.Time) (map[string]string, error) {
	const text = `SELECT network_id, short_form FROM network_setting WHERE effective_from < ? ORDER BY effective_from`
	var rows []struct {
		NetworkID string `db:"network_id"`
		ShortForm string `db:"short_form"`
	}
	if err := t.SelectContext(ctx, &rows, t.q(text), ms(end)); err != nil {
		return nil, fmt.Errorf("short forms of networks: %w", err)
	}
	m := make(map[string]string, len(rows))
	for _, r := range rows {
		m[r.NetworkID] = r.ShortForm
	}
	return m, nil
}

// aliases are the networks that other names stand for: a network that signs with two
// ids is one crowd. A network's own id is never taken for another's alias.
func aliases(ctx context.Context, t *tx) (map[string]string, error) {
	const text = `SELECT alias, network_id FROM network_alias
		WHERE alias NOT IN (SELECT network_id FROM network)`
	var rows []struct {
		Alias     string `db:"alias"`
		NetworkID string `db:"network_id"`
	}
	if err := t.SelectContext(ctx, &rows, text); err != nil {
		return nil, fmt.Errorf("aliases of networks: %w", err)
	}
	m := make(map[string]string, len(rows))
	for _, r := range rows {
		m[r.Alias] = r.NetworkID
	}
	return m, nil
}

// meanings describes every schema version that may have decoded rows of the window:
// those in force before its end, however old, as rows may have been carried for long;
// and whether one of them leaves a band without an upper bound.
func meanings(ctx context.Context, t *tx, d aggregate.Dataset, end time.Time, b *aggregate.Batch) error {
	versions, err := schemaVersions(ctx, t, d.AppID)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if !mayHaveDecoded(v, end) {
			continue
		}
		b.OpenRevenue = b.OpenRevenue || v.Document.OpenRevenue()
		if m := aggregate.MeaningOf(v.Version, v.Document, d); len(m.Values) > 0 {
			b.Schemas = append(b.Schemas, m)
		}
	}
	return nil
}

// mayHaveDecoded reports whether rows of a window that ends at end may have been
// decoded by the version. The first one binds everything earlier.
func mayHaveDecoded(v conversion.SchemaVersion, end time.Time) bool {
	return v.Version == 1 || v.EffectiveFrom.Before(end)
}
