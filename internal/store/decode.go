package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"skand/conversion"
	"skand/schema"
	"skand/skan"
)

const undecodedSQL = `
SELECT app_id, environment, identity, copy_id, framework, version, sequence_index, kind, id_kind, source_id,
  fine, coarse, received_at, source, network_id
FROM counted_postback WHERE decoded_at IS NULL AND sealed_in IS NULL
ORDER BY counted_at LIMIT ?`

type pendingRow struct {
	AppID       int64             `db:"app_id"`
	Environment skan.Environment  `db:"environment"`
	Identity    []byte            `db:"identity"`
	CopyID      string            `db:"copy_id"`
	Framework   skan.Framework    `db:"framework"`
	Version     string            `db:"version"`
	Index       int               `db:"sequence_index"`
	Kind        conversion.Kind   `db:"kind"`
	IDKind      string            `db:"id_kind"`
	SourceID    string            `db:"source_id"`
	Fine        *int              `db:"fine"`
	Coarse      string            `db:"coarse"`
	ReceivedAt  int64             `db:"received_at"`
	Source      conversion.Source `db:"source"`
	NetworkID   string            `db:"network_id"`
}

// Undecoded implements conversion.DecodeStore.
func (s *Store) Undecoded(ctx context.Context, limit int) ([]conversion.Pending, error) {
	var rows []pendingRow
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(undecodedSQL), limit); err != nil {
		return nil, fmt.Errorf("list undecoded postbacks: %w", err)
	}
	out := make([]conversion.Pending, len(rows))
	for i, r := range rows {
		out[i] = conversion.Pending{
			AppID: r.AppID, Environment: r.Environment, Identity: r.Identity, CopyID: r.CopyID,
			Framework: r.Framework, Version: r.Version, Index: r.Index, Kind: r.Kind, IDKind: r.IDKind,
			SourceID: r.SourceID, Fine: r.Fine, Coarse: r.Coarse, ReceivedAt: at(r.ReceivedAt),
			Source: r.Source, NetworkID: r.NetworkID,
		}
	}
	return out, nil
}

// SchemaVersions implements conversion.DecodeStore.
func (s *Store) SchemaVersions(ctx context.Context, appID int64) ([]conversion.SchemaVersion, error) {
	var versions []conversion.SchemaVersion
	err := s.main.in(ctx, func(t *tx) error {
		var err error
		versions, err = schemaVersions(ctx, t, appID)
		return err
	})
	return versions, err
}

func schemaVersions(ctx context.Context, t *tx, appID int64) ([]conversion.SchemaVersion, error) {
	const text = `SELECT version, effective_from, document FROM schema_version WHERE app_id = ? ORDER BY version`
	var rows []struct {
		Version       int    `db:"version"`
		EffectiveFrom int64  `db:"effective_from"`
		Document      string `db:"document"`
	}
	if err := t.SelectContext(ctx, &rows, t.q(text), appID); err != nil {
		return nil, fmt.Errorf("list schema versions of app %d: %w", appID, err)
	}
	versions := make([]conversion.SchemaVersion, len(rows))
	for i, r := range rows {
		d, err := schema.Parse([]byte(r.Document))
		if err != nil {
			return nil, fmt.Errorf("read schema version %d of app %d: %w", r.Version, appID, err)
		}
		versions[i] = conversion.SchemaVersion{Version: r.Version, EffectiveFrom: at(r.EffectiveFrom), Document: d}
	}
	return versions, nil
}

const saveDecodedSQL = `
UPDATE counted_postback SET decoded_at = :decoded_at, value_kind = :value_kind, state = :state, flags = :flags,
  schema_version = :schema_version, payer = :payer, revenue_min = :revenue_min, revenue_est = :revenue_est,
  revenue_max = :revenue_max, install_point = :install_point, install_from = :install_from, install_to = :install_to
WHERE app_id = :app_id AND environment = :environment AND identity = :identity AND copy_id = :copy_id AND sealed_in IS NULL`

// SaveDecoded implements conversion.DecodeStore.
func (s *Store) SaveDecoded(ctx context.Context, decoded []conversion.Decoded) (int, error) {
	kept := 0
	// The order in which the receiver locks rows, or the two could deadlock.
	decoded = slices.Clone(decoded)
	slices.SortFunc(decoded, func(a, b conversion.Decoded) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), cmp.Compare(a.Environment, b.Environment), bytes.Compare(a.Identity, b.Identity))
	})
	err := s.main.in(ctx, func(t *tx) error {
		for i := range decoded {
			d := &decoded[i]
			res, err := sqlx.NamedExecContext(ctx, t, saveDecodedSQL, map[string]any{
				"decoded_at": ms(d.DecodedAt), "value_kind": d.ValueKind, "state": d.State,
				"flags": strings.Join(d.Flags, " "), "schema_version": d.SchemaVersion, "payer": d.Payer,
				"revenue_min": d.RevenueMin, "revenue_est": d.RevenueEst, "revenue_max": d.RevenueMax,
				"install_point": ms(d.Launch.Point), "install_from": ms(d.Launch.From), "install_to": ms(d.Launch.To),
				"app_id": d.AppID, "environment": d.Environment, "identity": d.Identity, "copy_id": d.CopyID,
			})
			if err != nil {
				return fmt.Errorf("keep decode: %w", err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return fmt.Errorf("keep decode: %w", err)
			}
			kept += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return kept, nil
}
