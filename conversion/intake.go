package conversion

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Intake takes clicks, installs, events and consents, in any order of arrival. Every
// item is idempotent by its id; what it causes to be forwarded is written in the same
// transaction.
type Intake struct {
	Store ConsentedStore
}

// Taken is what became of one item.
type Taken struct {
	ID       string     // also where the item brought none
	Accepted bool       // false: its id was known, or it is Rejected
	Rejected *Rejection // why it was not kept; nil: it was, or had been
	Warnings []string   // kept, but look at this: unknown_event
}

// intakeChunk is how many items share a transaction: enough for the commit to cost
// little, few enough for others not to wait long.
const intakeChunk = 200

// errAlone asks for the transaction again with nobody beside it.
var errAlone = errors.New("this concerns what others may be deciding")

// Clicks keeps clicks in their order, as one after the other would be, and decides
// again the installs that waited for them. An error means that not all are known to be
// kept; sending all of them again is harmless.
func (k *Intake) Clicks(ctx context.Context, clicks []*Click) ([]Taken, error) {
	return take(ctx, k, kind[Click]{
		app: func(c *Click) int64 { return c.AppID }, id: func(c *Click) string { return c.ID }, keep: k.click,
	}, clicks)
}

// Installs keeps installs, each with its decision, and forwards them and the events
// that came before them. See Clicks for order and errors.
func (k *Intake) Installs(ctx context.Context, installs []*Install) ([]Taken, error) {
	return take(ctx, k, kind[Install]{
		app: func(in *Install) int64 { return in.AppID }, id: func(in *Install) string { return in.ID }, keep: k.install, alone: true,
	}, installs)
}

// Events keeps events and forwards them; one whose install is unknown waits for it.
// See Clicks for order and errors.
func (k *Intake) Events(ctx context.Context, events []*Event) ([]Taken, error) {
	return take(ctx, k, kind[Event]{
		app: func(e *Event) int64 { return e.AppID }, id: func(e *Event) string { return e.ID }, keep: k.event,
	}, events)
}

// Consents keeps changes of consent, and does at once what they ask for. See Clicks
// for order and errors.
func (k *Intake) Consents(ctx context.Context, reports []*ConsentReport) ([]Taken, error) {
	return take(ctx, k, kind[ConsentReport]{
		app: func(c *ConsentReport) int64 { return c.AppID }, id: func(c *ConsentReport) string { return c.ID }, keep: k.consent, alone: true,
	}, reports)
}

// Click keeps one click; false: its id was known. The error may be a Rejection.
func (k *Intake) Click(ctx context.Context, c *Click) (bool, error) {
	return single(k.Clicks(ctx, []*Click{c}))
}

// Install keeps one install; false: its id was known. The error may be a Rejection.
func (k *Intake) Install(ctx context.Context, in *Install) (bool, error) {
	return single(k.Installs(ctx, []*Install{in}))
}

// Event keeps one event; false: its id was known. The error may be a Rejection.
func (k *Intake) Event(ctx context.Context, e *Event) (bool, error) {
	return single(k.Events(ctx, []*Event{e}))
}

// Consent keeps one change of consent; false: its id was known.
func (k *Intake) Consent(ctx context.Context, c *ConsentReport) (bool, error) {
	return single(k.Consents(ctx, []*ConsentReport{c}))
}

func single(taken []Taken, err error) (bool, error) {
	switch {
	case err != nil:
		return false, err
	case taken[0].Rejected != nil:
		return false, taken[0].Rejected
	}
	return taken[0].Accepted, nil
}

// kind is how items of one kind are taken.
type kind[T any] struct {
	app   func(*T) int64
	id    func(*T) string
	alone bool // nothing of the app may be decided beside it
	keep  func(ctx context.Context, l Ledger, alone bool, item *T) (Taken, error)
}

// take keeps items in chunks. Where a chunk can't be kept its items are tried one by
// one, so that one that the store does not take keeps no other from being kept.
func take[T any](ctx context.Context, k *Intake, of kind[T], items []*T) ([]Taken, error) {
	all := make([]Taken, 0, len(items))
	var failed error
	for chunk := range slices.Chunk(items, intakeChunk) {
		taken, err := takeChunk(ctx, k, of, chunk)
		if err == nil {
			all = append(all, taken...)
			continue
		}
		if len(chunk) == 1 || ctx.Err() != nil {
			return nil, err
		}
		inARow := 0
		for i := range chunk {
			one, err := takeChunk(ctx, k, of, chunk[i:i+1])
			if err == nil {
				all, inARow = append(all, one...), 0
				continue
			}
			all = append(all, Taken{ID: of.id(chunk[i])})
			failed = errors.Join(failed, err)
			if inARow++; inARow == 3 || ctx.Err() != nil { // it is not the item's fault
				return nil, failed
			}
		}
	}
	if failed != nil {
		return nil, failed
	}
	return all, nil
}

func takeChunk[T any](ctx context.Context, k *Intake, of kind[T], chunk []*T) ([]Taken, error) {
	apps := make([]int64, 0, 1)
	for _, item := range chunk {
		apps = append(apps, of.app(item))
	}
	slices.Sort(apps)
	apps = slices.Compact(apps)
	var taken []Taken
	run := func(alone bool) error {
		return k.Store.InLedger(ctx, apps, alone, func(l Ledger) error {
			taken = make([]Taken, 0, len(chunk))
			for _, item := range chunk {
				one, err := of.keep(ctx, l, alone, item)
				if err != nil {
					return err
				}
				taken = append(taken, one)
			}
			return nil
		})
	}
	err := run(of.alone)
	if errors.Is(err, errAlone) {
		err = run(true)
	}
	return taken, err
}

// tooLate rejects what is older than what is kept of its app: it would be deleted at
// once, and decide over what is long gone.
func tooLate(ctx context.Context, l Ledger, appID int64, when time.Time, a Arrived) (*Rejection, error) {
	rules, err := l.Rules(ctx, appID)
	if err != nil {
		return nil, err
	}
	now := a.At
	if now.IsZero() {
		now = l.Now()
	}
	if when.Before(now.Add(-rules.Keeps)) {
		return reject("too_late", "time", "%s is longer ago than the %d days for which this app's data is kept (consented_retention)",
			when.Format(time.RFC3339), rules.Keeps/(24*time.Hour)), nil
	}
	return nil, nil
}

func erased() *Rejection {
	return reject("erased", "", "this person asked to be erased after that time; nothing of before is kept")
}
