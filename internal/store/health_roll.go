package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/forward"
)

// Figures of the delivery log are counted by the hour and kept: a month of a million
// attempts a day would otherwise be read whole for every look. An hour is counted again
// while something in it changes; counting is the same however often it is done, so the
// job may be stopped anywhere.

const (
	metaRolled = "deliveries_counted_until"
	// rollSlack is how late a row may be committed after the time that it bears, and how
	// far the clocks of processes may be apart.
	rollSlack = 10 * time.Minute
)

// CountDeliveries brings the hourly counts up to date, and returns how many were counted.
func (s *Store) CountDeliveries(ctx context.Context) (int64, error) {
	now := s.clock.Now()
	var mark string
	err := s.main.in(ctx, func(t *tx) (err error) {
		mark, err = getMeta(ctx, t, metaRolled)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count deliveries: %w", err)
	}
	since := int64(0)
	if mark != "" {
		if since, err = strconv.ParseInt(mark, 10, 64); err != nil {
			return 0, fmt.Errorf("count deliveries: %s is %q", metaRolled, mark)
		}
		since -= rollSlack.Milliseconds()
	}
	written, err := s.countWritten(ctx, since, ms(now))
	if err != nil {
		return written, fmt.Errorf("count deliveries: %w", err)
	}
	tried, err := s.countTried(ctx, since, ms(now))
	if err != nil {
		return written + tried, fmt.Errorf("count attempts: %w", err)
	}
	err = s.main.in(ctx, func(t *tx) error { return setMeta(ctx, t, metaRolled, strconv.FormatInt(ms(now), 10)) })
	return written + tried, err
}

// hourCell is an hour of a destination.
type hourCell struct {
	AppID         int64  `db:"app_id"`
	DestinationID string `db:"destination_id"`
	Hour          int64  `db:"hour"`
}

// countWritten counts the hours of what was written, or came to an end, since then, and
// those that are stale.
func (s *Store) countWritten(ctx context.Context, since, now int64) (int64, error) {
	cells := map[hourCell]bool{}
	add := func(text string, args ...any) error {
		var found []hourCell
		if err := s.main.r.SelectContext(ctx, &found, s.main.q(text), args...); err != nil {
			return err
		}
		for _, c := range found {
			cells[c] = true
		}
		return nil
	}
	// The condition is that of the index: what has an end this young still has its fields.
	const ended = `SELECT DISTINCT app_id, destination_id, created_at - created_at % ? AS hour FROM outbox
		WHERE settled_at IS NOT NULL AND fields <> '' AND settled_at >= ?`
	if err := add(ended, hourMS, since); err != nil {
		return 0, err
	}
	if err := add(`SELECT app_id, destination_id, hour FROM delivery_hour WHERE stale > 0`); err != nil {
		return 0, err
	}
	p, err := s.places(ctx, DeliveryFilter{})
	if err != nil {
		return 0, err
	}
	for _, app := range p.apps {
		for _, id := range p.destinations[app] {
			for _, state := range forward.States() {
				const begun = `SELECT DISTINCT app_id, destination_id, created_at - created_at % ? AS hour FROM outbox
					WHERE app_id = ? AND destination_id = ? AND state = ? AND created_at >= ?`
				if err := add(begun, hourMS, app, id, state, since); err != nil {
					return 0, err
				}
			}
		}
	}
	var n int64
	for c := range cells {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if c.Hour > now {
			continue
		}
		if err := s.countCell(ctx, c); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// countCell counts an hour. It reads beside those who write, and writes shortly: what a
// replay upset meanwhile stays stale, for only what was stale before is taken off.
func (s *Store) countCell(ctx context.Context, c hourCell) error {
	const (
		upset = `SELECT COALESCE(SUM(stale), 0) FROM delivery_hour WHERE app_id = ? AND destination_id = ? AND hour = ?`
		count = `SELECT COUNT(*) FROM outbox WHERE app_id = ? AND destination_id = ? AND state = ? AND created_at >= ? AND created_at < ?`
		took  = `SELECT settled_at - created_at AS took, COUNT(*) AS n FROM outbox
			WHERE app_id = ? AND destination_id = ? AND state = 'delivered' AND created_at >= ? AND created_at < ? GROUP BY settled_at - created_at`
		put = `INSERT INTO delivery_hour (app_id, destination_id, hour, eligible, delivered, refused, expired, response_ms, responses, stale)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (app_id, destination_id, hour) DO UPDATE SET eligible = excluded.eligible,
				delivered = excluded.delivered, refused = excluded.refused, expired = excluded.expired, response_ms = excluded.response_ms,
				responses = excluded.responses, stale = delivery_hour.stale - ?`
	)
	var before int64
	if err := s.main.r.GetContext(ctx, &before, s.main.q(upset), c.AppID, c.DestinationID, c.Hour); err != nil {
		return err
	}
	var all forward.Tally
	for _, state := range forward.States() {
		if state == forward.StateDelivered {
			continue // counted with their times
		}
		var n int64
		err := s.main.r.GetContext(ctx, &n, s.main.q(count), c.AppID, c.DestinationID, state, c.Hour, c.Hour+hourMS)
		if err != nil {
			return err
		}
		all.Eligible += n
		switch state {
		case forward.StateRefused:
			all.Refused = n
		case forward.StateExpired:
			all.Expired = n
		}
	}
	var times []struct {
		Took int64 `db:"took"`
		N    int64 `db:"n"`
	}
	if err := s.main.r.SelectContext(ctx, &times, s.main.q(took), c.AppID, c.DestinationID, c.Hour, c.Hour+hourMS); err != nil {
		return err
	}
	for _, one := range times {
		all.Delivered += one.N
		all.Responses.Observe(time.Duration(one.Took)*time.Millisecond, one.N)
	}
	all.Eligible += all.Delivered
	_, err := s.main.w.ExecContext(ctx, s.main.q(put), c.AppID, c.DestinationID, c.Hour, all.Eligible, all.Delivered, all.Refused, all.Expired,
		all.Responses.Sum, all.Responses.String(), before)
	return err
}

// countTried counts the attempts of every hour since then.
func (s *Store) countTried(ctx context.Context, since, now int64) (int64, error) {
	const first = `SELECT MIN(attempted_at) FROM delivery_attempt WHERE attempted_at >= ?`
	var total int64
	for {
		var from *int64
		if err := s.main.r.GetContext(ctx, &from, s.main.q(first), since); err != nil {
			return total, err
		}
		if from == nil || *from > now {
			return total, nil
		}
		begin := hourOf(*from)
		if err := s.countAttempts(ctx, begin); err != nil {
			return total, err
		}
		total++
		since = begin + hourMS
	}
}

func (s *Store) countAttempts(ctx context.Context, begin int64) error {
	const (
		wipe  = `DELETE FROM attempt_hour WHERE hour = ?`
		count = `SELECT o.app_id, o.destination_id, a.class, a.status, COUNT(*) AS attempts, SUM(CASE WHEN a.attempt > 1 THEN 1 ELSE 0 END) AS retries
			FROM delivery_attempt a JOIN outbox o ON o.app_id = a.app_id AND o.id = a.delivery_id
			WHERE a.attempted_at >= ? AND a.attempted_at < ? GROUP BY o.app_id, o.destination_id, a.class, a.status`
		row  = `(?, ?, ?, ?, ?, ?, ?)`
		many = 500
	)
	var rows []struct {
		AppID         int64  `db:"app_id"`
		DestinationID string `db:"destination_id"`
		Class         string `db:"class"`
		Status        int    `db:"status"`
		Attempts      int64  `db:"attempts"`
		Retries       int64  `db:"retries"`
	}
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(count), begin, begin+hourMS); err != nil {
		return err
	}
	return s.main.in(ctx, func(t *tx) error {
		if _, err := t.ExecContext(ctx, t.q(wipe), begin); err != nil {
			return err
		}
		for some := range slices.Chunk(rows, many) {
			var args []any
			for _, r := range some {
				args = append(args, r.AppID, r.DestinationID, begin, r.Class, r.Status, r.Attempts, r.Retries)
			}
			text := `INSERT INTO attempt_hour (app_id, destination_id, hour, class, status, attempts, retries) VALUES ` +
				row + strings.Repeat(`, `+row, len(some)-1)
			if _, err := t.ExecContext(ctx, t.q(text), args...); err != nil {
				return err
			}
		}
		return nil
	})
}
