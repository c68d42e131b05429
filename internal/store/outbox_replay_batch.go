package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/conversion"
	"skand/forward"
)

// next lists what comes now, the place behind it ("" behind the last), and how many of
// the ids asked for are nobody's.
func (run *replayRun) next(ctx context.Context, s *Store) (keys []deliveryKey, last string, missing int, err error) {
	if len(run.IDs) > 0 {
		return run.nextIDs(ctx, s)
	}
	before, err := readDeliveryCursor(run.place)
	if err != nil {
		return nil, "", 0, err
	}
	f := run.Filter
	// What is written while it runs is no part of it.
	if end := run.begun.Add(time.Millisecond); f.To.IsZero() || f.To.After(end) {
		f.To = end
	}
	keys, err = s.deliveryKeys(ctx, f, before, replayBatch+1)
	if err != nil {
		return nil, "", 0, err
	}
	keys, last = page(keys, replayBatch, deliveryKey.cursor)
	return keys, last, 0, nil
}

func (run *replayRun) nextIDs(ctx context.Context, s *Store) (keys []deliveryKey, last string, missing int, err error) {
	from := 0
	if run.place != "" {
		if from, err = strconv.Atoi(run.place); err != nil {
			return nil, "", 0, err
		}
	}
	to := min(from+replayBatch, len(run.IDs))
	places, err := s.places(ctx, DeliveryFilter{AppID: run.Filter.AppID})
	if err != nil {
		return nil, "", 0, err
	}
	for _, app := range places.apps {
		text, args, err := sqlx.In(`SELECT app_id, id, created_at AS at FROM outbox WHERE app_id = ? AND id IN (?)`, app, run.IDs[from:to])
		if err != nil {
			return nil, "", 0, err
		}
		if err := s.main.r.SelectContext(ctx, &keys, s.main.q(text), args...); err != nil {
			return nil, "", 0, err
		}
	}
	if to < len(run.IDs) {
		last = strconv.Itoa(to)
	}
	return keys, last, to - from - len(keys), nil
}

// replayRow is a delivery with what decides whether it may be sent again.
type replayRow struct {
	AppID         int64          `db:"app_id"`
	ID            string         `db:"id"`
	DestinationID string         `db:"destination_id"`
	State         forward.State  `db:"state"`
	CreatedAt     int64          `db:"created_at"`
	Emptied       bool           `db:"emptied"`
	Subject       sql.NullString `db:"subject"`
	Known         bool           `db:"known"`
	ATT           sql.NullString `db:"att_status"`
	Limited       sql.NullBool   `db:"limited"`
	GDPR          sql.NullString `db:"gdpr"`
	Review        sql.NullString `db:"review"`
}

const replayRowsSQL = `SELECT o.app_id, o.id, o.destination_id, o.state, o.created_at, o.fields = '' AS emptied, o.subject,
		i.id IS NOT NULL AS known, i.att_status, i.limited, i.gdpr, i.review
	FROM outbox o LEFT JOIN install i ON i.app_id = o.app_id AND i.id = o.subject
	WHERE o.app_id = ? AND o.id IN (?) ORDER BY o.id`

// refusal is why the row stays; "" where it is sent again. Consent is judged as of now:
// what was allowed when the conversion came may not be any more.
func (run *replayRun) refusal(r *replayRow, destinations map[string]forward.Destination) ReplayRefusal {
	d, there := destinations[r.DestinationID]
	switch {
	case r.State == forward.StatePending:
		return ReplayWaits
	case r.State == forward.StateDelivered && !run.Delivered:
		return ReplayDelivered
	case !there:
		return ReplayGiven
	case r.Emptied:
		return ReplayEmptied
	case !r.Subject.Valid:
		return "" // nobody's
	case !r.Known:
		return ReplayUnknown
	case r.Limited.Bool, !d.SendsIn(forward.ConsentState(r.ATT.String, r.GDPR.String == conversion.GDPRRefused)):
		return ReplayConsent
	case r.Review.String == forward.ReviewRejected:
		return ReplayRejected
	}
	return ""
}

// strips says whether the identifiers have to go before it is sent.
func (r *replayRow) strips() bool {
	return r.Subject.Valid && (r.ATT.String != conversion.ATTAuthorized || r.GDPR.String == conversion.GDPRRefused)
}

// batch moves these and counts them. It holds first the apps, against changes of
// consent and erasures, then the destinations, then the deliveries, as everyone does.
func (run *replayRun) batch(ctx context.Context, s *Store, t *tx, keys []deliveryKey) error {
	byApp := map[int64][]string{}
	for _, k := range keys {
		byApp[k.AppID] = append(byApp[k.AppID], k.ID)
	}
	apps := slices.Sorted(maps.Keys(byApp))
	if !run.DryRun {
		if err := holdApps(ctx, t, apps, true); err != nil {
			return err
		}
	}
	for _, app := range apps {
		if err := run.app(ctx, s, t, app, byApp[app]); err != nil {
			return fmt.Errorf("app %d: %w", app, err)
		}
	}
	return nil
}

func (run *replayRun) app(ctx context.Context, s *Store, t *tx, app int64, ids []string) error {
	destinations, err := holdDestinations(ctx, t, app, run.DryRun)
	if err != nil {
		return err
	}
	text, args, err := sqlx.In(replayRowsSQL, app, ids)
	if err != nil {
		return err
	}
	if !run.DryRun && t.dialect == postgres {
		text += ` FOR UPDATE OF o`
	}
	var rows []replayRow
	if err := t.SelectContext(ctx, &rows, t.q(text), args...); err != nil {
		return fmt.Errorf("read deliveries: %w", err)
	}
	again := map[string][]*replayRow{}
	for i := range rows {
		r := &rows[i]
		if why := run.refusal(r, destinations); why != "" {
			run.done.LeftOut[why]++
			continue
		}
		run.done.Replayed++
		run.done.ByState[r.State]++
		again[r.DestinationID] = append(again[r.DestinationID], r)
	}
	if run.DryRun {
		return nil
	}
	for _, destination := range slices.Sorted(maps.Keys(again)) {
		if err := s.sendAgain(ctx, t, app, destination, again[destination], destinations[destination].Expires); err != nil {
			return fmt.Errorf("destination %s: %w", destination, err)
		}
	}
	return nil
}

// holdDestinations reads an app's destinations, and locks them.
func holdDestinations(ctx context.Context, t *tx, app int64, dry bool) (map[string]forward.Destination, error) {
	text := selectDestination + ` WHERE app_id = ? ORDER BY id`
	if !dry {
		text += t.forUpdate()
	}
	var rows []destinationRow
	if err := t.SelectContext(ctx, &rows, t.q(text), app); err != nil {
		return nil, fmt.Errorf("hold destinations: %w", err)
	}
	all, err := registered(rows)
	if err != nil {
		return nil, err
	}
	out := map[string]forward.Destination{}
	for _, r := range all {
		out[r.Destination.ID] = r.Destination.WithDefaults()
	}
	return out, nil
}

// sendAgain makes deliveries of a destination pending. The hours in which they were
// written are counted anew.
func (s *Store) sendAgain(ctx context.Context, t *tx, app int64, destination string, rows []*replayRow, expires time.Duration) error {
	const (
		pending = `UPDATE outbox SET state = 'pending', due_at = ?, first_due_at = ?, expires_at = ?, settled_at = NULL,
				leased_until = NULL, hold_reason = '', fence = fence + 1
			WHERE app_id = ? AND id IN (?)`
		stale = `UPDATE delivery_hour SET stale = stale + 1 WHERE app_id = ? AND destination_id = ? AND hour IN (?)`
	)
	var ids []string
	hours := map[int64]bool{}
	for _, r := range rows {
		ids = append(ids, r.ID)
		hours[hourOf(r.CreatedAt)] = true
	}
	now := s.clock.Now()
	for _, one := range []struct {
		text string
		args []any
	}{
		{pending, []any{ms(now), ms(now), ms(now.Add(expires)), app, ids}},
		{stale, []any{app, destination, slices.Sorted(maps.Keys(hours))}},
	} {
		text, args, err := sqlx.In(one.text, one.args...)
		if err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, t.q(text), args...); err != nil {
			return err
		}
	}
	for _, r := range rows {
		if !r.strips() {
			continue
		}
		in := &conversion.KeptInstall{}
		in.AppID, in.ATTStatus = app, r.ATT.String
		if err := newLedger(s, t).stripPending(ctx, in, r.Subject); err != nil {
			return err
		}
	}
	return nil
}

const hourMS = int64(time.Hour / time.Millisecond)

// hourOf is the begin of the hour of a time in milliseconds.
func hourOf(at int64) int64 { return at - at%hourMS }
