package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/skan"
)

// Arrivals are counted by the hour and kept. Each run counts what is new, then goes back
// over older days, a bounded part of them at a time: what an archive brought in, or a
// new key let in, gets into the counts without anybody having to tell of it.
const (
	metaArrivals     = "arrivals_counted_until"
	metaArrivalsBack = "arrivals_counted_back_to"

	dayMS = 24 * hourMS

	arrivalsBack = 90 * 24 * time.Hour // how far back it goes
	arrivalsKept = 400 * 24 * time.Hour
	arrivalsSure = 9 * 24 * time.Hour // no retention is shorter: what is missing there was never there
	arrivalsRows = 50_000             // copies that a run reads of older days
	arrivalsDays = 12                 // older days that a run looks at
)

// CountArrivals brings the hourly counts of arrivals up to date, and returns how many
// copies it looked at. It may be stopped anywhere.
func (s *Store) CountArrivals(ctx context.Context) (int64, error) {
	n, err := s.countArrivals(ctx)
	if err != nil {
		return n, fmt.Errorf("count arrivals: %w", err)
	}
	return n, nil
}

func (s *Store) countArrivals(ctx context.Context) (int64, error) {
	now := ms(s.clock.Now())
	apps, oldest, err := s.arrivedApps(ctx)
	if err != nil || len(apps) == 0 {
		return 0, err
	}
	until, err := s.arrivalsMark(ctx, metaArrivals, now-dayMS)
	if err != nil {
		return 0, err
	}
	// A lab's clock may have gone back.
	from := max(hourOf(min(until, now)-rollSlack.Milliseconds()), hourOf(oldest))
	var read int64
	for ; from <= now; from += dayMS {
		n, err := s.countSpan(ctx, apps, from, min(from+dayMS, hourOf(now)+hourMS), now)
		if read += n; err != nil {
			return read, err
		}
	}
	if err := s.markArrivals(ctx, metaArrivals, now); err != nil {
		return read, err
	}
	back, err := s.arrivalsMark(ctx, metaArrivalsBack, now)
	if err != nil {
		return read, err
	}
	to, first := hourOf(min(back, now)), max(oldest, now-arrivalsBack.Milliseconds())
	for days, old := 0, int64(0); days < arrivalsDays && old < arrivalsRows; days++ {
		if to < first {
			to = hourOf(now) // from the top again, at the next run
			break
		}
		n, err := s.countSpan(ctx, apps, to-dayMS, to, now)
		if read += n; err != nil {
			return read, err
		}
		old, to = old+n, to-dayMS
	}
	for _, table := range []string{"arrival_hour", "counted_hour"} {
		if _, err := s.main.w.ExecContext(ctx, s.main.q(`DELETE FROM `+table+` WHERE hour < ?`), now-arrivalsKept.Milliseconds()); err != nil {
			return read, err
		}
	}
	return read, s.markArrivals(ctx, metaArrivalsBack, to)
}

func (s *Store) arrivalsMark(ctx context.Context, name string, none int64) (int64, error) {
	var mark string
	err := s.main.r.GetContext(ctx, &mark, s.main.q(`SELECT value FROM store_meta WHERE name = ?`), name)
	if errors.Is(err, sql.ErrNoRows) {
		return none, nil
	}
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(mark, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %q", name, mark)
	}
	return v, nil
}

func (s *Store) markArrivals(ctx context.Context, name string, v int64) error {
	return s.main.in(ctx, func(t *tx) error { return setMeta(ctx, t, name, strconv.FormatInt(v, 10)) })
}

// arrivedApps lists the apps that copies are kept of, known or not, and when the oldest
// came: a step of the key for each app, as no other key of copies begins with the time.
func (s *Store) arrivedApps(ctx context.Context) (apps []int64, oldest int64, err error) {
	const next = `SELECT app_id, received_at FROM postback WHERE app_id > ? ORDER BY app_id, received_at LIMIT 1`
	for last := int64(-1 << 62); ; {
		var row struct {
			AppID      int64 `db:"app_id"`
			ReceivedAt int64 `db:"received_at"`
		}
		err := s.main.r.GetContext(ctx, &row, s.main.q(next), last)
		if errors.Is(err, sql.ErrNoRows) {
			return apps, oldest, nil
		}
		if err != nil {
			return nil, 0, err
		}
		if len(apps) == 0 || row.ReceivedAt < oldest {
			oldest = row.ReceivedAt
		}
		apps, last = append(apps, row.AppID), row.AppID
	}
}

// arrivedHour is a line of the counts: of arrival_hour, or of counted_hour, whose lines
// have a network and no source, verdict and state.
type arrivedHour struct {
	AppID     int64  `db:"app_id"`
	Hour      int64  `db:"hour"`
	Source    string `db:"source"`
	NetworkID string `db:"network_id"`
	Framework string `db:"framework"`
	Version   string `db:"version"`
	Verdict   string `db:"verdict"`
	State     string `db:"state"`
}

const (
	arrivedSQL = `SELECT app_id, received_at - received_at % ? AS hour, source, framework, version, verdict, state, COUNT(*) AS n
		FROM postback WHERE app_id = ? AND received_at >= ? AND received_at < ?
		GROUP BY 1, 2, 3, 4, 5, 6, 7`
	arrivedBeforeSQL = `SELECT app_id, hour, source, framework, version, verdict, state, copies AS n
		FROM arrival_hour WHERE app_id = ? AND hour >= ? AND hour < ?`
	countedSQL = `SELECT app_id, first_seen - first_seen % ? AS hour, network_id, framework, version, COUNT(*) AS n
		FROM counted_postback WHERE app_id = ? AND environment = ? AND first_seen >= ? AND first_seen < ? AND kind <> 'test'
		GROUP BY 1, 2, 3, 4, 5`
	countedBeforeSQL = `SELECT app_id, hour, network_id, framework, version, counted AS n
		FROM counted_hour WHERE app_id = ? AND hour >= ? AND hour < ?`
)

// countSpan counts whole hours anew and writes those that came out otherwise. It reads
// beside those who write; what they commit meanwhile the next run sees.
func (s *Store) countSpan(ctx context.Context, apps []int64, from, to, now int64) (read int64, err error) {
	for _, app := range apps {
		arrived, before := map[arrivedHour]int64{}, map[arrivedHour]int64{}
		if err := s.tally(ctx, arrived, arrivedSQL, hourMS, app, from, to); err != nil {
			return read, err
		}
		if err := s.tally(ctx, before, arrivedBeforeSQL, app, from, to); err != nil {
			return read, err
		}
		for _, n := range arrived {
			read += n
		}
		counted, countedBefore := map[arrivedHour]int64{}, map[arrivedHour]int64{}
		for _, environment := range []skan.Environment{skan.Production, skan.Development} {
			if err := s.tally(ctx, counted, countedSQL, hourMS, app, string(environment), from, to); err != nil {
				return read, err
			}
		}
		if err := s.tally(ctx, countedBefore, countedBeforeSQL, app, from, to); err != nil {
			return read, err
		}
		sure := now - arrivalsSure.Milliseconds()
		err := s.main.in(ctx, func(t *tx) error {
			for _, hour := range upsetHours(arrived, before, sure) {
				if err := rewriteHour(ctx, t, `DELETE FROM arrival_hour WHERE app_id = ? AND hour = ?`,
					`INSERT INTO arrival_hour (app_id, hour, source, framework, version, verdict, state, copies) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
					app, hour, arrived, func(h arrivedHour, n int64) []any {
						return []any{h.AppID, h.Hour, h.Source, h.Framework, h.Version, h.Verdict, h.State, n}
					}); err != nil {
					return err
				}
			}
			for _, hour := range upsetHours(counted, countedBefore, sure) {
				if err := rewriteHour(ctx, t, `DELETE FROM counted_hour WHERE app_id = ? AND hour = ?`,
					`INSERT INTO counted_hour (app_id, hour, network_id, framework, version, counted) VALUES (?, ?, ?, ?, ?, ?)`,
					app, hour, counted, func(h arrivedHour, n int64) []any {
						return []any{h.AppID, h.Hour, h.NetworkID, h.Framework, h.Version, n}
					}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

func (s *Store) tally(ctx context.Context, into map[arrivedHour]int64, text string, args ...any) error {
	var rows []struct {
		arrivedHour
		N int64 `db:"n"`
	}
	if err := sqlx.SelectContext(ctx, s.main.r, &rows, s.main.q(text), args...); err != nil {
		return err
	}
	for _, r := range rows {
		into[r.arrivedHour] += r.N
	}
	return nil
}

// upsetHours are the hours whose counts differ. Of hours before sure fewer copies than
// were counted are no news: a retention has taken them.
func upsetHours(found, before map[arrivedHour]int64, sure int64) []int64 {
	total, was, differs := map[int64]int64{}, map[int64]int64{}, map[int64]bool{}
	for h, n := range found {
		total[h.Hour] += n
		differs[h.Hour] = differs[h.Hour] || before[h] != n
	}
	for h, n := range before {
		was[h.Hour] += n
		differs[h.Hour] = differs[h.Hour] || found[h] != n
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(differs)), func(hour int64) bool {
		return !differs[hour] || hour < sure && total[hour] < was[hour]
	})
}

func rewriteHour(ctx context.Context, t *tx, forget, put string, app, hour int64, all map[arrivedHour]int64, row func(arrivedHour, int64) []any) error {
	if _, err := t.ExecContext(ctx, t.q(forget), app, hour); err != nil {
		return err
	}
	for h, n := range all {
		if h.Hour != hour {
			continue
		}
		if _, err := t.ExecContext(ctx, t.q(put), row(h, n)...); err != nil {
			return err
		}
	}
	return nil
}
