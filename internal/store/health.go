package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"skand/forward"
)

// HealthAsk says of what and when figures are asked for. The span is widened to whole
// hours, for hours are what is kept.
type HealthAsk struct {
	DestinationID string // "": all
	AppID         int64  // 0: all
	From, To      time.Time
	Step          time.Duration // of the series; 0: none
}

// Health tells the figures of destinations, by id; ErrNoDestination for one that is not
// there. Of a single one it also tells the discrepancy.
func (s *Store) Health(ctx context.Context, ask HealthAsk) ([]forward.Health, error) {
	from, to := hourOf(ms(ask.From)), hourOf(ms(ask.To)+hourMS-1)
	all, err := s.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r forward.Registered) bool {
		d := r.Destination
		return !mayApp(ctx, d.AppID) || ask.DestinationID != "" && d.ID != ask.DestinationID || ask.AppID != 0 && d.AppID != ask.AppID
	})
	if ask.DestinationID != "" && len(all) == 0 {
		return nil, ErrNoDestination
	}
	asOf, err := s.deliveriesCounted(ctx)
	if err != nil {
		return nil, err
	}
	deduplicated := map[int64]*forward.Deduplicated{}
	out := make([]forward.Health, 0, len(all))
	for _, r := range all {
		d := r.Destination
		h := forward.Health{DestinationID: d.ID, AppID: d.AppID, NetworkID: d.NetworkID, From: at(from), To: at(to), AsOf: asOf}
		if err := s.health(ctx, &h, ask.Step); err != nil {
			return nil, fmt.Errorf("health of destination %s: %w", d.ID, err)
		}
		if deduplicated[d.AppID] == nil {
			if deduplicated[d.AppID], err = s.deduplicated(ctx, d.AppID, from, to); err != nil {
				return nil, fmt.Errorf("repeated reports of app %d: %w", d.AppID, err)
			}
		}
		h.Deduplicated = deduplicated[d.AppID]
		if ask.DestinationID != "" {
			if h.Discrepancy, h.Untold, err = s.discrepancy(ctx, r, from, to); err != nil {
				return nil, fmt.Errorf("discrepancy of destination %s: %w", d.ID, err)
			}
		}
		out = append(out, h)
	}
	return out, nil
}

func (s *Store) deliveriesCounted(ctx context.Context) (*time.Time, error) {
	var mark string
	err := s.main.r.GetContext(ctx, &mark, s.main.q(`SELECT value FROM store_meta WHERE name = ?`), metaRolled)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("when deliveries were counted: %w", err)
	}
	v, err := strconv.ParseInt(mark, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("when deliveries were counted: %w", err)
	}
	t := at(v)
	return &t, nil
}

func (s *Store) health(ctx context.Context, h *forward.Health, step time.Duration) error {
	hours, err := s.hours(ctx, h.AppID, h.DestinationID, ms(h.From), ms(h.To))
	if err != nil {
		return err
	}
	var t forward.Tally
	var a forward.Attempted
	for _, one := range hours {
		t.Add(one.Tally)
		a.Merge(one.Tried)
	}
	h.Figures = forward.NewFigures(t, a)
	if step > 0 {
		h.Series = forward.Series(hours, h.From, h.To, step)
	}
	h.Queue, err = s.queue(ctx, h.AppID, h.DestinationID)
	return err
}

// hours reads what is kept of a span, in the order of time.
func (s *Store) hours(ctx context.Context, app int64, destination string, from, to int64) ([]forward.Hour, error) {
	var written []struct {
		Hour                                  int64
		Eligible, Delivered, Refused, Expired int64
		Sum                                   int64 `db:"response_ms"`
		Responses                             string
	}
	const tallies = `SELECT hour, eligible, delivered, refused, expired, response_ms, responses FROM delivery_hour
		WHERE app_id = ? AND destination_id = ? AND hour >= ? AND hour < ? ORDER BY hour`
	if err := s.main.r.SelectContext(ctx, &written, s.main.q(tallies), app, destination, from, to); err != nil {
		return nil, err
	}
	byHour := map[int64]*forward.Hour{}
	in := func(begin int64) *forward.Hour {
		if byHour[begin] == nil {
			byHour[begin] = &forward.Hour{At: at(begin)}
		}
		return byHour[begin]
	}
	for _, w := range written {
		responses, err := forward.ParseResponses(w.Responses, w.Sum)
		if err != nil {
			return nil, err
		}
		in(w.Hour).Tally = forward.Tally{Eligible: w.Eligible, Delivered: w.Delivered, Refused: w.Refused, Expired: w.Expired, Responses: responses}
	}
	var tried []struct {
		Hour              int64
		Class             forward.Class
		Status            int
		Attempts, Retries int64
	}
	const tries = `SELECT hour, class, status, attempts, retries FROM attempt_hour
		WHERE app_id = ? AND destination_id = ? AND hour >= ? AND hour < ? ORDER BY hour`
	if err := s.main.r.SelectContext(ctx, &tried, s.main.q(tries), app, destination, from, to); err != nil {
		return nil, err
	}
	for _, x := range tried {
		in(x.Hour).Tried.Add(forward.Tries{Class: x.Class, Status: x.Status, Attempts: x.Attempts, Retries: x.Retries})
	}
	out := make([]forward.Hour, 0, len(byHour))
	for _, one := range byHour {
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b forward.Hour) int { return a.At.Compare(b.At) })
	return out, nil
}

// queue counts what waits now, by the indexes that hold nothing else.
func (s *Store) queue(ctx context.Context, app int64, destination string) (q forward.Queue, err error) {
	for state, into := range map[forward.State]*int64{forward.StatePending: &q.Pending, forward.StateHeld: &q.Held, forward.StateGone: &q.Gone} {
		const count = `SELECT COUNT(*) FROM outbox WHERE app_id = ? AND destination_id = ? AND state = ?`
		if err := s.main.r.GetContext(ctx, into, s.main.q(count), app, destination, state); err != nil {
			return q, err
		}
	}
	oldest, err := s.oldestDue(ctx, app, destination)
	if err == nil && !oldest.IsZero() {
		q.OldestDue = max(0, s.clock.Now().Sub(oldest).Seconds())
	}
	return q, err
}

// oldestDue is when the oldest delivery that waits was first due; zero: none waits.
func (s *Store) oldestDue(ctx context.Context, app int64, destination string) (time.Time, error) {
	var oldest sql.NullInt64
	const text = `SELECT MIN(first_due_at) FROM outbox WHERE app_id = ? AND destination_id = ? AND ` + waiting
	err := s.main.r.GetContext(ctx, &oldest, s.main.q(text), app, destination)
	return atOrZero(oldest), err
}
