package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"skand/forward"
)

// DeliveryReplay says which deliveries are to be sent again.
type DeliveryReplay struct {
	IDs       []string       // these; else what the filter picks
	Filter    DeliveryFilter // its span is of when deliveries were written
	Delivered bool           // also those that were delivered: the receiver must know its ids
	DryRun    bool           // count, and change nothing
	Key       string         // of the request: with the same one it goes on, and does nothing twice
	Batches   int            // after so many it stops, to be asked again; 0: at the end
}

// DeliveryReplayed is what a replay did, or would do. Deliveries that are left out stay
// as they are.
type DeliveryReplayed struct {
	DryRun   bool                    `json:"dry_run"`
	Replayed int64                   `json:"replayed"`
	ByState  map[forward.State]int64 `json:"by_state"` // where the replayed ones stood
	LeftOut  map[ReplayRefusal]int64 `json:"left_out"`
	Finished bool                    `json:"finished"` // false: ask again with the same key; of a dry run: there are more
	Key      string                  `json:"key,omitempty"`
}

// ReplayRefusal is why a delivery is not sent again.
type ReplayRefusal string

// Why a delivery stays as it is.
const (
	ReplayWaits      ReplayRefusal = "waits_already"       // it is pending
	ReplayDelivered  ReplayRefusal = "delivered"           // and it was not asked for
	ReplayEmptied    ReplayRefusal = "values_gone"         // retention has emptied it
	ReplayGiven      ReplayRefusal = "destination_deleted" // nobody to send it to
	ReplayConsent    ReplayRefusal = "consent"             // the person does not allow it any more
	ReplayRejected   ReplayRefusal = "install_rejected"    // an operator called its install fraud
	ReplayUnknown    ReplayRefusal = "install_gone"        // its install is not kept: consent can't be judged
	ReplayNoDelivery ReplayRefusal = "no_such_delivery"
)

// What a replay may be refused for.
var (
	ErrReplayKey  = errors.New("another replay was asked under this key")
	ErrReplayBusy = errors.New("this replay is running elsewhere")
)

// replayBatch is how many deliveries one transaction moves: a sender that settles, or an
// erasure, waits that long at most.
const replayBatch = 200

// ReplayDeliveries makes deliveries pending again under their own ids, so that a
// receiver knows those that it has. They are due at once and live for the destination's
// `expires` from now; what the destination takes at a time and per second bounds them as
// ever. It works in small transactions: stopped at any moment it has done a part, and
// asked again with the same key it does the rest.
func (s *Store) ReplayDeliveries(ctx context.Context, r DeliveryReplay) (DeliveryReplayed, error) {
	done, err := s.replayDeliveries(ctx, r)
	if err != nil && !errors.Is(err, ErrReplayKey) && !errors.Is(err, ErrReplayBusy) {
		err = fmt.Errorf("replay deliveries: %w", err)
	}
	return done, err
}

func (s *Store) replayDeliveries(ctx context.Context, r DeliveryReplay) (DeliveryReplayed, error) {
	run, err := s.beginReplay(ctx, r)
	if err != nil || run.done.Finished {
		return run.done, err
	}
	for n := 0; !run.done.Finished && (r.Batches == 0 || n < r.Batches); n++ {
		if err := ctx.Err(); err != nil {
			return run.done, err
		}
		if err := run.step(ctx, s); err != nil {
			return run.done, err
		}
	}
	return run.done, nil
}

// step does one batch in one transaction. What it counted and how far it came is said
// only once that is committed.
func (run *replayRun) step(ctx context.Context, s *Store) error {
	keys, last, missing, err := run.next(ctx, s)
	if err != nil {
		return err
	}
	after := *run
	after.done.ByState, after.done.LeftOut = maps.Clone(run.done.ByState), maps.Clone(run.done.LeftOut)
	after.place, after.done.Finished = last, last == ""
	if missing > 0 {
		after.done.LeftOut[ReplayNoDelivery] += int64(missing)
	}
	err = s.main.in(ctx, func(t *tx) error {
		if err := after.batch(ctx, s, t, keys); err != nil {
			return err
		}
		return after.save(ctx, s, t, run.place)
	})
	if err == nil {
		*run = after
	}
	return err
}

// replayRun is a replay on its way.
type replayRun struct {
	DeliveryReplay
	begun time.Time
	place string // cursor of the filter's list, or how many of the ids are done
	done  DeliveryReplayed
}

func newReplayed(dry bool) DeliveryReplayed {
	return DeliveryReplayed{DryRun: dry, ByState: map[forward.State]int64{}, LeftOut: map[ReplayRefusal]int64{}}
}

// request is what a key stands for.
func (r DeliveryReplay) request() (string, error) {
	r.Key, r.Batches = "", 0
	b, err := json.Marshal(r)
	return string(b), err
}

// beginReplay tells the audit log, and finds how far a replay with this key has come.
func (s *Store) beginReplay(ctx context.Context, r DeliveryReplay) (*replayRun, error) {
	run := &replayRun{DeliveryReplay: r, begun: s.clock.Now().UTC().Truncate(time.Millisecond), done: newReplayed(r.DryRun)}
	run.done.Key = r.Key
	run.Filter.among = slices.Clone(replayable)
	if !r.Delivered {
		run.Filter.among = run.Filter.among[1:]
	}
	if r.DryRun {
		return run, nil
	}
	request, err := r.request()
	if err != nil {
		return nil, err
	}
	err = s.main.in(ctx, func(t *tx) error {
		if r.Key != "" {
			const insert = `INSERT INTO delivery_replay (replay_key, request, begun_at, place, counts) VALUES (?, ?, ?, '', '') ON CONFLICT DO NOTHING RETURNING replay_key`
			var fresh []string
			if err := t.SelectContext(ctx, &fresh, t.q(insert), r.Key, request, ms(run.begun)); err != nil {
				return err
			}
			if len(fresh) == 0 {
				return run.resume(ctx, t, request)
			}
		}
		detail := map[string]any{"ids": len(r.IDs), "filter": r.Filter.told(), "delivered": r.Delivered, "key": r.Key}
		return audit(ctx, t, actor(ctx, "skand replay"), run.begun, act{ActDeliveriesReplay, r.Filter.AppID, "deliveries", detail})
	})
	return run, err
}

func (run *replayRun) resume(ctx context.Context, t *tx, request string) error {
	var row struct {
		Request string `db:"request"`
		Begun   int64  `db:"begun_at"`
		Place   string `db:"place"`
		Counts  string `db:"counts"`
	}
	err := t.GetContext(ctx, &row, t.q(`SELECT request, begun_at, place, counts FROM delivery_replay WHERE replay_key = ?`), run.Key)
	if err != nil {
		return err
	}
	if row.Request != request {
		return ErrReplayKey
	}
	run.begun, run.place = at(row.Begun), row.Place
	if row.Counts == "" {
		return nil
	}
	return json.Unmarshal([]byte(row.Counts), &run.done)
}

// save keeps how far it has come, in the transaction that went there. Of two that run
// with one key at once the second finds that the place has moved, and undoes its batch.
func (run *replayRun) save(ctx context.Context, s *Store, t *tx, from string) error {
	if run.Key == "" || run.DryRun {
		return nil
	}
	counts, err := json.Marshal(run.done)
	if err != nil {
		return err
	}
	var finished *int64
	if run.done.Finished {
		now := ms(s.clock.Now())
		finished = &now
	}
	const save = `UPDATE delivery_replay SET place = ?, counts = ?, finished_at = ?
		WHERE replay_key = ? AND place = ? AND finished_at IS NULL RETURNING replay_key`
	var saved []string
	err = t.SelectContext(ctx, &saved, t.q(save), run.place, string(counts), finished, run.Key, from)
	if err == nil && len(saved) == 0 {
		return ErrReplayBusy
	}
	return err
}

// told is the filter as the audit log has it: of a conversion's id nothing but that it
// was asked for, for it names an install.
func (f DeliveryFilter) told() map[string]any {
	out := map[string]any{}
	for name, value := range map[string]string{
		"destination": f.DestinationID, "network": f.NetworkID, "kind": f.Kind, "event": f.EventName,
		"state": string(f.State), "class": string(f.Class), "delivery_id": f.DeliveryID,
	} {
		if value != "" {
			out[name] = value
		}
	}
	if f.Status != nil {
		out["status"] = *f.Status
	}
	if f.ConversionID != "" || f.DedupKey != "" || f.Query != "" {
		out["by"] = "id"
	}
	for name, when := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !when.IsZero() {
			out[name] = when.UTC().Format(time.RFC3339)
		}
	}
	return out
}

// replayable are the states that a replay leads out of; the first only where it is asked.
var replayable = []forward.State{
	forward.StateDelivered, forward.StateRefused, forward.StateExpired, forward.StateHeld, forward.StateGone,
}
