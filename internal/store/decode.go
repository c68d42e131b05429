package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skand/conversion"
	"skand/schema"
	"skand/skan"
)

// relay is who passed on the copy whose values count, "" if that came from Apple: also
// where a copy of Apple's with the same values has come since, for the arrival is still
// the relayed one's. Once retention has taken the copy away, the network stands in.
const undecodedSQL = `
SELECT app_id, environment, first_seen, identity, copy_id, framework, version, sequence_index, kind, id_kind, source_id,
  fine, coarse, received_at, source, network_id,
  COALESCE((SELECT p.relay FROM postback p
      WHERE p.app_id = counted_postback.app_id AND p.received_at = counted_postback.received_at AND p.id = counted_postback.copy_id),
    CASE WHEN source = 'relay' THEN network_id ELSE '' END) AS relay
FROM counted_postback WHERE decoded_at IS NULL AND sealed_in IS NULL
ORDER BY counted_at LIMIT ?` // the order of the index: a backlog is never sorted

type pendingRow struct {
	AppID       int64             `db:"app_id"`
	Environment skan.Environment  `db:"environment"`
	FirstSeen   int64             `db:"first_seen"`
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
	Relay       string            `db:"relay"`
}

// Undecoded implements conversion.DecodeStore.
func (s *Store) Undecoded(ctx context.Context, limit int) ([]conversion.Pending, error) {
	var rows []pendingRow
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(undecodedSQL), limit); err != nil {
		return nil, fmt.Errorf("list undecoded postbacks: %w", err)
	}
	late := relayDelays{}
	if slices.ContainsFunc(rows, func(r pendingRow) bool { return r.Relay != "" }) {
		var err error
		if late, err = s.relayDelays(ctx); err != nil {
			return nil, err
		}
	}
	out := make([]conversion.Pending, len(rows))
	for i, r := range rows {
		out[i] = conversion.Pending{
			AppID: r.AppID, Environment: r.Environment, Identity: r.Identity, FirstSeen: at(r.FirstSeen), CopyID: r.CopyID,
			Framework: r.Framework, Version: r.Version, Index: r.Index, Kind: r.Kind, IDKind: r.IDKind,
			SourceID: r.SourceID, Fine: r.Fine, Coarse: r.Coarse, ReceivedAt: at(r.ReceivedAt),
			Source: r.Source, NetworkID: r.NetworkID, RelayDelay: late.of(r.Relay),
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

func schemaVersions(ctx context.Context, from selecter, appID int64) ([]conversion.SchemaVersion, error) {
	const text = `SELECT version, effective_from, document FROM schema_version WHERE app_id = ? ORDER BY version`
	var rows []struct {
		Version       int    `db:"version"`
		EffectiveFrom int64  `db:"effective_from"`
		Document      string `db:"document"`
	}
	if err := from.SelectContext(ctx, &rows, from.Rebind(text), appID); err != nil {
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

var decodedColumns = []column{
	{"app_id", "bigint"}, {"environment", "text"}, {"first_seen", "bigint"}, {"identity", "bytea"}, {"copy_id", "text"},
	{"decoded_at", "bigint"}, {"value_kind", "text"}, {"state", "text"}, {"flags", "text"}, {"schema_version", "bigint"},
	{"payer", "boolean"}, {"revenue_min", "text"}, {"revenue_est", "text"}, {"revenue_max", "text"},
	{"install_point", "bigint"}, {"install_from", "bigint"}, {"install_to", "bigint"},
}

// saveDecodedSQL takes the decodes of many rows at once, from arrays. A row whose
// copy has been replaced, or that was sealed meanwhile, is left alone; and so is one
// that was decoded without a schema when there is one by now.
const saveDecodedSQL = `
UPDATE counted_postback SET decoded_at = d.decoded_at, value_kind = d.value_kind, state = d.state, flags = d.flags,
  schema_version = d.schema_version, payer = d.payer, revenue_min = d.revenue_min::numeric,
  revenue_est = d.revenue_est::numeric, revenue_max = NULLIF(d.revenue_max, '')::numeric,
  install_point = d.install_point, install_from = d.install_from, install_to = d.install_to
FROM %s
WHERE counted_postback.app_id = d.app_id AND counted_postback.environment = d.environment AND counted_postback.first_seen = d.first_seen
  AND counted_postback.identity = d.identity AND counted_postback.copy_id = d.copy_id AND counted_postback.sealed_in IS NULL
  AND (d.schema_version <> 0 OR NOT EXISTS (SELECT 1 FROM schema_version v WHERE v.app_id = d.app_id))`

// saveOneSQL is the same for one row: SQLite has no round trip to save, and joined
// with many rows it would read the table instead of looking each row up.
const saveOneSQL = `
UPDATE counted_postback SET decoded_at = ?6, value_kind = ?7, state = ?8, flags = ?9, schema_version = ?10, payer = ?11,
  revenue_min = ?12, revenue_est = ?13, revenue_max = NULLIF(?14, ''), install_point = ?15, install_from = ?16, install_to = ?17
WHERE app_id = ?1 AND environment = ?2 AND first_seen = ?3 AND identity = ?4 AND copy_id = ?5 AND sealed_in IS NULL
  AND (?10 <> 0 OR NOT EXISTS (SELECT 1 FROM schema_version v WHERE v.app_id = ?1))`

const lockUndecodedSQL = `
SELECT 1 FROM counted_postback c JOIN unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[]) AS k (app_id, environment, first_seen, identity)
  ON c.app_id = k.app_id AND c.environment = k.environment AND c.first_seen = k.first_seen AND c.identity = k.identity
ORDER BY c.app_id, c.environment, c.first_seen, c.identity FOR UPDATE OF c`

// SaveDecoded implements conversion.DecodeStore.
func (s *Store) SaveDecoded(ctx context.Context, decoded []conversion.Decoded) (int, error) {
	kept := 0
	err := s.main.in(ctx, func(t *tx) error {
		for chunk := range slices.Chunk(decoded, maxMarks/len(decodedColumns)) {
			n, err := saveDecoded(ctx, t, chunk)
			if err != nil {
				return fmt.Errorf("keep decodes: %w", err)
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

func saveDecoded(ctx context.Context, t *tx, decoded []conversion.Decoded) (int64, error) {
	rows := make([][]any, len(decoded))
	for i := range decoded {
		d := &decoded[i]
		most := "" // an open band: there is none
		if d.RevenueMax != nil {
			most = d.RevenueMax.String()
		}
		rows[i] = []any{
			d.AppID, string(d.Environment), ms(d.FirstSeen), d.Identity, d.CopyID,
			ms(d.DecodedAt), d.ValueKind, string(d.State), strings.Join(d.Flags, " "), int64(d.SchemaVersion),
			d.Payer, d.RevenueMin.String(), d.RevenueEst.String(), most,
			ms(d.Launch.Point), ms(d.Launch.From), ms(d.Launch.To),
		}
	}
	if t.dialect == sqlite {
		return saveOneByOne(ctx, t, rows)
	}
	from, args, err := unnestTable(decodedColumns, rows)
	if err != nil {
		return 0, err
	}
	// In the order in which the receiver locks rows, or the two could deadlock; an
	// UPDATE has no order of its own.
	if _, err := t.ExecContext(ctx, lockUndecodedSQL, args[0], args[1], args[2], args[3]); err != nil {
		return 0, err
	}
	text := fmt.Sprintf(saveDecodedSQL, from+" AS d ("+names(decodedColumns)+")")
	res, err := t.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func saveOneByOne(ctx context.Context, t *tx, rows [][]any) (int64, error) {
	stmt, err := t.PreparexContext(ctx, saveOneSQL)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stmt.Close() }() // it goes with the transaction
	var kept int64
	for _, row := range rows {
		res, err := stmt.ExecContext(ctx, row...)
		if err != nil {
			return 0, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		kept += n
	}
	return kept, nil
}
