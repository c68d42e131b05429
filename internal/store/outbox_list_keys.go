package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// most paths of one statement: SQLite takes 500 members of a UNION.
const pathsAtOnce = 400

// deliveryKeys lists the places of deliveries, newest first, that come after a place.
func (s *Store) deliveryKeys(ctx context.Context, f DeliveryFilter, before *deliveryKey, limit int) ([]deliveryKey, error) {
	if !f.fits() {
		return nil, nil
	}
	if f.AppID != 0 {
		if err := needApp(ctx, f.AppID); err != nil {
			return nil, err
		}
	}
	p, err := s.places(ctx, f)
	if err != nil {
		return nil, err
	}
	if f.Attempted {
		keys, err := s.attemptedKeys(ctx, f, p, before, limit)
		return ofGranted(ctx, keys), err
	}
	paths, err := s.paths(ctx, f, p)
	if err != nil {
		return nil, err
	}
	var all []deliveryKey
	for some := range slices.Chunk(paths, pathsAtOnce) {
		text, args := keysQuery(f, p, some, before, limit)
		var keys []deliveryKey
		if err := s.main.r.SelectContext(ctx, &keys, s.main.q(text), args...); err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
	slices.SortFunc(all, func(a, b deliveryKey) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.ID, a.ID)) })
	all = ofGranted(ctx, slices.Compact(all)) // a query may find one row in two ways
	return all[:min(limit, len(all))], nil
}

// ofGranted leaves out what is of apps that ctx is not bounded to. A list of all apps
// may come in shorter pages for it; who may see some only names one of them.
func ofGranted(ctx context.Context, keys []deliveryKey) []deliveryKey {
	return slices.DeleteFunc(keys, func(k deliveryKey) bool { return !mayApp(ctx, k.AppID) })
}

// keysQuery asks every path for a page of its own, and takes the newest of all.
func keysQuery(f DeliveryFilter, p deliveryPlaces, paths []logPath, before *deliveryKey, limit int) (string, []any) {
	where, restArgs := f.rest(p)
	if !f.From.IsZero() {
		where, restArgs = where+` AND created_at >= ?`, append(restArgs, ms(f.From))
	}
	if !f.To.IsZero() {
		where, restArgs = where+` AND created_at < ?`, append(restArgs, ms(f.To))
	}
	if before != nil { // the first half alone is what an index can begin at
		where += ` AND created_at <= ? AND (created_at < ? OR id < ?)`
		restArgs = append(restArgs, before.At, before.At, before.ID)
	}
	parts := make([]string, len(paths))
	var args []any
	for i, along := range paths {
		parts[i] = `SELECT * FROM (SELECT app_id, id, created_at AS at FROM outbox WHERE ` + along.where + where +
			` ORDER BY created_at DESC, id DESC LIMIT ?) AS p` + fmt.Sprint(i)
		args = append(append(append(args, along.args...), restArgs...), limit)
	}
	return strings.Join(parts, ` UNION ALL `) + ` ORDER BY at DESC, id DESC LIMIT ?`, append(args, limit)
}

// attemptedKeys lists deliveries by their newest attempt that the filter picks. It
// reads attempts in the order of time, so the span that is asked for is what it costs.
func (s *Store) attemptedKeys(ctx context.Context, f DeliveryFilter, p deliveryPlaces, before *deliveryKey, limit int) ([]deliveryKey, error) {
	picks := func(alias string) (text string, args []any) {
		only := func(condition string, value any) {
			text, args = text+` AND `+alias+`.`+condition, append(args, value)
		}
		if !f.From.IsZero() {
			only(`attempted_at >= ?`, ms(f.From))
		}
		if !f.To.IsZero() {
			only(`attempted_at < ?`, ms(f.To))
		}
		if f.Class != "" {
			only(`class = ?`, f.Class)
		}
		if f.Status != nil {
			only(`status = ?`, *f.Status)
		}
		return text, args
	}
	own, args := picks("a")
	later, laterArgs := picks("l")
	text := `SELECT a.app_id, a.delivery_id AS id, a.attempted_at AS at FROM delivery_attempt a WHERE 1 = 1` + own
	if before != nil {
		text += ` AND a.attempted_at <= ? AND (a.attempted_at < ? OR a.delivery_id < ?)`
		args = append(args, before.At, before.At, before.ID)
	}
	if f.AppID != 0 {
		text, args = text+` AND a.app_id = ?`, append(args, f.AppID)
	}
	text += ` AND NOT EXISTS (SELECT 1 FROM delivery_attempt l WHERE l.app_id = a.app_id AND l.delivery_id = a.delivery_id AND l.attempt > a.attempt` + later + `)`
	args = append(args, laterArgs...)
	of, more := f.rest(p)
	if id := f.ConversionID; id != "" {
		subject, keys := s.conversionKeys(id)
		of += ` AND (subject = ? OR dedup_key IN (?, ?, ?, ?))`
		more = append(more, subject, keys[0], keys[1], keys[2], keys[3])
	}
	text += ` AND EXISTS (SELECT 1 FROM outbox WHERE app_id = a.app_id AND id = a.delivery_id` + of + `)`
	args = append(args, more...)
	var keys []deliveryKey
	text += ` ORDER BY a.attempted_at DESC, a.delivery_id DESC LIMIT ?`
	err := s.main.r.SelectContext(ctx, &keys, s.main.q(text), append(args, limit)...)
	return keys, err
}
