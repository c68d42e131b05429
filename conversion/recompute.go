package conversion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Recompute asks for the installs of an app from a span of time (To excluded) to be
// decided again by all that is known now and by today's settings.
type Recompute struct {
	AppID    int64
	From, To time.Time
	DryRun   bool // tell what would change, and change nothing
}

// Recomputed is what a recompute changed, or would change.
type Recomputed struct {
	Installs int      `json:"installs"` // looked at
	Changed  []Change `json:"changed"`  // in the order of their time
	DryRun   bool     `json:"dry_run"`
}

// Change is an install whose decision is another one.
type Change struct {
	InstallID string   `json:"install_id"`
	Before    Decision `json:"before"`
	After     Decision `json:"after"`
}

// MaxRecompute is how many installs one recompute takes: nothing else of the app is
// decided while it runs.
const MaxRecompute = 10_000

// TooMany says that a span holds more installs than one recompute takes.
type TooMany struct{ Most int }

func (e *TooMany) Error() string {
	return fmt.Sprintf("more than %d installs lie in this span; recompute it in shorter ones, the oldest first", e.Most)
}

var errDryRun = errors.New("dry run")

// Recompute decides installs again as if they came in the order of their time: each
// first gives back its click. It is the only thing that changes an attribution. A
// destination that has a conversion already is not sent it again. It returns a
// TooMany, and then has done nothing.
func (k *Intake) Recompute(ctx context.Context, r Recompute) (Recomputed, error) {
	var done Recomputed
	err := k.Store.InLedger(ctx, []int64{r.AppID}, true, func(l Ledger) error {
		done = Recomputed{Changed: []Change{}, DryRun: r.DryRun}
		installs, err := l.Installs(ctx, r.AppID, r.From, r.To, MaxRecompute+1)
		if err != nil {
			return err
		}
		if len(installs) > MaxRecompute {
			return &TooMany{MaxRecompute}
		}
		done.Installs = len(installs)
		for i := range installs {
			if !installs[i].Decision.Attributed {
				continue
			}
			if err := l.Free(ctx, &installs[i]); err != nil {
				return err
			}
		}
		slices.SortFunc(installs, byTime)
		for i := range installs {
			if err := k.again(ctx, l, &installs[i], &done); err != nil {
				return err
			}
		}
		if r.DryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return done, err
}

// again decides one install whose click has been given back.
func (k *Intake) again(ctx context.Context, l Ledger, in *KeptInstall, done *Recomputed) error {
	before := in.Decision
	var err error
	if in.Decision, err = k.decide(ctx, l, in); err != nil {
		return err
	}
	if err := l.Decide(ctx, in); err != nil {
		return err
	}
	if before.same(in.Decision) {
		return nil
	}
	done.Changed = append(done.Changed, Change{in.ID, before, in.Decision})
	return send(ctx, l, in)
}

// same compares what a decision says, without all that it looked at.
func (d Decision) same(o Decision) bool {
	return d.Attributed == o.Attributed && d.ClickID == o.ClickID && d.NetworkID == o.NetworkID && d.Reason == o.Reason &&
		d.ReengagedBy == o.ReengagedBy && slices.Equal(d.Flags, o.Flags)
}
