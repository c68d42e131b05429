package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
	"skand/forward"
)

// A week is worked out this long after its end: by then what was written in it has been
// delivered, refused or, by the default of a week, expired. It looks back over so many
// weeks for what was not worked out while nothing ran.
const (
	networkWeekDelay = 8 * 24 * time.Hour
	networkWeeksBack = 4
)

// networkWeekRow is a line of network_week; its figures are what is published.
type networkWeekRow struct {
	AppID        int64   `db:"app_id"`
	NetworkID    string  `db:"network_id"`
	Week         int64   `db:"week_start"`
	K            int     `db:"k"`
	B            int     `db:"b"`
	DeliveryRate *int64  `db:"delivery_rate"`
	DropRate     *int64  `db:"drop_rate"`
	P50          *string `db:"response_p50"`
	P95          *string `db:"response_p95"`
	PublishedAt  int64   `db:"published_at"`
}

// PublishNetworkHealth publishes, for every app and every network that has a destination,
// the weeks that are over: a line each, whatever there was to tell, so that a line says
// nothing by being there. A line is worked out once and never again: what was worked
// out is kept in the main store before it is copied. It returns how many are new.
func (s *Store) PublishNetworkHealth(ctx context.Context) (int64, error) {
	now := s.clock.Now()
	last := aggregate.WindowAt(aggregate.Week, now.Add(-networkWeekDelay)).Start.AddDate(0, 0, -7)
	var fresh int64
	all, err := s.networksOfApps(ctx)
	if err != nil {
		return 0, fmt.Errorf("network health: %w", err)
	}
	for _, n := range all {
		weeks, err := s.weeksLeft(ctx, n, last)
		if err != nil {
			return fresh, fmt.Errorf("network health: %w", err)
		}
		for _, week := range weeks {
			if err := ctx.Err(); err != nil {
				return fresh, err
			}
			err := s.main.in(ctx, func(t *tx) error { return prepareNetworkWeek(ctx, t, n, week, now) })
			if err != nil {
				return fresh, fmt.Errorf("network health of %s, app %d: %w", n.id, n.app, err)
			}
			fresh++
		}
	}
	if err := s.copyNetworkWeeks(ctx); err != nil {
		return fresh, fmt.Errorf("publish network health: %w", err)
	}
	return fresh, nil
}

// networkOfApp is a network that an app has destinations for.
type networkOfApp struct {
	app          int64
	id           string
	destinations []string
}

func (s *Store) networksOfApps(ctx context.Context) ([]networkOfApp, error) {
	var rows []destinationRow
	const text = `SELECT id, app_id, definition FROM destination ORDER BY app_id, id`
	if err := s.main.r.SelectContext(ctx, &rows, text); err != nil {
		return nil, err
	}
	var out []networkOfApp
	for _, r := range rows {
		var d forward.Destination
		if err := json.Unmarshal([]byte(r.Definition), &d); err != nil {
			return nil, fmt.Errorf("stored destination %q: %w", r.ID, err)
		}
		if d.NetworkID == "" {
			continue
		}
		i := slices.IndexFunc(out, func(n networkOfApp) bool { return n.app == r.AppID && n.id == d.NetworkID })
		if i < 0 {
			out, i = append(out, networkOfApp{app: r.AppID, id: d.NetworkID}), len(out)
		}
		out[i].destinations = append(out[i].destinations, r.ID)
	}
	return out, nil
}

// weeksLeft are the begins of the weeks up to last that are still to be worked out; of a
// network that has none yet, the last alone.
func (s *Store) weeksLeft(ctx context.Context, n networkOfApp, last time.Time) (weeks []time.Time, err error) {
	var newest *int64
	const text = `SELECT MAX(week_start) FROM network_week WHERE app_id = ? AND network_id = ?`
	if err := s.main.r.GetContext(ctx, &newest, s.main.q(text), n.app, n.id); err != nil {
		return nil, err
	}
	from := last
	if newest != nil {
		from = at(*newest).AddDate(0, 0, 7)
		if earliest := last.AddDate(0, 0, -7*(networkWeeksBack-1)); from.Before(earliest) {
			from = earliest
		}
	}
	for ; !from.After(last); from = from.AddDate(0, 0, 7) {
		weeks = append(weeks, from)
	}
	return weeks, nil
}

// What was told to a network of each install, of people's own installs and events: no
// test device, and nothing that is nobody's.
func networkInstallsSQL() string {
	var bins strings.Builder
	for i, e := range forward.ResponseEdges {
		above := int64(0)
		if i > 0 {
			above = forward.ResponseEdges[i-1].Below.Milliseconds()
		}
		fmt.Fprintf(&bins, `, SUM(CASE WHEN o.state = 'delivered' AND o.settled_at - o.created_at >= %d AND o.settled_at - o.created_at < %d THEN 1 ELSE 0 END) AS within%d`,
			above, e.Below.Milliseconds(), i)
	}
	return `SELECT COUNT(*) AS n, SUM(CASE WHEN o.state = 'delivered' THEN 1 ELSE 0 END) AS delivered,
			SUM(CASE WHEN o.state IN ('refused', 'expired') THEN 1 ELSE 0 END) AS dropped` + bins.String() + `
		FROM outbox o JOIN install i ON i.app_id = o.app_id AND i.id = o.subject
		WHERE o.app_id = ? AND o.destination_id IN (?) AND o.state IN (?) AND o.created_at >= ? AND o.created_at < ?
			AND o.kind IN ('install', 'event') AND i.is_test = FALSE GROUP BY o.subject`
}

func prepareNetworkWeek(ctx context.Context, t *tx, n networkOfApp, week time.Time, now time.Time) error {
	history, err := settingsHistory(ctx, t, n.app)
	if err != nil {
		return err
	}
	rules := aggregate.InForce(history, week)
	told, err := readNetworkWeek(ctx, t, n, week)
	if err != nil {
		return err
	}
	seen := told.Publish(int64(rules.K), int64(rules.B))
	const insert = `INSERT INTO network_week (app_id, network_id, week_start, k, b, delivery_rate, drop_rate, response_p50, response_p95, published_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	_, err = t.ExecContext(ctx, t.q(insert), n.app, n.id, ms(week), rules.K, rules.B, seen.DeliveryRate, seen.DropRate, seen.P50, seen.P95, ms(now))
	return err
}

func readNetworkWeek(ctx context.Context, t *tx, n networkOfApp, week time.Time) (told forward.Week, err error) {
	text, args, err := sqlx.In(networkInstallsSQL(), n.app, n.destinations, forward.States(), ms(week), ms(week.AddDate(0, 0, 7)))
	if err != nil {
		return told, err
	}
	rows, err := t.QueryxContext(ctx, t.q(text), args...)
	if err != nil {
		return told, err
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	for rows.Next() {
		in := forward.InstallWeek{Within: make([]int64, len(forward.ResponseEdges))}
		into := []any{&in.Conversions, &in.Delivered, &in.Dropped}
		for i := range in.Within {
			into = append(into, &in.Within[i])
		}
		if err := rows.Scan(into...); err != nil {
			return told, err
		}
		told.Add(in)
	}
	return told, rows.Err()
}

var networkHealthColumns = []column{
	{"app_id", "bigint"}, {"network_id", "text"}, {"week_start", "timestamptz"}, {"week_end", "timestamptz"}, {"k", "bigint"}, {"b", "bigint"},
	{"delivery_rate", "bigint"}, {"drop_rate", "bigint"}, {"response_p50", "text"}, {"response_p95", "text"},
	{"lab", "boolean"}, {"published_at", "timestamptz"},
}

// copyNetworkWeeks publishes what is worked out and not published yet, in one order.
func (s *Store) copyNetworkWeeks(ctx context.Context) error {
	var rows []networkWeekRow
	const text = `SELECT app_id, network_id, week_start, k, b, delivery_rate, drop_rate, response_p50, response_p95, published_at
		FROM network_week WHERE week_start > ? ORDER BY week_start, app_id, network_id`
	table := s.pub.table("network_health")
	newest, err := s.newestNetworkWeek(ctx, table)
	if err != nil {
		return err
	}
	// Those of the newest week may have been copied in part.
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), newest-1); err != nil || len(rows) == 0 {
		return err
	}
	var there int
	if err := s.pub.r.GetContext(ctx, &there, s.pub.q(`SELECT COUNT(*) FROM `+table+` WHERE week_start >= ?`), s.pub.stamp(at(newest))); err != nil {
		return err
	}
	if there == len(rows) {
		return nil
	}
	return s.pub.in(ctx, func(t *tx) error {
		insert := `INSERT INTO ` + table + ` (app_id, network_id, week_start, week_end, k, b, delivery_rate, drop_rate,
				response_p50, response_p95, lab, published_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		for _, r := range rows {
			week := at(r.Week)
			_, err := t.ExecContext(ctx, t.q(insert), r.AppID, r.NetworkID, s.pub.stamp(week), s.pub.stamp(week.AddDate(0, 0, 7)), r.K, r.B,
				r.DeliveryRate, r.DropRate, r.P50, r.P95, s.lab, s.pub.stamp(at(r.PublishedAt)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// newestNetworkWeek is the newest week that is published, in milliseconds; 0: none is.
func (s *Store) newestNetworkWeek(ctx context.Context, table string) (int64, error) {
	var weeks []Stamp
	if err := s.pub.r.SelectContext(ctx, &weeks, `SELECT week_start FROM `+table+` ORDER BY week_start DESC LIMIT 1`); err != nil || len(weeks) == 0 {
		return 0, err
	}
	return ms(time.Time(weeks[0])), nil
}

// NetworkHealthTable is network_health as an answer has it.
var NetworkHealthTable = columnsOf(slices.DeleteFunc(slices.Clone(networkHealthColumns), func(c column) bool { return c.name == "lab" }))

// NetworkHealth streams published lines, by app, week and network. From and To are of
// the begin of weeks; zero fields pick all.
func (s *Store) NetworkHealth(ctx context.Context, f CohortFilter, each func([]any) error) error {
	text, args := ` WHERE 1 = 1`+onlyGranted(ctx, "app_id"), []any{}
	only := func(condition string, value any) { text, args = text+` AND `+condition, append(args, value) }
	if f.AppID != 0 {
		only(`app_id = ?`, f.AppID)
	}
	if f.NetworkID != "" {
		only(`network_id = ?`, f.NetworkID)
	}
	if !f.From.IsZero() {
		only(`week_start >= ?`, s.pub.stamp(f.From))
	}
	if !f.To.IsZero() {
		only(`week_start < ?`, s.pub.stamp(f.To))
	}
	names := make([]string, len(NetworkHealthTable))
	for i, c := range NetworkHealthTable {
		names[i] = c.Name
	}
	text = `SELECT ` + strings.Join(names, ", ") + ` FROM ` + s.pub.table("network_health") + text +
		` ORDER BY app_id, week_start, ` + s.pub.byBytes("network_id")
	rows, err := s.pub.r.QueryxContext(ctx, s.pub.q(text), args...)
	if err != nil {
		return fmt.Errorf("read network health: %w", err)
	}
	defer func() { _ = rows.Close() }() // what went wrong is in rows.Err
	into, read := landing(NetworkHealthTable)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read network health: %w", err)
		}
		if err := each(read()); err != nil {
			return err
		}
	}
	return rows.Err()
}
