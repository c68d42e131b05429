package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"skand/forward"
	"skand/internal/store"
)

// replayAsk is what the flags of `skand replay deliveries` say: the body of the
// admin listener's POST /v1/deliveries:replay.
type replayAsk struct {
	IDs       []string  `json:"ids,omitempty"`
	Filter    *replayBy `json:"filter,omitempty"`
	Delivered bool      `json:"delivered,omitempty"`
	DryRun    bool      `json:"dry_run,omitempty"`
	Key       string    `json:"key,omitempty"`
}

type replayBy struct {
	AppID       int64  `json:"app_id,omitempty"`
	Destination string `json:"destination,omitempty"`
	State       string `json:"state,omitempty"`
	Class       string `json:"class,omitempty"`
	Status      *int   `json:"status,omitempty"`
	From        string `json:"from,omitempty"`
	To          string `json:"to,omitempty"`
}

func newReplayDeliveriesCmd() *cobra.Command {
	var ask replayAsk
	var by replayBy
	var status int
	cmd := &cobra.Command{
		Use:   "deliveries [ID...]",
		Short: "Send deliveries again, under their own ids",
		Long: "deliveries makes deliveries pending again that were refused, expired, held, gone, or (with --delivered)\n" +
			"delivered: those named, or those that the flags pick. They keep their ids, so that a receiver knows what it\n" +
			"has; they are due at once and live for the destination's expires from now on; consent is judged as it is now.\n" +
			"It prints how many, and why others were left out. Stopped under way, it goes on with the same --key.",
		Example: "  skand replay deliveries --destination acme --state refused --from 2026-11-01 --dry-run",
	}
	t := addTargetFlags(cmd)
	f := cmd.Flags()
	f.Int64Var(&by.AppID, "app", 0, "App Store id")
	f.StringVar(&by.Destination, "destination", "", "id of the destination")
	f.StringVar(&by.State, "state", "", "refused, expired, held, gone, delivered")
	f.StringVar(&by.Class, "class", "", "class of the last outcome: held, refused, gone, expired, ok")
	f.IntVar(&status, "status", 0, "status of the last answer")
	f.StringVar(&by.From, "from", "", "written then or later: a day, or RFC 3339")
	f.StringVar(&by.To, "to", "", "written before")
	f.BoolVar(&ask.Delivered, "delivered", false, "also what was delivered: the receiver has to know its ids")
	f.BoolVar(&ask.DryRun, "dry-run", false, "count, and send nothing")
	f.StringVar(&ask.Key, "key", "", "name of this replay, to go on with it")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		ask.IDs = ids
		if f.Changed("status") {
			by.Status = &status
		}
		if by != (replayBy{}) {
			ask.Filter = &by
		}
		if (len(ids) > 0) == (ask.Filter != nil) {
			return usagef("replay deliveries: name deliveries, or pick them by --destination, --state, --class, --status, --from, --to, --app")
		}
		if ask.Key == "" && !ask.DryRun {
			ask.Key = uuid.NewString()
		}
		r, err := ask.replay()
		if err != nil {
			return usagef("replay deliveries: %w", err)
		}
		done, err := ask.run(cmd, t, r)
		var answered *refusal
		switch {
		case err == nil:
		case ask.DryRun, errors.As(err, &answered) && answered.status < 500:
			return fmt.Errorf("replay deliveries: %w", err)
		default:
			return fmt.Errorf("replay deliveries: %w (what is done is done; go on with --key %s)", err, ask.Key)
		}
		line, err := json.Marshal(done)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), string(line))
		return err
	}
	return cmd
}

// run asks until everything is done; a server answers in parts. r is the same for a store.
func (ask *replayAsk) run(cmd *cobra.Command, t *target, r store.DeliveryReplay) (done store.DeliveryReplayed, err error) {
	if t.remote() {
		for !done.Finished {
			done = store.DeliveryReplayed{}
			if err := t.post(cmd.Context(), "/v1/deliveries:replay", ask, &done); err != nil || ask.DryRun {
				return done, err
			}
		}
		return done, nil
	}
	app, err := t.app(cmd)
	if err != nil {
		return done, err
	}
	defer func() { _ = app.Close() }() // what was replayed is committed
	return app.store.ReplayDeliveries(cmd.Context(), r)
}

// replay reads the flags as the listener reads the body.
func (ask *replayAsk) replay() (store.DeliveryReplay, error) {
	r := store.DeliveryReplay{IDs: slices.Compact(slices.Sorted(slices.Values(ask.IDs))), Delivered: ask.Delivered, DryRun: ask.DryRun, Key: ask.Key}
	if ask.Filter == nil {
		return r, nil
	}
	by := ask.Filter
	r.Filter = store.DeliveryFilter{
		AppID: by.AppID, DestinationID: by.Destination, State: forward.State(by.State), Class: forward.Class(by.Class), Status: by.Status,
	}
	if by.State != "" && (!slices.Contains(forward.States(), r.Filter.State) || r.Filter.State == forward.StatePending) {
		return r, usagef("--state %q: want refused, expired, held, gone or delivered", by.State)
	}
	if !ask.Delivered && (r.Filter.State == forward.StateDelivered || r.Filter.Class == forward.ClassOK) {
		return r, usagef("what was delivered is sent again only with --delivered: the receiver has to know its ids, or it counts twice")
	}
	for _, e := range []struct {
		name, text string
		into       *time.Time
	}{{"from", by.From, &r.Filter.From}, {"to", by.To, &r.Filter.To}} {
		if e.text == "" {
			continue
		}
		when, err := time.Parse(time.DateOnly, e.text)
		if err != nil {
			when, err = time.Parse(time.RFC3339, e.text)
		}
		if err != nil {
			return r, usagef("--%s %q: want a day such as 2026-11-02, or a time in RFC 3339", e.name, e.text)
		}
		*e.into = when
	}
	return r, nil
}
