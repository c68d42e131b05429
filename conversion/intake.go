package conversion

import (
	"context"
	"fmt"
	"strings"
)

// Ledger is what the consented side keeps, inside one transaction of its store.
type Ledger interface {
	// Hold makes transactions that hold the same key run one after the other, so that
	// a click and the install that names it can't miss each other.
	Hold(ctx context.Context, key string) error
	// AddClick, AddInstall and AddEvent keep an item and report false if its id is
	// already there, in which case nothing changed.
	AddClick(ctx context.Context, c *Click) (bool, error)
	AddInstall(ctx context.Context, in *Install, d Decision) (bool, error)
	AddEvent(ctx context.Context, e *Event) (bool, error)
	// Click returns the click with this id and the install that used it, or nil.
	Click(ctx context.Context, appID int64, id string) (*Click, string, error)
	// Install returns the install with its decision, or nil.
	Install(ctx context.Context, appID int64, id string) (*Install, Decision, error)
	// Waiting returns the installs that named this click before it was known.
	Waiting(ctx context.Context, appID int64, clickID string) ([]Install, error)
	// Events returns the events of an install, oldest first.
	Events(ctx context.Context, appID int64, installID string) ([]Event, error)
	// Decide replaces an install's decision; an attributed one uses up its click.
	Decide(ctx context.Context, in *Install, d Decision) error
	// Enqueue hands a conversion to the forwarder, in this same transaction.
	Enqueue(ctx context.Context, out Outgoing) error
}

// ConsentedStore runs f in one transaction, durable when it returns nil.
type ConsentedStore interface {
	InLedger(ctx context.Context, f func(Ledger) error) error
}

// Intake takes clicks, installs and events, in any order of arrival. Every item
// is idempotent by its id; what it causes to be forwarded is written in the same
// transaction.
type Intake struct {
	Store   ConsentedStore
	Windows Windows
}

// Click keeps a click and decides again the installs that waited for it.
func (k *Intake) Click(ctx context.Context, c *Click) (accepted bool, err error) {
	err = k.Store.InLedger(ctx, func(l Ledger) error {
		if err := l.Hold(ctx, clickKey(c.AppID, c.ID)); err != nil {
			return err
		}
		accepted, err = l.AddClick(ctx, c)
		if err != nil || !accepted {
			return err
		}
		waiting, err := l.Waiting(ctx, c.AppID, c.ID)
		if err != nil {
			return err
		}
		for i := range waiting {
			if err := k.redecide(ctx, l, &waiting[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return accepted, err
}

// Install keeps an install with its decision, and forwards it and the events that
// came before it.
func (k *Intake) Install(ctx context.Context, in *Install) (accepted bool, err error) {
	err = k.Store.InLedger(ctx, func(l Ledger) error {
		if err := l.Hold(ctx, installKey(in.AppID, in.ID)); err != nil {
			return err
		}
		d, click, err := k.decide(ctx, l, in)
		if err != nil {
			return err
		}
		accepted, err = l.AddInstall(ctx, in, d)
		if err != nil || !accepted {
			return err
		}
		return send(ctx, l, in, d, click)
	})
	return accepted, err
}

// Event keeps an event and forwards it; one whose install is unknown waits for it.
func (k *Intake) Event(ctx context.Context, e *Event) (accepted bool, err error) {
	err = k.Store.InLedger(ctx, func(l Ledger) error {
		if err := l.Hold(ctx, installKey(e.AppID, e.InstallID)); err != nil {
			return err
		}
		accepted, err = l.AddEvent(ctx, e)
		if err != nil || !accepted {
			return err
		}
		in, d, err := l.Install(ctx, e.AppID, e.InstallID)
		if err != nil || in == nil {
			return err
		}
		click, err := clickOf(ctx, l, in, d)
		if err != nil {
			return err
		}
		return l.Enqueue(ctx, EventOut(e, in, d, click))
	})
	return accepted, err
}

func (k *Intake) decide(ctx context.Context, l Ledger, in *Install) (Decision, *Click, error) {
	var touch *Touch
	var click *Click
	if in.ClickID != "" {
		if err := l.Hold(ctx, clickKey(in.AppID, in.ClickID)); err != nil {
			return Decision{}, nil, err
		}
		c, usedBy, err := l.Click(ctx, in.AppID, in.ClickID)
		if err != nil {
			return Decision{}, nil, err
		}
		if c != nil {
			click = c
			touch = &Touch{ID: c.ID, NetworkID: strings.ToLower(c.NetworkID), Interaction: c.Interaction, Time: c.Time, UsedBy: usedBy}
		}
	}
	d := Attribute(in, touch, k.windows())
	if !d.Attributed {
		click = nil
	}
	return d, click, nil
}

// Keys are held install first, then click, by everyone: so no two wait for each other.
func installKey(appID int64, id string) string { return fmt.Sprintf("install/%d/%s", appID, id) }
func clickKey(appID int64, id string) string   { return fmt.Sprintf("click/%d/%s", appID, id) }

func (k *Intake) windows() Windows {
	if k.Windows == (Windows{}) {
		return DefaultWindows()
	}
	return k.Windows
}

func (k *Intake) redecide(ctx context.Context, l Ledger, in *Install) error {
	d, click, err := k.decide(ctx, l, in)
	if err != nil {
		return err
	}
	if err := l.Decide(ctx, in, d); err != nil {
		return err
	}
	return send(ctx, l, in, d, click)
}

// send hands over an install and its events. What a destination already has under
// the same key is not enqueued again.
func send(ctx context.Context, l Ledger, in *Install, d Decision, click *Click) error {
	if err := l.Enqueue(ctx, InstallOut(in, d, click)); err != nil {
		return err
	}
	events, err := l.Events(ctx, in.AppID, in.ID)
	if err != nil {
		return err
	}
	for i := range events {
		if err := l.Enqueue(ctx, EventOut(&events[i], in, d, click)); err != nil {
			return err
		}
	}
	return nil
}

func clickOf(ctx context.Context, l Ledger, in *Install, d Decision) (*Click, error) {
	if !d.Attributed {
		return nil, nil
	}
	c, _, err := l.Click(ctx, in.AppID, d.ClickID)
	return c, err
}
