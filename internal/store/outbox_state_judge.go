package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skand/forward"
)

// judgeDestinations folds a batch of outcomes, destination by destination in the order
// of the batch, into how these stand. It returns the batch in the order in which rows
// are locked, with what the judgement changes of it, and who changed state.
//
// stand is how destinations stood without a lock, and afterwards how they stand.
func judgeDestinations(ctx context.Context, t *tx, all []forward.Settlement, stand map[string]*stood) (judged []forward.Settlement, turned []forward.Registered, err error) {
	judged = slices.Clone(all)
	slices.SortStableFunc(judged, func(a, b forward.Settlement) int { return strings.Compare(a.DestinationID, b.DestinationID) })
	for from := 0; from < len(judged); {
		to := from + 1
		for to < len(judged) && judged[to].DestinationID == judged[from].DestinationID {
			to++
		}
		now, changed, err := judgeDestination(ctx, t, judged[from:to], stand)
		if err != nil {
			return nil, nil, err
		}
		if changed {
			turned = append(turned, now)
		}
		from = to
	}
	inLockOrder(judged)
	return judged, turned, nil
}

// inLockOrder sorts a batch as the rows of its deliveries are locked.
func inLockOrder(batch []forward.Settlement) {
	slices.SortStableFunc(batch, func(a, b forward.Settlement) int {
		return cmp.Or(cmp.Compare(a.Attempt.AppID, b.Attempt.AppID), strings.Compare(a.Attempt.DeliveryID, b.Attempt.DeliveryID))
	})
}

// judgeDestination folds the outcomes of one destination. Nearly always they change
// nothing, which one look without a lock tells; only what changes its row locks it,
// and is judged anew under the lock.
func judgeDestination(ctx context.Context, t *tx, batch []forward.Settlement, stand map[string]*stood) (r forward.Registered, turned bool, err error) {
	id := batch[0].DestinationID
	look := stand[id]
	if look == nil {
		return r, false, nil // gone
	}
	was, now := *look, folded(look.Standing, batch)
	if now != was.Standing {
		var ok bool
		if was, ok, err = readStanding(ctx, t, id, t.forUpdate()); err != nil || !ok {
			delete(stand, id)
			return r, false, err
		}
		now = folded(was.Standing, batch)
	}
	answered(was.Standing, now, batch)
	after := was
	after.Standing = now
	stand[id] = &after
	if now == was.Standing {
		return r, false, nil
	}
	if err := saveStanding(ctx, t, id, now); err != nil {
		return r, false, err
	}
	if now.Breaker.Turn == was.Breaker.Turn {
		return r, false, nil
	}
	r, turned, err = readDestination(ctx, t, id, "")
	return r, turned, err
}

func folded(s forward.Standing, batch []forward.Settlement) forward.Standing {
	for _, st := range batch {
		ended := st.Attempt.At.Add(st.Attempt.Duration)
		s = s.After(st.Outcome(), at(ms(ended))) // as the row will say it
	}
	return s
}

// answered makes rows due at once that would wait for somebody to act on a complaint of
// an earlier turn: it has been acted on. Where the destination stands still they wait
// all the same, and go when it does.
func answered(was, now forward.Standing, batch []forward.Settlement) {
	for i := range batch {
		st := &batch[i]
		if st.State != forward.StateHeld && st.State != forward.StateGone {
			continue
		}
		if st.Turn != was.Breaker.Turn && now.PausedReason == "" && now.DisabledReason == "" {
			st.State, st.DueAt = forward.StatePending, st.Attempt.At
		}
	}
}

// dueAtOnce lets go what waited for somebody to act: held and gone, and with retries
// also what waits for its next attempt, but nothing that is held back on purpose (its
// destination's delay, a suspicion) and nothing that is under way. How fast it goes is
// up to the destination's rate and in_flight.
func dueAtOnce(ctx context.Context, t *tx, appID int64, id string, now time.Time, retries bool) (rows int, err error) {
	const (
		waited = `UPDATE outbox SET state = 'pending', due_at = ?, settled_at = NULL
			WHERE app_id = ? AND destination_id = ? AND state IN ('held', 'gone') RETURNING id`
		failed = `UPDATE outbox SET due_at = ? WHERE app_id = ? AND destination_id = ? AND state = 'pending'
			AND attempts > 0 AND due_at > ? AND (leased_until IS NULL OR leased_until <= ?) RETURNING id`
	)
	var ids []string
	if err := t.SelectContext(ctx, &ids, t.q(waited), ms(now), appID, id); err != nil {
		return 0, fmt.Errorf("let go what destination %q held: %w", id, err)
	}
	rows, ids = len(ids), nil
	if !retries {
		return rows, nil
	}
	if err := t.SelectContext(ctx, &ids, t.q(failed), ms(now), appID, id, ms(now), ms(now)); err != nil {
		return 0, fmt.Errorf("let go the retries of destination %q: %w", id, err)
	}
	return rows + len(ids), nil
}
