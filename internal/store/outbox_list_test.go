package store

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
)

// logged is a row of the outbox as a test knows it.
type logged struct {
	app                    int64
	id, destination, dedup string
	kind, event, subject   string
	state                  forward.State
	reason                 string
	status                 int
	created                int64
	attempts               []loggedTry
}

type loggedTry struct {
	at     int64
	class  forward.Class
	status int
}

// fillLog writes random rows, of three apps and five destinations, two of one network.
func fillLog(q queue, random *rand.Rand, n int) []logged {
	q.t.Helper()
	for i, id := range []string{"da", "db", "dc"} {
		q.save(id, "https://h.example/", func(d *forward.Destination) {
			d.AppID, d.NetworkID = int64(1+i), []string{"one.example", "one.example", "two.example"}[i]
		})
	}
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	var all []logged
	for i := range n {
		l := logged{
			id: fmt.Sprintf("%08x-0000-5000-8000-%012x", random.Uint32(), i), dedup: fmt.Sprintf("event/%d", i), kind: pick(kinds...),
			event: pick("purchase", "open", ""), state: forward.States()[random.IntN(6)], subject: fmt.Sprintf("s%d", random.IntN(9)),
			status: []int{0, 200, 204, 404, 500}[random.IntN(5)], created: ms(start) + int64(random.IntN(n/3+1)),
		}
		l.destination = pick("d", "da", "db", "dc", "deleted")
		l.app = map[string]int64{"d": 1, "da": 1, "db": 2, "dc": 3, "deleted": 4}[l.destination]
		if random.IntN(2) == 0 {
			l.reason = "why"
		}
		for a := range random.IntN(4) {
			try := loggedTry{at: l.created + int64(a*7), class: []forward.Class{forward.ClassRetry, forward.ClassHeld}[random.IntN(2)], status: []int{0, 500}[random.IntN(2)]}
			l.attempts = append(l.attempts, try)
		}
		all = append(all, l)
	}
	err := q.s.main.in(q.t.Context(), func(t *tx) error {
		for _, l := range all {
			const row = `INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields, subject, created_at, first_due_at,
				due_at, expires_at, fence, attempts, state, reason, status, settled_at) VALUES (?, ?, ?, ?, ?, ?, '{}', ?, ?, 0, 0, 0, 0, ?, ?, ?, ?, NULL)`
			_, err := t.ExecContext(q.t.Context(), t.q(row), l.app, l.id, l.destination, l.dedup, l.kind, l.event, l.subject, l.created,
				len(l.attempts), l.state, l.reason, l.status)
			if err != nil {
				return err
			}
			for i, a := range l.attempts {
				const try = `INSERT INTO delivery_attempt (app_id, delivery_id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version)
					VALUES (?, ?, ?, ?, 0, ?, ?, '', '', 1)`
				if _, err := t.ExecContext(q.t.Context(), t.q(try), l.app, l.id, i+1, a.at, a.class, a.status); err != nil {
					return err
				}
			}
		}
		return nil
	})
	require.NoError(q.t, err)
	return all
}

// at is where a filter lists a row; false: not at all. It is the naive reading.
func (f DeliveryFilter) naive(l logged) (int64, bool) {
	network := map[string]string{"d": "net.example", "da": "one.example", "db": "one.example", "dc": "two.example"}[l.destination]
	for _, pair := range [][2]string{
		{f.DestinationID, l.destination}, {f.NetworkID, network}, {f.Kind, l.kind}, {f.EventName, l.event}, {string(f.State), string(l.state)},
		{f.DeliveryID, l.id}, {f.DedupKey, l.dedup},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return 0, false
		}
	}
	if f.AppID != 0 && f.AppID != l.app {
		return 0, false
	}
	if f.Query != "" && !slices.Contains([]string{l.id, l.dedup, l.destination, l.event}, f.Query) {
		return 0, false
	}
	within := func(v int64) bool {
		return (f.From.IsZero() || v >= ms(f.From)) && (f.To.IsZero() || v < ms(f.To))
	}
	if f.Attempted {
		for _, a := range slices.Backward(l.attempts) {
			if within(a.at) && (f.Class == "" || f.Class == a.class) && (f.Status == nil || *f.Status == a.status) {
				return a.at, true
			}
		}
		return 0, false
	}
	last := map[forward.State]forward.Class{
		forward.StateDelivered: forward.ClassOK, forward.StateHeld: forward.ClassHeld, forward.StateRefused: forward.ClassRefused,
		forward.StateGone: forward.ClassGone, forward.StateExpired: forward.ClassExpired,
	}[l.state]
	if l.state == forward.StatePending && l.reason != "" {
		last = forward.ClassRetry
	}
	return l.created, within(l.created) && (f.Class == "" || f.Class == last) && (f.Status == nil || *f.Status == l.status)
}

// TestDeliveriesByEveryFilter: alone and together, page by page, against reading it all.
func TestDeliveriesByEveryFilter(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		random := rand.New(rand.NewPCG(5, 6))
		all := fillLog(q, random, 400)
		some := func() logged { return all[random.IntN(len(all))] }
		parts := []func(f *DeliveryFilter){
			func(f *DeliveryFilter) { f.AppID = some().app },
			func(f *DeliveryFilter) { f.DestinationID = some().destination },
			func(f *DeliveryFilter) {
				f.NetworkID = []string{"one.example", "two.example", "nobody"}[random.IntN(3)]
			},
			func(f *DeliveryFilter) { f.Kind = some().kind },
			func(f *DeliveryFilter) { f.EventName = cmp.Or(some().event, "purchase") },
			func(f *DeliveryFilter) { f.State = some().state },
			func(f *DeliveryFilter) {
				f.Class = []forward.Class{"ok", "retry", "held", "refused", "gone", "expired"}[random.IntN(6)]
			},
			func(f *DeliveryFilter) { f.Status = ptr(some().status) },
			func(f *DeliveryFilter) { f.From = at(some().created) },
			func(f *DeliveryFilter) { f.To = at(some().created) },
			func(f *DeliveryFilter) { f.Attempted = true },
			func(f *DeliveryFilter) { f.DeliveryID = some().id },
			func(f *DeliveryFilter) { f.DedupKey = some().dedup },
			func(f *DeliveryFilter) {
				if l := some(); !f.Attempted {
					f.Query = []string{l.id, l.dedup, l.destination, cmp.Or(l.event, "open")}[random.IntN(4)]
				}
			},
		}
		filled := 0
		for round := range 250 {
			var f DeliveryFilter
			if round < len(parts) {
				parts[round](&f)
			} else {
				for range 1 + random.IntN(3) {
					parts[random.IntN(len(parts))](&f)
				}
			}
			if f.Query != "" {
				f.Attempted, f.DeliveryID, f.DedupKey = false, "", ""
			}
			var want []deliveryKey
			for _, l := range all {
				if when, ok := f.naive(l); ok {
					want = append(want, deliveryKey{l.app, l.id, when})
				}
			}
			slices.SortFunc(want, func(a, b deliveryKey) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.ID, a.ID)) })
			ids := []string{}
			for _, k := range want {
				ids = append(ids, k.ID)
			}
			filled += min(1, len(ids))
			for _, limit := range []int{1000, 1 + len(ids)/3} {
				got := []string{}
				for cursor, n := "", 0; n < 500; n++ {
					page, next, err := q.s.Deliveries(t.Context(), f, cursor, limit)
					require.NoError(t, err)
					for _, d := range page {
						got = append(got, d.ID)
					}
					if cursor = next; cursor == "" {
						break
					}
					require.Len(t, page, limit)
				}
				require.Equal(t, ids, got, "round %d: %+v", round, f)
			}
		}
		require.Greater(t, filled, 150)
		for _, l := range all[:20] {
			d, err := q.s.Delivery(t.Context(), l.id, false)
			require.NoError(t, err)
			require.Len(t, d.Log, len(l.attempts))
			require.Nil(t, d.Fields)
		}
		_, err := q.s.Delivery(t.Context(), "nobody", false)
		require.ErrorIs(t, err, ErrNoDelivery)
		page, _, err := q.s.Deliveries(t.Context(), DeliveryFilter{Query: "a\x00"}, "", 5)
		require.NoError(t, err)
		require.Empty(t, page)
		_, _, err = q.s.Deliveries(t.Context(), DeliveryFilter{}, "x.y", 5)
		require.ErrorIs(t, err, ErrCursor)
	})
}

// TestDeliveriesOfManyDestinations: more than one statement can ask of.
func TestDeliveriesOfManyDestinations(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		const n = 150 // times six states
		for i := range n {
			q.exec(fmt.Sprintf(`INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields, created_at, first_due_at,
				due_at, expires_at, fence, attempts, state, reason, status) VALUES (1, 'id%03d', 'many%03d', 'k', 'event', '', '{}', %d, 0, 0, 0, 0, 0, 'pending', '', 0)`, i, (i*37)%n, i))
		}
		page, next, err := q.s.Deliveries(t.Context(), DeliveryFilter{}, "", 10)
		require.NoError(t, err)
		require.Equal(t, "id149", page[0].ID)
		require.Equal(t, "id140", page[9].ID)
		page, _, err = q.s.Deliveries(t.Context(), DeliveryFilter{}, next, 10)
		require.NoError(t, err)
		require.Equal(t, "id139", page[0].ID)
	})
}

func (q queue) exec(text string, args ...any) {
	q.t.Helper()
	_, err := q.s.main.w.ExecContext(q.t.Context(), q.s.main.q(text), args...)
	require.NoError(q.t, err)
}

// TestDeliveryByWhatAnOperatorKnows: the id of an install or event as it was reported
// finds what was sent of it, though nothing keeps that id in clear.
func TestDeliveryByWhatAnOperatorKnows(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		for _, step := range c.story("x") {
			_, err := step()
			require.NoError(t, err)
		}
		whole, _, err := c.s.Deliveries(t.Context(), DeliveryFilter{}, "", 100)
		require.NoError(t, err)
		require.NotEmpty(t, whole)
		install := c.dump(`SELECT DISTINCT subject FROM outbox`)
		require.Len(t, install, 1)
		const known = "ix"
		require.Equal(t, c.s.InstallHash(known), install[0])
		for _, f := range []DeliveryFilter{{ConversionID: known}, {Query: known}, {ConversionID: known, Attempted: false, AppID: testApp}} {
			found, _, err := c.s.Deliveries(t.Context(), f, "", 100)
			require.NoError(t, err)
			require.Len(t, found, len(whole), "%+v", f)
		}
		other, _, err := c.s.Deliveries(t.Context(), DeliveryFilter{ConversionID: "nobody"}, "", 100)
		require.NoError(t, err)
		require.Empty(t, other)
	})
}

// TestDeliveryFieldsAreAudited: the values that a delivery carries are shown to nobody
// untold.
func TestDeliveryFieldsAreAudited(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(1)
		id := q.claim(1)[0].ID
		d, err := q.s.Delivery(as(t, "ann", "operator"), id, true)
		require.NoError(t, err)
		require.Equal(t, "c0", d.Fields["click_id"])
		lines, _, err := q.s.AuditLog(t.Context(), AuditFilter{Action: ActDeliveryRead}, "", 5)
		require.NoError(t, err)
		require.Len(t, lines, 1)
		require.Equal(t, "ann delivery "+id, lines[0].Who+" "+lines[0].Object)
		require.NotContains(t, string(lines[0].Detail), "c0")
		q.exec(`DROP TABLE audit_log`)
		_, err = q.s.Delivery(as(t, "ann", "operator"), id, true)
		require.Error(t, err, "what can't be told is not shown")
	})
}

// onLog is a queue whose log is long: rows of few destinations, all delivered but some.
func onLog(q queue, n int) {
	q.t.Helper()
	series := `WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < ` + fmt.Sprint(n-1) + `) `
	q.exec(series + `INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields, subject, created_at, first_due_at,
			due_at, expires_at, fence, attempts, state, reason, status, settled_at)
		SELECT 1 + n % 2, 'id' || n, 'd' || (n % 4), 'event/' || n, CASE WHEN n % 30011 = 7 THEN 'rejected' ELSE 'event' END,
			CASE WHEN n % 30011 = 11 THEN 'rare' ELSE 'open' END, '', 's' || n, n, n, n, n, 1, 1,
			CASE WHEN n % 20011 = 3 THEN 'refused' WHEN n % 20011 = 5 THEN 'held' WHEN n % 20011 = 9 THEN 'pending' ELSE 'delivered' END, 'r',
			CASE WHEN n % 20011 = 3 THEN 422 ELSE 200 END, n + 5 FROM s`)
	q.exec(series + `INSERT INTO delivery_attempt (app_id, delivery_id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version)
		SELECT 1 + n % 2, 'id' || n, 1, n, 5, 'ok', 200, '', '', 1 FROM s`)
}

// logFilters is every filter, and those that are asked together most.
func logFilters(n int) map[string]DeliveryFilter {
	last := at(int64(n - 100))
	return map[string]DeliveryFilter{
		"none": {}, "app": {AppID: 1}, "destination": {DestinationID: "d3"}, "network": {NetworkID: "net.example"}, "kind": {Kind: "rejected"},
		"event": {EventName: "rare"}, "state": {State: forward.StateRefused}, "state pending": {State: forward.StatePending},
		"class": {Class: forward.ClassHeld}, "status": {Status: ptr(422)}, "delivery": {DeliveryID: "id5"}, "dedup": {DedupKey: "event/77"},
		"conversion": {ConversionID: "x"}, "query": {Query: "x"}, "from, to": {From: at(1000), To: at(1100)}, "from": {From: last},
		"attempted": {Attempted: true, From: at(1000), To: at(1100)}, "destination and state": {DestinationID: "d1", State: forward.StateHeld},
		"destination, status": {DestinationID: "d1", Status: ptr(422), From: at(0)}, "event of a destination": {DestinationID: "d3", EventName: "rare"},
	}
}

// TestDeliveryLogNeverScans holds the plans of SQLite, which are the same with and
// without rows: no filter reads through a table.
func TestDeliveryLogNeverScans(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Main: migratedSQLite(t), Lab: Lab, Clock: clock.NewManual(start)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	q := queue{t, s, clock.NewManual(start)}
	q.save("d3", "https://h.example/", nil)
	const n = 3000
	onLog(q, n)
	for name, f := range logFilters(n) {
		p, err := s.places(t.Context(), f)
		require.NoError(t, err)
		paths, err := s.paths(t.Context(), f, p)
		require.NoError(t, err)
		for _, before := range []*deliveryKey{nil, {ID: "id9", At: 2000}} {
			require.NotEmpty(t, paths, name)
			text, args := keysQuery(f, p, paths, before, 11)
			for _, line := range dump(t, s.main, "EXPLAIN QUERY PLAN "+text, args...) {
				require.NotContains(t, line, "SCAN outbox", "%s: %s", name, line)
				if len(paths) > 0 && !f.Attempted {
					require.NotContains(t, line, "SCAN delivery_attempt", name)
				}
			}
		}
	}
	for _, line := range dump(t, s.main, `EXPLAIN QUERY PLAN SELECT a.app_id FROM delivery_attempt a WHERE a.attempted_at >= 1 ORDER BY a.attempted_at DESC, a.delivery_id DESC LIMIT 5`) {
		require.Contains(t, line, "attempt_time")
	}
}

// TestDeliveryLogNeverScansPostgreSQL counts what PostgreSQL reads of a long log, for
// every filter: as many rows as a page and its look-ups need, and not the log.
func TestDeliveryLogNeverScansPostgreSQL(t *testing.T) {
	t.Parallel()
	location, published := migratedPostgres(t)
	runOn(t, location, published, func(t *testing.T, s *Store, now *clock.Movable) {
		const n, most = 200_000, 6000
		q := queue{t, s, now}
		q.save("d3", "https://h.example/", nil)
		onLog(q, n)
		q.exec(`VACUUM ANALYZE outbox`)
		q.exec(`VACUUM ANALYZE delivery_attempt`)
		x := explain(t, s, location, "force_custom_plan")
		for name, f := range logFilters(n) {
			x.forget()
			begun := len(f.EventName)
			_, _, err := s.Deliveries(t.Context(), f, "", 10)
			require.NoError(t, err)
			plans, err := x.take()
			require.NoError(t, err)
			require.NotEmpty(t, plans)
			for _, p := range plans {
				p.Root.each(func(node *planNode) {
					if node.Relation == "outbox" || node.Relation == "delivery_attempt" {
						require.NotEqual(t, "Seq Scan", node.Type, "%s: %s\n%s", name, p.Text, p.raw)
						require.LessOrEqual(t, node.read(), float64(most), "%s %d: %s\n%s", name, begun, p.Text, p.raw)
					}
				})
			}
		}
	})
}
