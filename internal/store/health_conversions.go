package store

import (
	"cmp"
	"context"
	"slices"

	"skand/forward"
)

// noteRepeat remembers that a report said what was known; written with the transaction.
func (l *ledger) noteRepeat(appID int64, kind string) {
	if l.repeats == nil {
		l.repeats = map[repeat]int64{}
	}
	l.repeats[repeat{appID, kind}]++
}

type repeat struct {
	appID int64
	kind  string
}

// flushRepeats counts them by the hour. Who repeats nothing writes nothing.
func (l *ledger) flushRepeats(ctx context.Context) error {
	const add = `INSERT INTO conversion_repeat (app_id, hour, kind, repeats) VALUES (?, ?, ?, ?)
		ON CONFLICT (app_id, hour, kind) DO UPDATE SET repeats = conversion_repeat.repeats + excluded.repeats`
	begin := hourOf(ms(l.Now()))
	keys := make([]repeat, 0, len(l.repeats))
	for k := range l.repeats {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b repeat) int { // one order for all, against deadlocks
		return cmp.Or(cmp.Compare(a.appID, b.appID), cmp.Compare(a.kind, b.kind))
	})
	for _, k := range keys {
		if err := l.run(ctx, add, k.appID, begin, k.kind, l.repeats[k]); err != nil {
			return err
		}
	}
	return nil
}

// deduplicated counts what an app's installs and events were reported in, and how often
// that was not the first time.
func (s *Store) deduplicated(ctx context.Context, app, from, to int64) (*forward.Deduplicated, error) {
	var kept, repeats int64
	for _, table := range []string{"install", "event"} {
		var n int64
		text := `SELECT COUNT(*) FROM ` + table + ` WHERE app_id = ? AND received_at >= ? AND received_at < ?`
		if err := s.main.r.GetContext(ctx, &n, s.main.q(text), app, from, to); err != nil {
			return nil, err
		}
		kept += n
	}
	const again = `SELECT COALESCE(SUM(repeats), 0) FROM conversion_repeat WHERE app_id = ? AND hour >= ? AND hour < ?`
	if err := s.main.r.GetContext(ctx, &repeats, s.main.q(again), app, from, to); err != nil {
		return nil, err
	}
	d := forward.NewDeduplicated(kept, repeats)
	return &d, nil
}

// The conversions that a destination ought to have heard of, where counting tells: its
// network's, or all, of people who let anything be sent, that nobody rejected.
const (
	eligibleInstallsSQL = `SELECT COUNT(*) FROM install i WHERE i.app_id = ? AND i.received_at >= ? AND i.received_at < ?
		AND i.limited = FALSE AND i.review <> 'rejected'`
	eligibleEventsSQL = `SELECT COUNT(*) FROM event e JOIN install i ON i.app_id = e.app_id AND i.id = e.install_id
		WHERE e.app_id = ? AND e.received_at >= ? AND e.received_at < ? AND i.limited = FALSE AND i.review <> 'rejected' AND e.name = ?`
	ofNetwork = ` AND i.network_id = ?`
)

// discrepancy compares conversions with the deliveries that were written for them, from
// the last edit on: before it another routing may have held.
func (s *Store) discrepancy(ctx context.Context, r forward.Registered, from, to int64) (*forward.Discrepancy, string, error) {
	d := r.Destination
	if why := d.Untold(); why != "" {
		return nil, why, nil
	}
	if edited := ms(r.UpdatedAt); edited > from {
		from = edited
	}
	if from >= to {
		return nil, "it was edited after the span", nil
	}
	var conversions int64
	count := func(text string, args ...any) error {
		if d.Scope == forward.ScopeAttributed {
			text, args = text+ofNetwork, append(args, d.NetworkID)
		}
		var n int64
		err := s.main.r.GetContext(ctx, &n, s.main.q(text), args...)
		conversions += n
		return err
	}
	if slices.Contains(d.Kinds, forward.KindInstall) {
		if err := count(eligibleInstallsSQL, d.AppID, from, to); err != nil {
			return nil, "", err
		}
	}
	if slices.Contains(d.Kinds, forward.KindEvent) {
		if len(d.EventMap) == 0 {
			text := eligibleEventsSQL[:len(eligibleEventsSQL)-len(` AND e.name = ?`)]
			if err := count(text, d.AppID, from, to); err != nil {
				return nil, "", err
			}
		}
		for name := range d.EventMap {
			if err := count(eligibleEventsSQL, d.AppID, from, to, name); err != nil {
				return nil, "", err
			}
		}
	}
	var deliveries int64
	for _, state := range forward.States() {
		var n int64
		const text = `SELECT COUNT(*) FROM outbox WHERE app_id = ? AND destination_id = ? AND state = ? AND created_at >= ? AND created_at < ?`
		if err := s.main.r.GetContext(ctx, &n, s.main.q(text), d.AppID, d.ID, state, from, to); err != nil {
			return nil, "", err
		}
		deliveries += n
	}
	found := forward.NewDiscrepancy(at(from), conversions, deliveries)
	return &found, "", nil
}
