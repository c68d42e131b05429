package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"skand/forward/reconcile"
	"skand/internal/clock"
)

// A history in which one day is a small part.
const (
	historyDays = 60
	historyADay = 600
)

// bulkHistory writes days of events, an install for every third and a delivery for
// each, as they stand when all is settled.
func bulkHistory(t *testing.T, s *Store) {
	t.Helper()
	series := `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) `
	rows, step := historyDays*historyADay, 24*time.Hour.Milliseconds()/historyADay
	first := ms(start) - (historyDays-1)*24*time.Hour.Milliseconds()
	run := func(text string, args ...any) {
		_, err := s.main.w.ExecContext(t.Context(), s.main.q(text), args...)
		require.NoError(t, err, text)
	}
	// PostgreSQL takes WITH behind INSERT alike.
	run(`INSERT INTO install (app_id, id, installed_at, received_at, click_id, network_id, campaign_id, decision, reason, method,
			interaction, flags, is_test, att_status, limited, gdpr, consent_at, decided_at, detail, body) `+series+`
		SELECT ?, 'i' || i, CAST(? AS BIGINT) + CAST(i AS BIGINT) * 3 * ?, CAST(? AS BIGINT) + CAST(i AS BIGINT) * 3 * ?, '', ?, '39', 'attributed', 'click_id', 'click_id', 'click', '', FALSE, '', FALSE, '', 0, 0, '', '' FROM n`,
		rows/3, testApp, first, step, first, step, testNetwork)
	run(`INSERT INTO event (app_id, id, install_id, name, happened_at, received_at, currency, flags, body) `+series+`
		SELECT ?, 'e' || i, 'i' || (i / 3), 'buy', CAST(? AS BIGINT) + CAST(i AS BIGINT) * ?, CAST(? AS BIGINT) + CAST(i AS BIGINT) * ?, '', '', '' FROM n`,
		rows, testApp, first, step, first, step)
	run(`INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields, created_at, first_due_at, due_at, expires_at,
			fence, attempts, state, reason, status, settled_at)
		SELECT app_id, id, 'main', 'event/' || id, 'event', 'Purchase', '', happened_at, happened_at, happened_at, happened_at,
			1, 1, 'delivered', '', 200, happened_at + 1000 FROM event`)
	run(`INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields, created_at, first_due_at, due_at, expires_at,
			fence, attempts, state, reason, status, settled_at)
		SELECT app_id, id, 'main', 'install/' || id, 'install', 'install', '', installed_at, installed_at, installed_at, installed_at,
			1, 1, 'delivered', '', 200, installed_at + 1000 FROM install`)
	run(`ANALYZE`)
}

// TestReportsReadADay: what a report of one day runs looks the day up, on either
// database, however long the history is; and it counts all of the day.
func TestReportsReadADay(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		bulkHistory(t, s)
		c := &ourCount{s: s, appID: testApp, networks: []string{testNetwork, "com.example"}, order: []string{"main", "second"}}
		from, to := reconcile.Reach(start)
		explain := map[dialect]string{sqlite: "EXPLAIN QUERY PLAN ", postgres: "EXPLAIN "}[s.main.dialect]
		for _, q := range c.queries(ms(from), ms(to)) {
			text, args, err := sqlx.In(q.text, q.args...)
			require.NoError(t, err)
			var lines []string
			require.NoError(t, c.reading(t.Context(), func(from rowsReader) error {
				rows, err := from.QueryxContext(t.Context(), from.Rebind(explain+text), args...)
				if err != nil {
					return err
				}
				defer func() { require.NoError(t, rows.Close()) }()
				for rows.Next() {
					cells, err := rows.SliceScan()
					require.NoError(t, err)
					lines = append(lines, fmt.Sprintf("%s", cells[len(cells)-1]))
				}
				return rows.Err()
			}))
			plan := strings.Join(lines, "\n")
			for _, whole := range []string{"SCAN e", "SCAN i", "SCAN o", "SCAN c", "Seq Scan on event", "Seq Scan on install", "Seq Scan on outbox"} {
				for line := range strings.Lines(plan) {
					require.NotContainsf(t, line+" ", whole+" ", "%s\n%s", q.text, plan)
				}
			}
			require.NotContains(t, plan, "TEMP B-TREE")
		}
		uploads := []Reconciliation{{AppID: testApp, NetworkID: testNetwork, Day: start.Format(time.DateOnly), TimeZone: "UTC"}}
		r, err := s.discrepancies(t.Context(), uploads)
		require.NoError(t, err)
		counts := map[string]int64{}
		for _, l := range r.Lines {
			counts[l.Event] += l.Counts.Ours
		}
		require.Equal(t, "map[buy:600 install:200]", fmt.Sprint(counts))
	})
}
