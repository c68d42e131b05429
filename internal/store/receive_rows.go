package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"

	"skand/conversion"
	"skand/skan"
)

func trustsDevelopment(ctx context.Context, t *tx, appID int64) (bool, error) {
	var trusts bool
	err := t.GetContext(ctx, &trusts, t.q(`SELECT trust_development FROM app WHERE app_id = ?`), appID)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up app %d: %w", appID, err)
	}
	return trusts, nil
}

const sealedUntilSQL = `
SELECT COALESCE(MAX(window_end), 0) FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND release_kind = 'base'`

// sealedUntil is the end of a dataset's last sealed window. An archived arrival
// before it counts now, in the next open window; a later one keeps its time.
func sealedUntil(ctx context.Context, t *tx, known map[datasetRow]int64, d datasetRow) (int64, error) {
	if until, ok := known[d]; ok {
		return until, nil
	}
	var until int64
	err := t.GetContext(ctx, &until, t.q(sealedUntilSQL), d.AppID, d.Index, d.Kind, d.Environment)
	if err != nil {
		return 0, fmt.Errorf("look up sealed windows: %w", err)
	}
	known[d] = until
	return until, nil
}

// countedValues is what counts for one identity.
type countedValues struct {
	AppID       int64             `db:"app_id"`
	Environment skan.Environment  `db:"environment"`
	FirstSeen   int64             `db:"first_seen"`
	Identity    []byte            `db:"identity"`
	Source      conversion.Source `db:"source"`
	Fine        *int              `db:"fine"`
	Coarse      string            `db:"coarse"`
	Country     string            `db:"country"`
	Interaction string            `db:"interaction"`
	SealedIn    *string           `db:"sealed_in"`
}

// The identity says where its counted row lies. The list of keys comes first and the
// joins are inner ones that SQLite keeps in this order (CROSS JOIN): two look-ups a
// key. A row value IN (VALUES …) would read the whole index.
const countedValuesSQL = `
SELECT c.app_id, c.environment, c.first_seen, c.identity, c.source, c.fine, c.coarse, c.country, c.interaction, c.sealed_in
FROM %s CROSS JOIN postback_identity i CROSS JOIN counted_postback c
WHERE i.app_id = k.app_id AND i.environment = k.environment AND i.identity = k.identity
  AND c.app_id = i.app_id AND c.environment = i.environment AND c.first_seen = i.first_seen AND c.identity = i.identity`

var identityColumns = []column{{"app_id", "bigint"}, {"environment", "text"}, {"identity", "bytea"}}

// countedValuesQuery asks for many identities at once; on PostgreSQL it locks their
// rows, in the order that everyone locks in.
func countedValuesQuery(d dialect, keys []identityKey) (string, []any) {
	if d == sqlite {
		rows := make([][]any, len(keys))
		for i, k := range keys {
			rows[i] = []any{k.appID, string(k.environment), []byte(k.hash)}
		}
		given, args := valuesTable(identityColumns, rows)
		return fmt.Sprintf(countedValuesSQL, "("+given+") AS k"), args
	}
	apps, environments, hashes := make(pq.Int64Array, len(keys)), make(pq.StringArray, len(keys)), make(pq.ByteaArray, len(keys))
	for i, k := range keys {
		apps[i], environments[i], hashes[i] = k.appID, string(k.environment), []byte(k.hash)
	}
	return fmt.Sprintf(countedValuesSQL, "unnest($1::bigint[], $2::text[], $3::bytea[]) AS k (app_id, environment, identity)") + `
ORDER BY c.app_id, c.environment, c.first_seen, c.identity FOR UPDATE OF c`, []any{apps, environments, hashes}
}

// forgetCopySQL takes a copy out that is put back with another state, maybe under
// the app that could not be read from it before.
const forgetCopySQL = `DELETE FROM postback WHERE app_id = ? AND received_at = ? AND id = ?`

// differences is how a conflict is kept: JSON, "" where there is none.
func differences(d []conversion.Difference) (string, error) {
	if len(d) == 0 {
		return "", nil
	}
	b, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("write differences: %w", err)
	}
	return string(b), nil
}

// plain makes what a stranger wrote (a version, a kid) fit for a text column:
// PostgreSQL refuses NUL, and nobody needs more than a line of it.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > 128 {
		s = strings.ToValidUTF8(s[:128], "")
	}
	return s
}
