package store

import (
	"context"
	"fmt"
	"strings"
)

// erasedTables hold what was kept of an app's people and of its editors' work, with
// the columns of their keys. Copies come first: what is judged again would be counted.
var erasedTables = []struct {
	name string
	key  []string
}{
	{"postback", []string{"app_id", "received_at", "id"}},
	{"counted_postback", []string{"app_id", "environment", "first_seen", "identity"}},
	{"event", []string{"app_id", "id"}},
	{"install", []string{"app_id", "id"}},
	{"click", []string{"app_id", "id"}},
	{"consent_change", []string{"app_id", "id"}},
	{"reconciliation", []string{"app_id", "network_id", "day", "revision"}},
	{"outbox", []string{"app_id", "id"}},
	{"delivery_attempt", []string{"app_id", "delivery_id", "attempt"}},
	{"delivery_hour", []string{"app_id", "destination_id", "hour"}},
	{"attempt_hour", []string{"app_id", "hour", "destination_id", "class", "status"}},
	{"conversion_repeat", []string{"app_id", "hour", "kind"}},
	{"arrival_hour", []string{"app_id", "hour", "source", "framework", "version", "verdict", "state"}},
	{"counted_hour", []string{"app_id", "hour", "network_id", "framework", "version"}},
	{"model_drift", []string{"app_id", "sequence_index", "kind", "environment", "level", "metric", "event_name"}},
	{"schema_draft", []string{"app_id", "draft_id"}},
}

// eraseApp deletes in small transactions, so that receiving never waits long, and
// returns how many rows of each table it deleted.
func (s *Store) eraseApp(ctx context.Context, appID int64) (map[string]int64, error) {
	erased := make(map[string]int64, len(erasedTables))
	for _, table := range erasedTables {
		n, err := s.eraseTable(ctx, table.name, table.key, appID)
		erased[table.name] = n
		if err != nil {
			return erased, fmt.Errorf("erase what was kept of app %d: %w", appID, err)
		}
	}
	return erased, nil
}

func (s *Store) eraseTable(ctx context.Context, name string, key []string, appID int64) (int64, error) {
	lock := ""
	if s.main.dialect == postgres {
		lock = " FOR UPDATE" // in the order in which the receiver locks rows, or the two could deadlock
	}
	columns := strings.Join(key, ", ")
	text := s.main.q(`DELETE FROM ` + name + ` WHERE (` + columns + `) IN (
		SELECT ` + columns + ` FROM ` + name + ` WHERE app_id = ? ORDER BY ` + columns + ` LIMIT ?` + lock + `)`)
	var total int64
	for {
		res, err := s.main.w.ExecContext(ctx, text, appID, deleteBatch)
		if err != nil {
			return total, fmt.Errorf("%s: %w", name, err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("%s: %w", name, err)
		}
		if n == 0 {
			return total, nil
		}
		total += n
	}
}
