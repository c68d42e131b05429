package conversion

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"
)

// click keeps a click and decides again, in the order of their time, the organic
// installs that it may have led to: facts decide, not the order of arrival.
func (k *Intake) click(ctx context.Context, l Ledger, alone bool, c *Click) (Taken, error) {
	t := Taken{ID: c.ID}
	var err error
	if t.Rejected, err = tooLate(ctx, l, c.AppID, c.Time, c.Arrival); err != nil || t.Rejected != nil {
		return t, err
	}
	gone, err := l.ErasedClick(ctx, c)
	if err != nil {
		return t, err
	}
	if gone {
		t.Rejected = erased()
		return t, nil
	}
	t.Accepted, err = l.AddClick(ctx, c)
	if err != nil || !t.Accepted {
		return t, err
	}
	waiting, err := l.Waiting(ctx, c)
	if err != nil || len(waiting) == 0 {
		return t, err
	}
	if !alone {
		return t, errAlone
	}
	slices.SortFunc(waiting, byTime)
	for i := range waiting {
		if err := k.redecide(ctx, l, &waiting[i]); err != nil {
			return t, err
		}
	}
	return t, nil
}

func byTime(a, b KeptInstall) int {
	return cmp.Or(cmp.Compare(a.Time.UnixMilli(), b.Time.UnixMilli()), cmp.Compare(a.ID, b.ID))
}

// install keeps an install with its decision, under the consent that stands.
func (k *Intake) install(ctx context.Context, l Ledger, _ bool, in *Install) (Taken, error) {
	t := Taken{ID: in.ID}
	var err error
	if t.Rejected, err = tooLate(ctx, l, in.AppID, in.Time, in.Arrival); err != nil || t.Rejected != nil {
		return t, err
	}
	kept := KeptInstall{Install: *in}
	rules, err := l.Rules(ctx, in.AppID)
	if err != nil {
		return t, err
	}
	kept.IsTest = rules.IsTest(in.IDFA, in.IDFV, in.ID)
	history, err := l.Consents(ctx, in.AppID, in.ID)
	if err != nil {
		return t, err
	}
	own := in.change()
	kept.stand(append(history, own))
	kept.Device = l.Device(&kept.Install)
	gone, err := l.Erased(ctx, in.AppID, in.ID, kept.Device, in.Time)
	if err != nil {
		return t, err
	}
	if gone {
		t.Rejected = erased()
		return t, nil
	}
	kept.permitted()
	if kept.Decision, err = k.decide(ctx, l, &kept); err != nil {
		return t, err
	}
	t.Accepted, err = l.AddInstall(ctx, &kept)
	if err != nil || !t.Accepted {
		return t, err
	}
	if !own.silent() {
		if _, err := l.AddConsent(ctx, in.AppID, in.ID, l.ItemID("install", in.ID), own); err != nil {
			return t, err
		}
	}
	return t, send(ctx, l, &kept)
}

// event keeps an event, with what the app's settings say of it.
func (k *Intake) event(ctx context.Context, l Ledger, _ bool, e *Event) (Taken, error) {
	kept := KeptEvent{Event: *e}
	if kept.ID == "" { // by the time as it was reported: sent again it is to be the same
		said := e.Time
		if !e.Arrival.Reported.IsZero() {
			said = e.Arrival.Reported
		}
		kept.ID = l.ItemID("event", e.InstallID, e.Name, strconv.FormatInt(said.UnixMilli(), 10))
	}
	t := Taken{ID: kept.ID}
	var err error
	if t.Rejected, err = tooLate(ctx, l, e.AppID, e.Time, e.Arrival); err != nil || t.Rejected != nil {
		return t, err
	}
	gone, err := l.Erased(ctx, e.AppID, e.InstallID, Device{}, e.Time)
	if err != nil {
		return t, err
	}
	if gone {
		t.Rejected = erased()
		return t, nil
	}
	in, err := l.Install(ctx, e.AppID, e.InstallID)
	if err != nil {
		return t, err
	}
	var installed time.Time // zero: its window is judged when the install comes
	if in != nil {
		installed = in.Time
	}
	if err := judge(ctx, l, &kept, installed); err != nil {
		return t, err
	}
	t.Accepted, err = l.AddEvent(ctx, &kept)
	if err != nil || !t.Accepted {
		return t, err
	}
	if slices.Contains(kept.Flags, FlagUnknownEvent) {
		t.Warnings = []string{FlagUnknownEvent}
	}
	if in == nil {
		return t, nil
	}
	click, err := clickOf(ctx, l, in)
	if err != nil {
		return t, err
	}
	return t, l.Enqueue(ctx, eventOut(&kept, in, click))
}

// consent keeps a change of consent and does at once what now stands, if the install
// is known; else the install will ask for it.
func (k *Intake) consent(ctx context.Context, l Ledger, _ bool, c *ConsentReport) (Taken, error) {
	t := Taken{ID: c.ID}
	if t.ID == "" {
		t.ID = l.ItemID("consent", c.InstallID, strconv.FormatInt(c.Time.UnixMilli(), 10))
	}
	gone, err := l.Erased(ctx, c.AppID, c.InstallID, Device{}, c.Time)
	if err != nil {
		return t, err
	}
	if gone {
		t.Rejected = erased()
		return t, nil
	}
	t.Accepted, err = l.AddConsent(ctx, c.AppID, c.InstallID, l.ItemID("consent", t.ID), c.Change())
	if err != nil || !t.Accepted {
		return t, err
	}
	in, err := l.Install(ctx, c.AppID, c.InstallID)
	if err != nil || in == nil {
		return t, err
	}
	history, err := l.Consents(ctx, c.AppID, c.InstallID)
	if err != nil {
		return t, err
	}
	in.stand(history)
	if !in.Consent().Permit().Match {
		in.Device.IDFA = ""
	}
	in.permitted()
	return t, l.Reconsent(ctx, in)
}

// decide attributes an install by what the ledger holds.
func (k *Intake) decide(ctx context.Context, l Ledger, in *KeptInstall) (Decision, error) {
	named, err := l.Named(ctx, in)
	if err != nil {
		return Decision{}, err
	}
	matched, err := l.Matched(ctx, in)
	if err != nil {
		return Decision{}, err
	}
	known, err := l.Known(ctx, in)
	if err != nil {
		return Decision{}, err
	}
	var networks []string
	if named != nil {
		networks = append(networks, named.NetworkID)
	}
	for _, t := range matched {
		networks = append(networks, t.NetworkID)
	}
	windows, err := l.Windows(ctx, networks)
	if err != nil {
		return Decision{}, err
	}
	return Decide(&in.Install, named, matched, windows, known), nil
}

func (k *Intake) redecide(ctx context.Context, l Ledger, in *KeptInstall) error {
	var err error
	if in.Decision, err = k.decide(ctx, l, in); err != nil {
		return err
	}
	if err := l.Decide(ctx, in); err != nil {
		return err
	}
	return send(ctx, l, in)
}

// send hands over an install and its events, judged by the settings of the moment.
func send(ctx context.Context, l Ledger, in *KeptInstall) error {
	click, err := clickOf(ctx, l, in)
	if err != nil {
		return err
	}
	if err := l.Enqueue(ctx, InstallOut(in, click)); err != nil {
		return err
	}
	if err := sendClaim(ctx, l, in); err != nil {
		return err
	}
	events, err := l.Events(ctx, in.AppID, in.ID)
	if err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		before := slices.Clone(e.Flags)
		if err := judge(ctx, l, e, in.Time); err != nil {
			return err
		}
		if !slices.Equal(before, e.Flags) {
			if err := l.Judge(ctx, e); err != nil {
				return err
			}
		}
		if err := l.Enqueue(ctx, eventOut(e, in, click)); err != nil {
			return err
		}
	}
	return nil
}

func clickOf(ctx context.Context, l Ledger, in *KeptInstall) (*Click, error) {
	if !in.Decision.Attributed {
		return nil, nil
	}
	return l.Click(ctx, in.AppID, in.Decision.ClickID)
}
