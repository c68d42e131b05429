package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Arrival is a name of what arrived on one day, with how much of it did. Exact figures:
// what a viewer may see of them is decided by those who show them.
type Arrival struct {
	Day  time.Time
	Name string
	N    int64
}

// arrivalsBy says what arrivals can be told apart by, and where that is counted.
var arrivalsBy = map[string]struct{ table, name, count string }{
	"framework": {"arrival_hour", "framework", "copies"},
	"version":   {"arrival_hour", "framework || ' ' || version", "copies"},
	"verdict":   {"arrival_hour", "verdict", "copies"},
	"state":     {"arrival_hour", "state", "copies"},
	"source":    {"arrival_hour", "source", "copies"},
	"network":   {"counted_hour", "network_id", "counted"},
}

// Arrivals tells how many copies of postbacks arrived on each day (UTC) from the one of
// from to that of to, as CountArrivals last counted them: by framework, version, verdict,
// state or source; by network only those that count. apps nil is all apps.
func (s *Store) Arrivals(ctx context.Context, by string, apps []int64, from, to time.Time) ([]Arrival, error) {
	of, ok := arrivalsBy[by]
	if !ok {
		return nil, fmt.Errorf("arrivals: nothing is counted by %q", by)
	}
	where, args := ofApps(apps)
	text := `SELECT hour - hour % ? AS day, ` + of.name + ` AS name, SUM(` + of.count + `) AS n FROM ` + of.table + `
		WHERE hour >= ? AND hour < ?` + where + onlyGranted(ctx, "app_id") + ` GROUP BY 1, 2 ORDER BY 1, 2`
	var rows []struct {
		Day  int64  `db:"day"`
		Name string `db:"name"`
		N    int64  `db:"n"`
	}
	begin, end := ms(from)-ms(from)%dayMS, ms(to)-ms(to)%dayMS+dayMS
	args = append([]any{dayMS, begin, end}, args...)
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), args...); err != nil {
		return nil, fmt.Errorf("arrivals by %s: %w", by, err)
	}
	out := make([]Arrival, len(rows))
	for i, r := range rows {
		out[i] = Arrival{Day: at(r.Day), Name: strings.TrimSpace(r.Name), N: r.N}
	}
	return out, nil
}

// LastCopy is the newest hour in which a verified copy of an app's postbacks came.
type LastCopy struct {
	AppID     int64
	Developer *time.Time // from Apple, to the endpoint that the app names; nil: never
	Any       *time.Time // from anybody
}

// LastCopies tells, by app, when verified copies came last, to the hour.
func (s *Store) LastCopies(ctx context.Context, apps []int64) ([]LastCopy, error) {
	where, args := ofApps(apps)
	text := `SELECT app_id, MAX(CASE WHEN source = 'developer' THEN hour END) AS developer, MAX(hour) AS any_copy
		FROM arrival_hour WHERE verdict IN ('valid', 'development')` + where + onlyGranted(ctx, "app_id") + ` GROUP BY app_id ORDER BY app_id`
	var rows []struct {
		AppID     int64  `db:"app_id"`
		Developer *int64 `db:"developer"`
		Any       *int64 `db:"any_copy"`
	}
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text), args...); err != nil {
		return nil, fmt.Errorf("newest copies: %w", err)
	}
	out := make([]LastCopy, len(rows))
	for i, r := range rows {
		out[i] = LastCopy{AppID: r.AppID, Developer: knownAt(r.Developer), Any: knownAt(r.Any)}
	}
	return out, nil
}

func knownAt(v *int64) *time.Time {
	if v == nil {
		return nil
	}
	t := at(*v)
	return &t
}

func ofApps(apps []int64) (where string, args []any) {
	if apps == nil {
		return "", nil
	}
	for _, app := range apps {
		args = append(args, app)
	}
	return ` AND app_id IN (NULL` + strings.Repeat(", ?", len(apps)) + `)`, args
}
